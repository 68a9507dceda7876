"""The lean training step against the plain graph: gradients, statistics, ten steps, determinism, fall-backs."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from bnet import backend
from bnet.errors import BnetError
from bnet.models import VARIANTS, build, get_variant
from bnet.models.recurrence import BandLSTM
from bnet.training import fit as fitting
from bnet.training import lean
from bnet.training.config import PROFILES
from bnet.training.device import Settings
from bnet.training.parts import Part

keras = fitting.keras
tf = pytest.importorskip("tensorflow")

from bnet.training.lean import kernels  # noqa: E402
from bnet.training.lean.clips import Clips  # noqa: E402
from bnet.training.lean.kernels import kernel  # noqa: E402
from bnet.training.lean.plan import NoPlanError, plan  # noqa: E402
from bnet.training.lean.trunk import Trunk  # noqa: E402
from bnet.training.lean.workers import Workers  # noqa: E402

pytestmark = pytest.mark.skipif(
    backend.name() != "tensorflow" or backend.device()["kind"] != "CPU",
    reason="the lean step is for TensorFlow on a CPU",
)

CLASSES, FRAMES, BANDS, BATCH = 4, 33, 13, 2
HAVE = (
    "bbnn",
    "proposed",
    "proposed-released",
    "remove-3x3",
    "replace-5x5",
    "global-max-pooling",
    "dropout",
    "1-block",
    "2-blocks",
    "5-blocks",
    "selu",
    "label-smoothing",
    "squeeze-excitation",
    "group-norm",
    "lstm",
    "xception",
    "step-2",
    "step-3",
    "step-4",
)
HAVE_NOT = {
    "squeeze-excitation-released": "blocks end in 'semax:8'",
    "inception-resnet": "connection chain",
}
ROUNDING = 50 * 2.0**-24
"""Some fifty layers, each of which rounds once: no float32 is nearer to float64 at the end of them. Processors add in
different orders, so that distances of this size differ between them."""
DRAWS = 9
"""Batches that equality is tried on."""
RATE = 1e-3
"""Adam's: it moves a weight by no more in a step, to the other side where rounding turns the sign of a gradient near
zero; two trainings therefore drift apart by up to twice the rate, relative to weights and losses of about 1."""
ODD = {
    "stem": "conv5x5 norm maxpool3x3",
    "branches": ("norm conv1x1 norm conv2x4", "conv1x1 norm conv5x1", "pool5x3 norm conv1x1", "pool3x3 conv1x1"),
    "blocks": 2,
    "transition": "conv1x1 norm",
}
"""A stem of another size that leaves bands over, an even kernel, a wide pool, consumers without a norm."""
MIXED = {
    "branches": (
        "norm sepconv3x3:64",
        "pool3x3 norm conv1x1",
        "sepconv2x5",
        "norm conv1x1 norm lstm lstm norm conv3x3",
    ),
    "blocks": 2,
    "transition": "conv1x1 groupnorm:16",
}
"""Separable convolutions of several sizes beside others, LSTMs in a row, a head that normalises otherwise."""
GROUPS = {
    "stem": "conv3x3 groupnorm:8 maxpool4x1",
    "branches": ("groupnorm:8 conv1x1 groupnorm:8 lstm", "groupnorm:8 sepconv3x3", "conv1x1 groupnorm:8 conv3x1"),
    "blocks": 2,
    "transition": "groupnorm:8 conv1x1",
    "after": "se:8",
}
"""Smaller groups, in front of all that can follow them, and squeeze-and-excitation."""
EQUAL = [(name, {}, name) for name in HAVE if name not in ("dropout", "label-smoothing", "step-4")]
EQUAL += [("bbnn", ODD, "odd"), ("bbnn", MIXED, "mixed"), ("bbnn", GROUPS, "groups")]
"""Networks that are compared with float64: dropout draws other numbers there; it and label smoothing leave BBNN's trunk
as it is, step-4 step-3's."""


def log_mels(n=BATCH, frames=FRAMES, bands=BANDS, seed=1):
    """Noise in the range of log-mels [shape=(n, frames, bands, 1)], and one-hot classes."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-80, 0, (n, frames, bands, 1)).astype("float32")
    return x, np.eye(CLASSES, dtype="float32")[generator.integers(0, CLASSES, n)]


def small(name, **changes):
    """A row, and its network on small inputs with no weight at its special initial value."""
    keras.utils.set_random_seed(0)
    row = dataclasses.replace(get_variant(name), **changes)
    network, generator = build(row, CLASSES, FRAMES, BANDS), np.random.default_rng(2)
    for variable in network.trainable_variables:
        kind = variable.path.rsplit("/", 1)[1]
        if kind != "kernel":
            variable.assign((kind == "gamma") + 0.2 * generator.normal(size=variable.shape))
    return row, network


def learn(model, network, x, y):
    """Loss, gradients and moving statistics of `network` after one training pass of `model`."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(y, model(x, training=True)))
    gradients = tape.gradient(loss, [variable.value for variable in network.trainable_variables])
    pairs = zip(network.trainable_variables, gradients, strict=True)
    found = {variable.path: np.asarray(tf.convert_to_tensor(gradient)) for variable, gradient in pairs}
    moving = {v.path: v.numpy() for v in network.non_trainable_variables if "moving" in v.path}
    return float(loss), found, moving


