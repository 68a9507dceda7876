"""How a run is executed: settings and what is wrong with them, devices, residence, rematerialisation, memory."""

from __future__ import annotations

import dataclasses
import functools
import json

import numpy as np
import pytest

from bnet import backend
from bnet.errors import BnetError
from bnet.models import build, get_variant
from bnet.models.cost import training_bytes
from bnet.training import assembly, device, fit
from bnet.training.config import PROFILES, get_profile
from bnet.training.device import AUTO, Choice, Settings
from bnet.training.parts import Part
from bnet.training.remat import RematModel, parts

keras = fit.keras
FRAMES, BANDS, CLASSES = 33, 13, 3
PROFILE = dataclasses.replace(PROFILES["smoke"], epochs=2, batch_size=3)


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
    profile = dataclasses.replace(PROFILE, precision=precision)
    return fit.fit("1-block", profile, *corpus(), CLASSES, 0, settings=Settings(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step": "leen"}, r"unknown step 'leen' \(did you mean 'lean'\?\); known: auto, lean, plain"),
        ({"device": "tpu"}, r"unknown device 'tpu'.*known: auto, cpu, gpu"),
        ({"resident": "maybe"}, "unknown resident 'maybe'; known: auto, no, yes"),
        ({"steps_per_execution": -1}, "steps_per_execution is -1; expected 1 or more"),
        ({"memory_share": 1.5}, "memory_share is 1.5; expected a share"),
        ({"step": "lean", "remat": True}, "remat is for the plain graph"),
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


def test_a_precision_is_a_run_of_its_own():
    with pytest.raises(BnetError, match=r"unknown precision 'float16'.*known: bfloat16, float32, tf32"):
        get_profile("smoke", {"precision": "float16"})
    profile = get_profile("smoke", {"precision": "bfloat16"})
    assert (profile.name, profile.precision) == ("custom", "bfloat16")


@pytest.mark.skipif(backend.device()["kind"] == "GPU", reason="there is a GPU")
def test_what_is_not_here_is_refused():
    with pytest.raises(BnetError, match=rf"--device gpu, but {backend.name()} sees none here; expected an NVIDIA GPU"):
        device.take(Settings(device="gpu"))
    with pytest.raises(BnetError, match=r"precision tf32 is not to be had with .* on a CPU; expected one of float32"):
        device.take(Settings(), "tf32")


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
    np.testing.assert_allclose(found.test.sum(axis=1), 1, atol=1e-6)
    exact = fitted(step="plain").history["loss"]
    assert 1e-5 < np.abs(found.history["loss"] / exact - 1).max() < 0.05
    assert keras.config.dtype_policy().name == "float32"


def test_what_was_done_can_be_recorded():
    execution = fitted(step="plain").execution
    assert json.loads(json.dumps(execution)) == execution
    assert execution["step"] == "plain: as asked"
    assert "auto" not in execution.values()


def test_parts_hold_every_layer_once():
    network = build("proposed", CLASSES, FRAMES, BANDS)
    names = [layer.name for part in parts(network) for layer in part.model.layers]
    layers = [layer.name for layer in network.layers[1:]]
    assert len(parts(network)) == 2 + get_variant("proposed").blocks + 1
    assert sorted(name for name in names if name in layers) == sorted(layers)


def test_a_rematerialised_network_learns_the_same():
    """Loss, weights and statistics after two steps, with dropout's draws; SGD, which does not magnify rounding."""
    found = []
    generator = np.random.default_rng(1)
    x, y = generator.uniform(-80, 0, (2, FRAMES, BANDS, 1)).astype("float32"), np.eye(CLASSES, dtype="float32")[[0, 2]]
    for kind in (lambda network: network, RematModel):
        backend.seed_everything(0)
        network = build("dropout", CLASSES, FRAMES, BANDS)
        model, before = kind(network), network.get_weights()
        model.compile(keras.optimizers.SGD(1e-3), "categorical_crossentropy")
        losses = [float(model.train_on_batch(x, y)) for _ in range(2)]
        changes = [after - start for after, start in zip(network.get_weights(), before, strict=True)]
        found.append((losses, changes, [w.path for w in model.weights]))
    (plain, changes, paths), (remat, others, same) = found
    assert paths == same
    assert remat == pytest.approx(plain, rel=1e-5)
    assert plain[0] != plain[1]
    largest = max(np.abs(change).max() for change in changes)
    for path, one, two in zip(paths, changes, others, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-5 * largest, err_msg=path)


def test_memory_is_that_of_the_step_that_is_taken():
    network = build("proposed", CLASSES, 216)
    plain, remat = training_bytes(network, 8), training_bytes(RematModel(network), 8)
    assert remat < 0.8 * plain
    row = get_variant("proposed")
    arguments = row, CLASSES, 216, 8
    assert assembly.expected_bytes(*arguments, settings=Settings(step="plain")) == plain
    assert assembly.expected_bytes(*arguments, settings=Settings(remat=True)) == remat
    held = assembly.expected_bytes(*arguments, clips=100, settings=Settings(step="plain", resident="yes"))
    assert held == plain + 2 * 100 * 216 * 128 * 4


def test_a_batch_that_does_not_fit_is_refused_with_the_figure(monkeypatch):
    network = build("1-block", CLASSES, FRAMES, BANDS)
    room = training_bytes(network, 2)
    monkeypatch.setattr("bnet.models.cost.available_bytes", lambda: room)
    monkeypatch.setattr("psutil.Process.memory_info", lambda self: type("Info", (), {"rss": 0}))
    with pytest.raises(BnetError, match=r"with 3 clips a step needs about .* `--set batch_size=2` would fit"):
        fitted.__wrapped__(step="plain")
