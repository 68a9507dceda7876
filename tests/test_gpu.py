"""The lean step on JAX: its tests, in a process whose backend is JAX, and what other backends say of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bnet import backend
from bnet.audit import measured
from bnet.cli import doctor
from bnet.errors import BnetError
from bnet.models import get_variant
from bnet.training import lean

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize("chosen", ["gradients", "not gradients"])
def test_the_lean_step_on_jax(chosen, with_backend):
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", chosen]
    done = subprocess.run(
        [*command, str(HERE / "gpu_on_jax.py")],
        env=with_backend("jax"),
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]


@pytest.mark.parametrize(
    ("name", "kind", "step", "reason"),
    [
        ("torch", "GPU", "lean", "backend torch; the lean step is for tensorflow and jax"),
        ("tensorflow", "GPU", "lean", "tensorflow on a GPU; there the lean step is for jax"),
        ("tensorflow", "CPU", "kernels", "backend tensorflow; step kernels is for jax"),
    ],
)
def test_other_backends_and_devices_say_why_not(name, kind, step, reason, monkeypatch):
    monkeypatch.setattr(backend, "name", lambda: name)
    monkeypatch.setattr(backend, "device", lambda: {"kind": kind, "name": "one"})
    assert lean.why_not(get_variant("bbnn"), step) == reason
    with pytest.raises(BnetError, match=f"bbnn has no lean step here: {reason}"):
        lean.choose(None, get_variant("bbnn"), step)


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("tensorflow", "CPU", "tensorflow sees none; training on one"),
        ("tensorflow", "GPU", "one, seen by tensorflow: not run on a GPU by us"),
        ("jax", "GPU", "one"),
    ],
)
def test_doctor_recommends_the_backend_that_was_measured_on_a_gpu(name, kind, found, monkeypatch):
    monkeypatch.setattr(backend, "name", lambda: name)
    monkeypatch.setattr(backend, "device", lambda: {"kind": kind, "name": "one"})
    check, mend = next((check, mend) for what, check, mend, _ in doctor.CHECKS if what == "GPU")
    if (name, kind) == ("jax", "GPU"):
        assert check() == found
    else:
        with pytest.raises(BnetError, match=f"^{found}$"):
            check()
    assert f"KERAS_BACKEND={measured.read('gpu')['backend']}" in mend
