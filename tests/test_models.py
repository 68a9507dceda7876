"""Networks: exact parameter counts, shapes, names, gradients, the published weights, other backends."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnet.audit.tables import parameters
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant, build, get_variant, load_published_bbnn
from bnet.models.language import parse
from bnet.models.pooling import MaxPooling2D

COUNTS = {  # 10 classes: total, trainable, kernels and biases only, convolutions
    "bbnn": (190_826, 185_642, 180_458, 20),
    "proposed": (175_914, 167_018, 158_122, 26),
    "proposed-released": (186_026, 178_154, 170_282, 22),
}


def test_parameter_counts():
    table = parameters(10).set_index("variant")
    found = {name: tuple(table.loc[name, ["total", "trainable", "weights", "convolutions"]]) for name in COUNTS}
    assert found == COUNTS


def tiny(variant: str) -> Variant:
    """A row with few maps and at most two blocks, to be quick; whatever else makes it different stays."""
    row = VARIANTS[variant]
    branches = tuple(chain.replace("sepconv3x3:128", "sepconv3x3:32") for chain in row.branches)
    return replace(row, branches=branches, blocks=min(row.blocks, 2), filters=16)


@functools.cache
def network(variant: str) -> keras.Model:
    """A network for 5 classes and clips of any length, of 40 bands; nothing changes it."""
    keras.utils.set_random_seed(1)
    return build(variant, 5, None, 40)


@pytest.mark.parametrize("variant", VARIANTS)
def test_output_is_a_distribution_for_any_length(variant):
    for frames in (40, 65):
        y = keras.ops.convert_to_numpy(network(variant)(np.zeros((2, frames, 40, 1), "float32")))
        assert y.shape == (2, 5)
        np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-5)


def test_block_channels_are_the_papers():
    model = build("proposed", 10, 646)
    assert model.get_layer("stem_maxpool4x1").output.shape == (None, 161, 128, 32)
    assert model.get_layer("broadcast").output.shape == (None, 161, 128, 544)
    assert model.get_layer("transition_avgpool2x2").output.shape == (None, 80, 64, 32)


def test_layers_are_named_for_their_place():
    names = {layer.name for layer in build("proposed", 10).layers}
    assert {"stem_conv3x3", "block2_branch3_conv3x1", "block2_branch3_norm_2_relu", "transition_conv1x1"} <= names


def test_initialisers_differ_as_published():
    def initialiser(variant):
        return type(build(variant, 10).get_layer("stem_conv3x3").kernel_initializer).__name__

    assert [initialiser(v) for v in COUNTS] == ["GlorotUniform", "LecunNormal", "LecunNormal"]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses TensorFlow's gradient tape")
@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_reaches_every_weight(variant):
    import tensorflow as tf

    model = network(variant)
    x = np.random.default_rng(0).normal(size=(4, 48, 40, 1)).astype("float32")
    y = np.eye(5, dtype="float32")[[0, 1, 2, 3]]
    with tf.GradientTape() as tape:
        loss = keras.ops.mean(keras.losses.categorical_crossentropy(y, model(x, training=True)))
    weights = model.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, [w.value for w in weights]), strict=True):
        assert gradient is not None, weight.path
        if weight.name != "bias":  # the gradient of a bias in front of a normalisation is zero
            assert np.abs(gradient.numpy()).max() > 0, weight.path


def _new_kinds():
    """The networks that have an operation, an activation or a connection which none before them has."""
    seen = set()
    for name, row in VARIANTS.items():
        branches = [chain for number in range(1, row.blocks + 1) for chain in row.branches_of(number)]
        chains = [row.stem, *branches, row.after, row.transition, row.decision]
        kinds = {row.activation, row.connection, *(step.word for chain in chains for step in parse(chain))}
        if kinds - seen:
            yield name
        seen |= kinds


NEW_KINDS = tuple(_new_kinds())


@pytest.mark.parametrize("variant", NEW_KINDS)
def test_eight_clips_are_learnt_by_heart(variant):
    row, size = tiny(variant), (40, 40) if variant == "inception-resnet" else (32, 16)  # its stem pads nothing
    keras.utils.set_random_seed(2)
    model = build(row, 4, *size)
    x = np.random.default_rng(0).normal(size=(8, *size, 1)).astype("float32")
    labels = np.arange(8) % 4
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=row.label_smoothing)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    for _ in range(30):  # Adam at this rate swings; the processor decides at which step it is on the wrong side
        for _ in range(10):
            model.train_on_batch(x, np.eye(4, dtype="float32")[labels])
        guess = keras.ops.convert_to_numpy(model(x, training=True))  # the statistics that were trained with
        if (guess.argmax(axis=1) == labels).all():
            return
    pytest.fail(f"{guess.argmax(axis=1)} after 300 steps; expected {labels}")


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(BnetError, match=r"unknown network 'bbn' \(did you mean 'bbnn'\?\); known: 1-block"):
        get_variant("bbn")
    with pytest.raises(BnetError, match="conv3x3x3"):
        build(Variant("odd", "Odd", ("norm conv3x3x3",), 1), 3)
    with pytest.raises(BnetError, match="2 classes or more; got 1"):
        build("bbnn", 1)


def test_architecture_is_the_whole_row_but_its_names():
    row = json.loads(VARIANTS["proposed"].architecture())
    assert (
        Variant(name="proposed", title="", **{**row, "branches": tuple(row["branches"])}).architecture()
        == VARIANTS["proposed"].architecture()
    )
    assert {"name", "title", "source", "section", "change", "hope", "decisions"}.isdisjoint(row)


def test_published_weights_give_the_golden_outputs(reference):
    golden = np.load(reference / "bbnn_gtzan_fold0_io.npz")
    model = load_published_bbnn(reference / "bbnn_gtzan_fold0.hdf5")
    found = model.predict(golden["x"].astype("float32"), verbose=0)
    np.testing.assert_allclose(found, golden["y"], atol=1e-4)


def test_other_weight_files_are_refused(tmp_path):
    with pytest.raises(BnetError, match="no weights file at"):
        load_published_bbnn(tmp_path / "none.hdf5")
    (tmp_path / "text.hdf5").write_text("not HDF5")
    with pytest.raises(BnetError, match="does not hold a published BBNN model"):
        load_published_bbnn(tmp_path / "text.hdf5")
    build("bbnn", 10).save_weights(tmp_path / "ours.weights.h5")
    with pytest.raises(BnetError, match="does not hold a published BBNN model"):
        load_published_bbnn(tmp_path / "ours.weights.h5")


BACKEND_SCRIPT = """
import sys, json
import numpy as np, keras
sys.path.insert(0, {tests!r})
from test_models import NEW_KINDS, tiny
from bnet.models import build
found = {{}}
for name in NEW_KINDS:
    weights = np.load(f"{weights}/{{name}}.npz")
    model = build(tiny(name), 5, 48, 40)
    model.set_weights([weights[f"w{{i}}"] for i in range(len(model.weights))])
    x = weights["x"]
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    before = model.predict_on_batch(x)
    old = model.get_weights()
    model.train_on_batch(x, np.eye(5, dtype="float32")[[0, 1, 2, 3]])
    moved = [float(np.abs(a - b).max()) for a, b in zip(model.get_weights(), old, strict=True)]
    biased = [w.path.endswith("bias") for w in model.weights]
    found[name] = [before.tolist(), min(m for m, b in zip(moved, biased) if not b)]
