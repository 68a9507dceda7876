"""The lean step on JAX against the plain graph; `test_gpu.py` runs these in a process whose backend is JAX.

KERAS_BACKEND=jax python -m pytest tests/gpu_on_jax.py          also on a GPU
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from bnet import backend
from bnet.errors import BnetError
from bnet.models import get_variant
from bnet.paths import cache_dir
from bnet.training import assembly, lean
from bnet.training import fit as fitting
from bnet.training.config import PROFILES
from bnet.training.device import Settings
from bnet.training.gpu import consumers, kernels
from bnet.training.lean.plan import plan
from bnet.training.parts import Part

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
from gradients import BANDS, FRAMES, distances, log_mels, small, with_blocks

keras = fitting.keras
assert backend.name() == "jax"
ROUNDING = 3e-6
"""As in `test_lean.py`: 25 units in float32's last place."""


@pytest.mark.parametrize(
    ("row", "frames", "bands", "batch", "draws", "steps"),
    [
        (with_blocks("proposed", 2), FRAMES, BANDS, 3, 9, ["lean", "kernels"]),
        (with_blocks("proposed-released", 2), FRAMES, BANDS, 3, 9, ["lean"]),
        (with_blocks("bbnn", 1), FRAMES, BANDS, 1, 9, ["lean"]),
        (with_blocks("proposed", 1), 387, 128, 3, 3, ["lean"]),
        (with_blocks("proposed", 1), 216, 32, 3, 9, ["lean"]),
        (with_blocks("proposed", 1), 128, 128, 3, 3, ["lean", "kernels"]),
    ],
    ids=["proposed", "released", "last-batch-of-one", "387x128", "216x32", "128x128"],
)
def test_gradients_and_statistics_are_as_near_float64_as_the_plain_graph(row, frames, bands, batch, draws, steps):
    """The median over some batches; see `test_lean.py`, whose bound this is."""
    found = distances(row, frames, bands, batch, draws, steps=steps)
    exact, _, *ours = found["losses"].T
    for step, losses, distance in zip(steps, ours, found["ours"], strict=True):
        np.testing.assert_allclose(losses, exact, rtol=1e-4)
        for path, plain, our in zip(found["paths"], found["plain"], distance, strict=True):
            assert our <= 1.5 * plain + ROUNDING, (step, path, plain, our)


def test_bfloat16_is_as_near_float64_as_the_plain_graph_in_bfloat16():
    """No further than 1.5 times the plain graph in bfloat16, and one unit in its last place."""
    steps = ["lean", "kernels"]
    found = distances(with_blocks("proposed", 1), FRAMES, BANDS, 3, 9, "mixed_bfloat16", steps)
    for step, distance in zip(steps, found["ours"], strict=True):
        assert 1e-4 < np.median(distance) < 0.1
        for path, plain, our in zip(found["paths"], found["plain"], distance, strict=True):
            assert our <= 1.5 * plain + 2.0**-8, (step, path, plain, our)


def test_predictions_are_the_plain_networks():
    row = with_blocks("proposed-released", 2)
    network = small(row)
    for norm in plan(row).norms:  # moving statistics that differ from layer to layer
        for variable in network.get_layer(norm).non_trainable_weights:
            variable.assign(np.random.default_rng(3).uniform(0.5, 1.5, variable.shape))
    model, note = lean.choose(network, row, "lean")
    assert note == "lean"
    x, _ = log_mels(2)
    np.testing.assert_allclose(model.predict_on_batch(x), network.predict_on_batch(x), atol=1e-6)
    assert [w.path for w in model.weights] == [w.path for w in network.weights]


def corpus(seed=0):
    """Three parts of clips; training has a last batch that is smaller."""
    labels = np.arange(18) % 3
    features = np.random.default_rng(seed).uniform(-80, -20, (18, FRAMES, BANDS)).astype("float32")
    features[labels == 1, :, :5] += 20
    return [Part(features, np.arange(*edges), labels[slice(*edges)]) for edges in ((0, 10), (10, 14), (14, 18))]