def test_every_network_has_the_path_or_a_named_reason():
    assert set(HAVE) | set(HAVE_NOT) == set(VARIANTS)


@pytest.mark.parametrize("name", HAVE)
def test_the_plan_names_every_layer_up_to_the_transition(name):
    row = get_variant(name)
    network, found = build(row, CLASSES, FRAMES, BANDS), plan(row)
    kinds = {kind: [x.name for x in network.layers if isinstance(x, kind)] for kind in (_conv, _dense, _norms)}
    assert sorted(found.convs) == sorted({*kinds[_conv], *kinds[_dense]} - {"probabilities"})
    after = {name for name in kinds[_norms] if name.startswith("decision")} | (
        set() if found.transition.norm else {"transition_norm"}
    )
    assert set(found.norms) == set(kinds[_norms]) - after
    assert len(found.norms) == len(set(found.norms))


_conv, _dense = (keras.layers.Conv2D, keras.layers.SeparableConv2D, BandLSTM), keras.layers.Dense
_norms = (keras.layers.BatchNormalization, keras.layers.GroupNormalization)


@pytest.mark.parametrize(("name", "changes"), [row[:2] for row in EQUAL], ids=[row[2] for row in EQUAL])
def test_losses_gradients_and_statistics_are_as_near_float64_as_the_plain_graph(name, changes):
    """The median over some batches: where rounding puts a value on the other side of an activation's or a maximum's
    edge, which happens to both, all gradients of that batch move."""
    row, network = small(name, **changes)
    keras.config.set_dtype_policy("float64")
    try:
        reference = build(row, CLASSES, FRAMES, BANDS)
    finally:
        keras.config.set_dtype_policy("float32")
    before, fast, distances = network.get_weights(), lean.choose(network, row, "lean")[0], []
    for seed in range(DRAWS):
        x, y = log_mels(seed=seed)
        found = []
        for model, owner in ((network, network), (fast, network), (reference, reference)):
            owner.set_weights(before)
            found.append(learn(model, owner, x.astype(owner.dtype), y))
        distances.append(_distances(*found))
    for path in distances[0]:
        plain, ours = np.median([draw[path] for draw in distances], axis=0)
        assert ours <= 1.5 * plain + ROUNDING, (path, plain, ours)


def _distances(plain, fast, exact):
    """Relative distance from `exact` of the plain and the lean loss, gradients and statistics, by path."""
    distances = {"loss": [abs(found[0] / exact[0] - 1) for found in (plain, fast)]}
    most = max(np.linalg.norm(gradient) for gradient in exact[1].values())
    for kind in (1, 2):
        assert fast[kind].keys() == exact[kind].keys()
        for path, true in exact[kind].items():
            size = np.linalg.norm(true)
            if size < 1e-9:  # the bias in front of a batch normalisation: nothing depends on it
                assert np.abs(fast[kind][path]).max() < ROUNDING * max(1, most), path
            else:
                distances[path] = [np.linalg.norm(found[kind][path] - true) / size for found in (plain, fast)]
    return distances


def test_ten_steps_follow_the_plain_loss():
    losses = {}
    for step in ("plain", "lean"):
        row, network = small("proposed")
        model, _note = lean.choose(network, row, step)
        model.compile(keras.optimizers.Adam(RATE), "categorical_crossentropy", run_eagerly=True)
        losses[step] = [float(model.train_on_batch(*log_mels(seed=i))) for i in range(10)]
    assert losses["lean"][-1] != losses["lean"][0]
    np.testing.assert_allclose(losses["lean"], losses["plain"], rtol=2 * RATE)


@pytest.mark.parametrize("name", ["proposed-released", "group-norm", "lstm", "xception"])
def test_predictions_are_the_plain_networks(name):
    row, network = small(name)
    model, note = lean.choose(network, row)
    assert note == "lean"
    x, _ = log_mels(5)
    np.testing.assert_allclose(model.predict_on_batch(x), network.predict_on_batch(x), atol=ROUNDING)
    assert [w.path for w in model.weights] == [w.path for w in network.weights]


@pytest.mark.parametrize("name", ["bbnn", "group-norm", "lstm", "xception"])
def test_the_cores_change_no_bit(name):
    row, network = small(name)
    weights = {}
    for layer in network.layers:
        for variable in layer.weights:  # an LSTM's are those of its cell
            weights[f"{layer.name}/{variable.name}"] = variable.numpy()
    found = []
    for threads in (1, 3):
        trunk = (Clips if plan(row).group else Trunk)(plan(row), 1e-3, Workers(threads))
        maps, moments = trunk.forward(log_mels()[0][..., 0], weights)
        found.append({"maps": maps.copy(), **moments, **trunk.backward(np.sin(maps))})
    assert found[0].keys() == found[1].keys()
    assert all(np.array_equal(found[0][key], found[1][key]) for key in found[0])


