"""How a run is executed: settings and what is wrong with them, devices, residence, memory."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bnet import backend
from bnet.errors import BnetError
from bnet.models import get_variant
from bnet.training import assembly, device, fit
from bnet.training.config import PROFILES, get_profile
from bnet.training.device import AUTO, Choice, Settings
from bnet.training.parts import Part

keras = fit.keras
FRAMES, BANDS, CLASSES = 33, 13, 3
TRAINING = dataclasses.replace(PROFILES["smoke"].training, epochs=2, batch_size=3)


def corpus() -> list[Part]:
    """Three parts of clips whose classes differ in loudness by band; training has four batches, the last of one."""
    labels = np.arange(18) % CLASSES
    features = np.random.default_rng(0).uniform(-80, -20, (18, FRAMES, BANDS)).astype("float32")
    features[labels == 1, :, :5] += 20
    features[labels == 2, :, 9:] += 20
    return [Part(features, np.arange(*edges), labels[slice(*edges)]) for edges in ((0, 10), (10, 14), (14, 18))]


@functools.cache
def fitted(precision: str = "float32", **settings):
    """Several tests look at the same training."""
    training = dataclasses.replace(TRAINING, precision=precision)
    return fit.fit(get_variant("1-block"), training, *corpus(), CLASSES, 0, settings=Settings(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step": "leen"}, r"unknown step 'leen' \(did you mean 'lean'\?\); known: auto, kernels, lean, plain"),
        ({"device": "tpu"}, r"unknown device 'tpu'.*known: auto, cpu, gpu"),
        ({"resident": "maybe"}, "unknown resident 'maybe'; known: auto, no, yes"),
        ({"steps_per_execution": -1}, "steps_per_execution is -1; expected 1 or more"),
        ({"memory_share": 1.5}, "memory_share is 1.5; expected a share"),
        ({"step": "lean", "jit_compile": "yes"}, "jit_compile=yes is for the plain graph"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(BnetError, match=message):
        Settings(**settings)


def test_texts_become_settings():
    found = device.parse({"resident": "yes", "steps_per_execution": "4", "memory_share": "0.25"}, step="plain")
    assert found == Settings(step="plain", resident="yes", steps_per_execution=4, memory_share=0.25)
    with pytest.raises(BnetError, match=r"unknown device setting 'residence' .*known: deterministic, jit_compile"):
        device.parse({"residence": "yes"})
    with pytest.raises(BnetError, match="steps_per_execution is 'many'; expected int"):
        device.parse({"steps_per_execution": "many"})
    with pytest.raises(BnetError, match="steps_per_execution is 'inf'; expected int"):
        device.parse({"steps_per_execution": "inf"})


def test_a_precision_is_a_run_of_its_own():
    with pytest.raises(BnetError, match=r"unknown precision 'float16'.*known: bfloat16, float32, tf32"):
        get_profile("smoke", {"precision": "float16"})
    profile = get_profile("smoke", {"precision": "bfloat16"})
    assert (profile.name, profile.training.precision) == ("custom", "bfloat16")


@pytest.mark.skipif(backend.device()["kind"] == "GPU", reason="there is a GPU")
def test_what_is_not_here_is_refused():
    with pytest.raises(BnetError, match=rf"--device gpu, but {backend.name()} sees none here; expected an NVIDIA GPU"):
        device.take(Settings(device="gpu"))
    with pytest.raises(BnetError, match=r"precision tf32 is not to be had with .* on a CPU; expected one of float32"):
        device.take(Settings(), "tf32")


def test_an_unknown_backend_is_refused(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tf")
    with pytest.raises(BnetError, match=r"unknown KERAS_BACKEND 'tf'.*; known: jax, tensorflow, torch"):
        backend.prepare()


def test_every_backend_and_device_has_a_row():
    assert set(AUTO) == {(name, kind) for name in backend.PACKAGES for kind in ("CPU", "GPU")}
    assert all("float32" in row.precisions for row in AUTO.values())


def test_a_corpus_too_large_is_not_made_resident(monkeypatch):
    """Where the table says that a corpus goes to the device."""
    kind = backend.device()["kind"]
    monkeypatch.setitem(AUTO, (backend.name(), kind), Choice(False, True, 4, ("float32",)))
    assert device.take(Settings(), "float32", device.RESIDENT_BYTES).resident
    assert not device.take(Settings(), "float32", device.RESIDENT_BYTES + 1).resident
    assert device.take(Settings(resident="yes"), "float32", device.RESIDENT_BYTES + 1).resident
    assert device.take(Settings(steps_per_execution=2)).steps_per_execution == 2


@pytest.mark.parametrize("step", ["auto", "plain"])
def test_resident_log_mels_and_several_steps_at_a_time_change_no_bit(step):
    one, two = fitted(step=step), fitted(step=step, resident="yes", steps_per_execution=3)
    assert (two.execution["resident"], two.execution["steps_per_execution"]) == (True, 3)
    assert one.execution["step"] == two.execution["step"]
    assert one.history.equals(two.history)
    assert np.array_equal(one.test, two.test)
    assert all(map(np.array_equal, one.model.get_weights(), two.model.get_weights()))


def test_bfloat16_keeps_weights_and_probabilities_whole():
    found = fitted(precision="bfloat16", step="plain")
    assert found.execution["precision"] == "bfloat16"
    assert {w.dtype.name for w in found.model.get_weights()} == {"float32"}
    np.testing.assert_allclose(found.test.sum(axis=1), 1, atol=CLASSES * 2.0**-23)
    exact = fitted(step="plain").history["loss"]
    layers = 20  # on the longest way through the network, each of which rounds: float32 to 24 bits, bfloat16 to 8
    assert layers * 2.0**-24 < np.abs(found.history["loss"] / exact - 1).max() < layers * 2.0**-8
    assert keras.config.dtype_policy().name == "float32"


def test_what_was_done_can_be_recorded():
    execution = fitted(step="plain").execution
    assert json.loads(json.dumps(execution)) == execution
    assert execution["step"] == "plain: as asked"
    assert "auto" not in execution.values()


ALLOCATOR = "TF_CPU_ALLOCATOR_USE_BFC"
TRAIN = """
import hashlib, os
from test_device import ALLOCATOR, fitted
found = fitted(step="plain")
arrays = [found.history.to_numpy(), found.validation, found.test, *found.model.get_weights()]
print(os.environ[ALLOCATOR], hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
"""


@pytest.mark.skipif(backend.name() != "tensorflow", reason="TensorFlow's allocator")
def test_the_allocator_of_a_cpu_changes_no_bit_and_the_users_own_stays():
    here = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    plain = {key: value for key, value in os.environ.items() if key != ALLOCATOR} | {
        "PYTHONPATH": os.pathsep.join(here)
    }
    said = [
        subprocess.run(
            [sys.executable, "-c", TRAIN], env=env, capture_output=True, text=True, check=True
        ).stdout.split()
        for env in (plain, {**plain, ALLOCATOR: "false"})
    ]
    assert [one[0] for one in said] == ["true", "false"]
    assert said[0][1] == said[1][1]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 2. TiB"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        type("ResourceExhaustedError", (Exception,), {})("OOM when allocating tensor with shape[9]"),
    ],
)
def test_what_does_not_fit_is_told_in_the_words_of_the_backend(error):
    with (
        pytest.raises(BnetError, match=r"a batch does not fit into memory \(.*alloc.*--set batch_size="),
        assembly.memory_errors("a batch"),
    ):
        raise error
    with pytest.raises(KeyError), assembly.memory_errors("a batch"):
        raise KeyError("memory")


@pytest.mark.skipif(backend.device()["kind"] == "GPU", reason="more than any CPU has; a GPU may page")
def test_a_batch_that_does_not_fit_is_refused():
    clips = np.broadcast_to(np.float32(-40), (2**20, 2**14, BANDS))  # 800 GiB, of which one number exists
    part = Part(clips, np.arange(2**20), np.arange(2**20) % CLASSES)
    training = dataclasses.replace(TRAINING, batch_size=2**20)
    with pytest.raises(BnetError, match=r"training 1-block with 1048576 clips of 16384 frames .* does not fit"):
        fit.fit(get_variant("1-block"), training, part, part, part, CLASSES, 0, settings=Settings(step="plain"))