TRAINING = dataclasses.replace(PROFILES["smoke"].training, epochs=5)


def fit(data, seed, **settings):
    return fitting.fit(get_variant("1-block"), TRAINING, *data, 3, seed, settings=Settings(**settings))


def test_folds_share_a_compiled_step_change_no_bit_and_follow_the_plain_loss(monkeypatch):
    """The second fold traces nothing; fold one after it is the same again, to the last bit; its ten
    steps follow the plain ones."""
    traced = []
    forward = assembly.lean.plan  # what is called for each model that is made
    monkeypatch.setattr(assembly.lean, "plan", lambda row: traced.append(row.name) or forward(row))
    one = fit(corpus(), 0, step="lean", resident="yes")
    made = len(traced)
    assert made
    kept = [weights.copy() for weights in one.model.get_weights()]
    two = fit(corpus(1), 1, step="lean", resident="yes")
    again = fit(corpus(), 0, step="lean", resident="yes")
    assert len(traced) == made
    assert one.execution["step"] == two.execution["step"] == "lean"
    assert not np.array_equal(one.test, two.test)
    assert all(map(np.array_equal, one.model.get_weights(), kept))
    assert one.history.equals(again.history)
    assert all(map(np.array_equal, one.model.get_weights(), again.model.get_weights()))
    plain = fit(corpus(), 0, step="plain")
    assert abs(one.history["loss"].iloc[-1] / one.history["loss"].iloc[0] - 1) > 0.01
    np.testing.assert_allclose(one.history["loss"], plain.history["loss"], rtol=2e-3)


def test_the_step_is_chosen_and_named(monkeypatch):
    row, network = with_blocks("1-block"), keras.Sequential()
    assert lean.choose(network, row, "plain") == (network, "plain: as asked")
    monkeypatch.setattr(backend, "device", lambda: {"kind": "GPU", "name": "H100"})
    assert lean.why_not(row) == lean.why_not(row, "kernels") == ""
    assert lean.why_not(get_variant("selu")).startswith("activation selu")
    with pytest.raises(BnetError, match="selu has no lean step here: activation selu"):
        lean.choose(network, get_variant("selu"), "kernels")
    assert lean.choose(small(row), row, "kernels")[1] == "lean: kernels"


def test_compiled_steps_are_cached_for_the_next_process():
    jax.config.update("jax_compilation_cache_dir", None)
    backend.take("auto")
    assert jax.config.jax_compilation_cache_dir == str(cache_dir() / "jax")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_kernels_lower_for_a_gpu_at_full_size(dtype, monkeypatch):
    """Triton takes them: 13 feature maps of 8 x 161 x 128 for three consumers. Whether they are fast is not known."""
    device = pytest.importorskip("jax._src.mesh").AbstractDevice("NVIDIA H100 80GB HBM3", 132, platform="gpu")
    mesh = jax.sharding.AbstractMesh((1,), ("x",), abstract_device=device)
    monkeypatch.setattr(kernels, "interpreted", lambda: False)
    widths, shape, maps, whole = (32, 128, 128, 96), jax.ShapeDtypeStruct, jnp.dtype(dtype), jnp.float32
    groups = tuple(shape((8, 161, 128, width), maps) for width in widths)
    affine = tuple(shape((3, width), whole) for width in widths)
    weights = tuple(shape((3, width, 32), maps) for width in widths)
    means = tuple(shape((width,), whole) for width in widths)
    given = groups, consumers.Consumers(means, affine, affine, weights, shape((3, 32), whole))
    backward = jax.grad(lambda *each: kernels.consume(*each).astype(whole).sum(), argnums=(0, 1))
    for function, calls in ((kernels.consume, 1), (backward, 1 + len(widths))):
        with jax.sharding.use_abstract_mesh(mesh):
            text = jax.jit(function).trace(*given).lower(lowering_platforms=("cuda",)).as_text()
        assert text.count("triton") >= 1
        assert 1 <= text.count("stablehlo.custom_call") <= calls