def corpus(broken=False):
    """Three parts of clips whose classes differ in loudness by band."""
    labels = np.arange(18) % 3
    features = np.random.default_rng(0).uniform(-80, -20, (18, FRAMES, BANDS)).astype("float32")
    features[labels == 1, :, :5] += 20
    features[labels == 2, :, 9:] += 20
    if broken:
        features[3, 2, 1] = np.nan
    return [Part(features, np.arange(*edges), labels[slice(*edges)]) for edges in ((0, 10), (10, 14), (14, 18))]


TRAINING = dataclasses.replace(PROFILES["smoke"].training, epochs=2)


def fit(step="auto", **changes):
    row = dataclasses.replace(get_variant("1-block"), **changes)
    return fitting.fit(row, TRAINING, *corpus(), 3, 0, settings=Settings(step=step))


@functools.cache
def fit_1_block():
    """Several tests look at the same training."""
    return fit()


def test_the_same_seed_gives_the_same_bits_and_plain_weights(tmp_path):
    """Ten clips in batches of eight: the last batch is smaller."""
    one, two = fit_1_block(), fit()
    assert one.execution["step"] == "lean"
    assert one.history.equals(two.history)
    assert np.array_equal(one.test, two.test)
    pairs = zip(one.model.get_weights(), two.model.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    one.model.save_weights(tmp_path / "x.weights.h5")
    other = build("1-block", 3, FRAMES, BANDS)
    other.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_allclose(fitting.predict(other, corpus()[2]), one.test, atol=ROUNDING)


def test_plain_on_request_learns_the_same():
    one, two = fit_1_block(), fit("plain")
    assert two.execution["step"] == "plain: as asked"
    np.testing.assert_allclose(one.history["loss"], two.history["loss"], rtol=2 * TRAINING.learning_rate)


def test_dropout_and_label_smoothing_act():
    row, network = small("dropout")
    model = lean.choose(network, row, "lean")[0]
    x, _ = log_mels()
    assert not np.array_equal(model(x, training=True), model(x, training=True))
    assert np.array_equal(model(x, training=False), model(x, training=False))
    smooth = fit(label_smoothing=0.1)
    assert smooth.execution["step"] == "lean"
    assert smooth.history["loss"][0] != fit_1_block().history["loss"][0]


def test_a_loss_that_is_no_number_is_told():
    with pytest.raises(BnetError, match="diverged"):
        fitting.fit(get_variant("1-block"), TRAINING, *corpus(broken=True), 3, 0)


@pytest.mark.parametrize("name", HAVE_NOT)
def test_the_fall_back_is_named(name):
    row = get_variant(name)
    network = keras.Sequential()
    model, note = lean.choose(network, row)
    assert model is network
    assert note.startswith(f"plain: {HAVE_NOT[name]}")
    with pytest.raises(BnetError, match="no lean step"):
        lean.choose(network, row, "lean")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"filters": 48}, "48 filters"),
        ({"branches": ("norm conv3x3",)}, "'conv3x3' in the branch"),
        ({"branches": ("norm",)}, "doesn't begin"),
        ({"branches": ("norm conv1x1", "norm norm conv1x1")}, "'norm' in the branch"),
        ({"transition": "avgpool2x2"}, "transition"),
        ({"transition": "norm conv1x1:64"}, "transition"),
        ({"stem": "conv7x7 norm maxpool4x1"}, "stem"),
        ({"stem": "conv3x3 norm maxpool4x1/2"}, "stem"),
        ({"stem": "conv3x3 groupnorm:16 maxpool4x1"}, "several kinds"),
    ],
)
def test_other_rows_are_refused_with_a_reason(changes, reason):
    with pytest.raises(NoPlanError, match=reason):
        plan(dataclasses.replace(get_variant("bbnn"), **changes))


def test_what_was_compiled_serves_until_any_module_beside_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path / "compiled"))
    found = []
    for text in ("one = 1", "one = 1", "one = 2"):
        (tmp_path / "lanes.py").write_text(text)
        monkeypatch.setattr(kernels, "SOURCES", kernels.sources(tmp_path))
        made = kernel(_double)
        assert made(21) == 42
        found.append(len(made.stats.cache_hits))
    assert found == [0, 1, 0]


def _double(a):
    return 2 * a


def test_kernels_need_no_folder_for_what_was_compiled():
    """A function that comes from no file has no place beside it."""
    names = {}
    exec("def double(a):\n    return 2 * a\n", names)
    assert kernel(names["double"])(21) == 42