print(json.dumps([keras.backend.backend(), found]))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_agree_and_train_every_weight(backend, tmp_path, with_backend):
    environment = with_backend(backend)
    x = np.random.default_rng(0).normal(size=(4, 48, 40, 1)).astype("float32")
    expected = {}
    for name in NEW_KINDS:
        keras.utils.set_random_seed(3)
        model = build(tiny(name), 5, 48, 40)
        np.savez(tmp_path / f"{name}.npz", x=x, **{f"w{i}": w for i, w in enumerate(model.get_weights())})
        expected[name] = keras.ops.convert_to_numpy(model(x))
    script = BACKEND_SCRIPT.format(tests=os.path.dirname(__file__), weights=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, found = json.loads(done.stdout.splitlines()[-1])
    assert name == backend
    for variant, (before, moved) in found.items():
        np.testing.assert_allclose(before, expected[variant], atol=1e-4, err_msg=variant)
        assert moved > 0, variant


@pytest.mark.parametrize(
    ("size", "strides", "padding"),
    [((3, 3), (1, 1), "same"), ((4, 1), (4, 1), "valid"), ((2, 2), (2, 2), "valid"), ((3, 2), (2, 3), "same")],
)
def test_max_pooling_for_jax_is_keras_own(size, strides, padding):
    """Values and gradients, ties included: many elements are zero."""
    rng = np.random.default_rng(0)
    x = tf.constant(np.maximum(rng.integers(-3, 4, (2, 21, 17, 3)), 0).astype("float32"))
    found = []
    for layer in (keras.layers.MaxPooling2D, MaxPooling2D):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(size, strides, padding=padding)(x)
            loss = tf.reduce_sum(y * np.random.default_rng(1).normal(size=y.shape).astype("float32"))
        found.append((y.numpy(), tape.gradient(loss, x).numpy()))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    windows = np.prod(size)  # an element is in so many, none of whose slopes reaches 5; each sum rounds
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=0, atol=windows * 2.0**-24 * windows * 5)
