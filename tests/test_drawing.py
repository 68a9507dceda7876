"""Pictures of networks: every layer drawn once, no two texts meet, equal bytes, and differences that are true."""

from __future__ import annotations

import functools
import re
from itertools import combinations
from xml.etree import ElementTree

import keras
import pytest
import typer
from keras import layers
from typer.testing import CliRunner

from bnet.cli.draw import draw
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant, build, drawing
from bnet.models.drawing import metrics, picture
from bnet.models.drawing.canvas import SIZES, Box
from bnet.models.drawing.reading import diagram
from bnet.models.drawing.steps import KINDS
from bnet.models.drawing.structure import Parallel, steps_of

SVG = "{http://www.w3.org/2000/svg}"
LONG = Variant(
    "long",
    "A network with a title that is a good deal longer than the picture of it is wide",
    tuple(f"norm conv{size}x1 norm conv1x{size} pool3x3" for size in range(1, 7)),
    3,
    filters=64,
)
DEEP = Variant("deep", "Deep", ("norm conv1x1 dropout:0.25",), 16, filters=8)
OWN = {row.name: row for row in (LONG, DEEP)}


@functools.cache
def network(name: str, frames: int | None = 646) -> keras.Model:
    return build(OWN.get(name, name), 10, frames)


def views(name: str):
    """Every view of a network: whole, one block, every block, compared with the baseline, and the other way round."""
    model, bbnn = network(name), network("bbnn")
    yield {"model": model}
    yield {"model": model, "block": 1}
    yield {"model": model, "block": "all"}
    yield {"model": model, "reference": bbnn, "reference_title": VARIANTS["bbnn"].title}
    yield {"model": bbnn, "reference": model, "title": LONG.title, "reference_title": LONG.title}


def drawn_layers(svg: str) -> list[str]:
    boxes = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    return [name for box in boxes for name in box.get("data-layers", "").split()]


@pytest.mark.parametrize("name", [*VARIANTS, *OWN])
def test_every_layer_is_drawn_once(name):
    model = network(name)
    weighted = sorted(layer.name for layer in model.layers if layer.weights)
    everything = sorted(layer.name for layer in model.layers if not isinstance(layer, layers.InputLayer))
    for more in ({}, {"block": "all"}, {"reference": network("bbnn")}):
        found = sorted(drawn_layers(drawing.svg(model, **more)))
        assert found == everything, more
        assert set(weighted) <= set(found)
    block = sorted(name for name in everything if re.match(r"block1(_|$)", name))
    assert sorted(drawn_layers(drawing.svg(model, block=1))) == block


def overlap(a, b) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.1 and min(a[3], b[3]) - max(a[1], b[1]) > 0.1


def extent(box: Box):
    return box.x, box.y, box.x + box.width, box.y + box.height


@pytest.mark.parametrize("name", [*VARIANTS, *OWN])
def test_texts_and_chips_keep_apart_and_inside(name):
    for view in views(name):
        canvas, height, _ = drawing.layout(**view)
        texts = [(text, text.bounds) for text in canvas.texts]
        assert texts
        for (a, first), (b, second) in combinations(texts, 2):
            assert not overlap(first, second), (a, b)
        for text, (left, top, right, bottom) in texts:
            assert 0 <= left < right <= canvas.width, text
            assert 0 <= top < bottom <= height, text
        chips = [extent(box) for box in canvas.boxes if box.layers]
        assert not any(overlap(a, b) for a, b in combinations(chips, 2))
        for chip in chips:
            for text, bounds in texts:
                if overlap(chip, bounds):
                    assert chip[0] <= bounds[0] < bounds[2] <= chip[2], text
                    assert chip[1] <= bounds[1] < bounds[3] <= chip[3], text


def test_the_picture_is_a_good_svg():
    for view in views("lstm"):
        svg = drawing.svg(**view)
        root = ElementTree.fromstring(svg)
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        assert [root[0].tag, root[1].tag] == [f"{SVG}title", f"{SVG}desc"]
        assert root[1].text == drawing.alt(**view)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids)) == 3
        assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"
        names = set(re.findall(r"(?<=class=\")[^\"]+", svg))
        assert {word for name in names for word in name.split()} - {"head", "muted", "label", "small", "title"} <= set(
            re.findall(r"\.([a-z-]+)", root.find(f"{SVG}style").text)
        )


def test_equal_networks_give_equal_bytes_and_others_other_ids():
    keras.utils.clear_session()
    first = drawing.svg(build("proposed", 10, 646))
    layers.Dense(3)
    assert drawing.svg(build("proposed", 10, 646)) == first
    identity = {ElementTree.fromstring(drawing.svg(**view)).get("id") for view in views("proposed")}
    assert len(identity) == 5


def test_text_is_legible_on_a_phone():
    assert min(size for size, _ in SIZES.values()) * (390 - 2 * 16) / drawing.WIDTH >= 11


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [picture._LIGHT, picture._DARK])
def test_text_stands_out_from_every_ground(theme):
    grounds = [*KINDS, "ground", "panel", "plain", "same", "added", "changed", "removed"]
    for ink in ("ink", "muted"):
        for ground in grounds:
            pair = sorted(luminance(theme[key].split()[0]) for key in (ink, ground))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (ink, ground)


def test_widths_are_those_of_helvetica():
    assert metrics.width("conv 3×1, 32", 1000) == 500 + 556 + 556 + 500 + 278 + 556 + 584 + 556 + 278 + 278 + 1112
    assert metrics.width("W", 10, "bold") == pytest.approx(9.44)
    assert metrics.wrap("max-pool 3×3, stride\u00a01", 75, 12) == ["max-pool", "3×3, stride\u00a01"]


def test_a_network_is_read_from_its_graph():
    read = diagram(network("squeeze-excitation"))
    assert [section.name for section in read.sections] == [
        "input", "stem", "block1", "block2_input", "block2", "block3_input", "block3", "broadcast", "transition",
        "decision",
    ]  # fmt: skip
    assert read.sections[7].sources == ("stem", "block1", "block2", "block3")
    assert [section.channels for section in read.blocks] == [(32, 128), (160, 128), (288, 128)]
    block = read.blocks[1].body
    assert [type(item) for item in block][:1] == [Parallel]
    assert [len(item.branches) for item in block if isinstance(item, Parallel)] == [4, 2]
    assert [step.label.replace("\u00a0", " ") for step in steps_of(block)[-5:]] == [
        "concatenate", "global avg-pool", "dense 16, ReLU", "dense 128, sigmoid", "multiply",
    ]  # fmt: skip
    assert sum(section.parameters for section in read.sections) == read.parameters == 203_546
    residual = diagram(network("inception-resnet")).blocks[0].body
    assert [len(branch) for branch in residual[0].branches] == [0, 4]
    assert residual[1].label == "add"


def test_a_network_differs_from_itself_in_nothing():
    for name in ("bbnn", "proposed", "inception-resnet"):
        assert drawing.differences(network(name), network(name)) == []
    assert drawing.differences(network("label-smoothing"), network("bbnn")) == []
    assert "The networks are the same" in drawing.alt(network("label-smoothing"), reference=network("bbnn"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "proposed",
            [
                "Every block: branch 2, conv 3×3, 32 is removed.",
                "Every block: branch 3, conv 5×5, 32 becomes conv 3×1, 32.",
                "Every block: branch 3, conv 1×3, 32 is added.",
                "Four blocks instead of three.",
                "Initial kernels: lecun normal instead of glorot uniform.",
                "175\u202f914 parameters instead of 190\u202f826.",
            ],
        ),
        ("dropout", ["Decision: dropout 40 % is added."]),
        ("selu", ["Everywhere, BN · ReLU becomes BN · SELU (21 times)."]),
        ("1-block", ["One block instead of three.", "46\u202f570 parameters instead of 190\u202f826."]),
        (
            "lstm",
            [
                "Every block: branch 5 is added: BN · ReLU, conv 1×1, 32, BN · ReLU and LSTM 32, per band.",
                "254\u202f282 parameters instead of 190\u202f826.",
            ],
        ),
        (
            "xception",
            [
                "Every block: built anew: BN · ReLU and separable conv 3×3, 128.",
                "Transition: avg-pool 2×2 becomes max-pool 2×2.",
                "Transition: BN · ReLU moves behind conv 1×1, 32.",
                "Four blocks instead of three.",
                "145\u202f322 parameters instead of 190\u202f826.",
            ],
        ),
    ],
)
def test_differences_are_told(name, expected):
    assert drawing.differences(network(name), network("bbnn")) == expected


def test_differences_are_marked():
    root = ElementTree.fromstring(drawing.svg(network("proposed"), reference=network("bbnn")))
    chips = {box.find(f"{SVG}title").text: box.get("class") for box in root.iter(f"{SVG}rect") if len(box)}
    assert {label: chips[label] for label in ("conv 1×3, 32", "conv 3×1, 32", "conv 3×3, 32", "conv 1×1, 32")} == {
        "conv 1×3, 32": "added",
        "conv 3×1, 32": "changed",
        "conv 3×3, 32": "removed",
        "conv 1×1, 32": "same",
    }
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert "was 5×5" in texts
    fewer = ElementTree.fromstring(drawing.svg(network("1-block"), reference=network("bbnn")))
    struck = ["".join(text.itertext()) for text in fewer.iter(f"{SVG}text") if "removed" in text.get("class")]
    assert struck == ["Block 2", "Block 3"]


def test_the_alternative_text_says_what_is_to_be_seen():
    said = drawing.alt(network("proposed"), title="Proposed")
    assert said.startswith("Proposed, a network with 175914 parameters. Input: 646 frames by 128 bands by 1 channel.")
    assert (
        "Four blocks; each has four branches: (1) batch normalisation and ReLU, then conv 1×1 to 32 channels; " in said
    )
    assert "conv 3×1 to 32 channels, then conv 1×3 to 32 channels" in said
    assert "sees the concatenation of the stem and all earlier blocks" in said
    assert said.endswith("then dense 10, softmax; the output is 10 values.")
    assert "sees the output of the one before it alone" in drawing.alt(network("inception-resnet"))
    assert drawing.alt(network("lstm"), block=2).startswith("Block 2, from 192 to 160 channels: five branches: (1) ")
    assert "any number of frames by 128 bands" in drawing.alt(network("bbnn", None))


def test_other_functional_models_are_drawn_too():
    x = keras.Input((8,), name="x")
    a, b = layers.Dense(4, name="a")(x), layers.Dense(4, name="b")(x)
    left, right = layers.Add(name="left")([a, b]), layers.Multiply(name="right")([a, b])
    crossed = keras.Model(x, layers.Dense(2, "softmax", name="y")(layers.Concatenate(name="c")([left, right])))
    assert sorted(drawn_layers(drawing.svg(crossed))) == ["a", "b", "c", "left", "right", "y"]
    assert "after 1 and 2" in drawing.alt(crossed)
    plain = keras.Model(x, layers.UnitNormalization(name="u")(layers.Dense(3, "tanh", name="d")(x)), name="plain")
    assert drawn_layers(drawing.svg(plain)) == ["d", "u"]
    assert drawing.alt(plain).endswith("Network: dense 3, tanh, then unit normalization; the output is 3 values.")


def test_models_that_cannot_be_drawn_are_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(BnetError, match=r"can't draw Own .* expected a functional Keras model"):
        drawing.svg(Own())
    x = keras.Input((8,))
    a = layers.Dense(8, name="block1_a")(x)
    b = layers.Dense(8, name="block2_a")(a)
    with pytest.raises(BnetError, match="block1, block2 feed each other in a circle"):
        drawing.svg(keras.Model(x, layers.Dense(8, name="block1_b")(b)))
    with pytest.raises(BnetError, match=r"has no block 7; give one of its numbers \(1, 2, 3\) or 'all'"):
        drawing.svg(network("bbnn"), block=7)


@pytest.fixture
def command():
    """The command by itself: words -> result, with a `BnetError` as its exception."""
    app = typer.Typer()
    app.command()(draw)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_the_command_draws(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("dropout", "--difference-from", "bbnn", "--seconds", "10", "--classes", "4")
    assert done.exit_code == 0, done.output
    assert "Decision: dropout 40 % is added." in done.output
    assert 'role="img"' in (tmp_path / "dropout.svg").read_text("utf-8")
    assert command("bbnn", "-o", "new/b.svg", "--block", "2").exit_code == 0
    assert "160 → 128" not in (tmp_path / "new" / "b.svg").read_text("utf-8")
    assert sorted(path.name for path in tmp_path.rglob("*.svg*")) == ["b.svg", "dropout.svg"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["propose"], "unknown network 'propose' (did you mean 'proposed'?)"),
        (["bbnn", "--difference-from", "bnn"], "unknown network 'bnn'"),
        (["bbnn", "-o", "b.png"], "pictures are written as SVG; got 'b.png'"),
        (["bbnn", "--block", "one"], "--block takes the number of a block, or 'all'; got 'one'"),
        (["bbnn", "--block", "4"], "BBNN (baseline) has no block 4"),
        (["bbnn", "--seconds", "nan"], "--seconds is the length of a clip"),
        (["bbnn", "-o", "file/b.svg"], "could not write file/b.svg"),
        (["bbnn", "-o", "dir.svg"], "dir.svg is a folder"),
        (["bbnn", "--classes", "1"], "2 classes or more; got 1"),
    ],
)
def test_the_command_refuses(command, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "dir.svg").mkdir()
    done = command(*words)
    assert isinstance(done.exception, BnetError)
    assert message in str(done.exception)
    assert not [path for path in tmp_path.rglob("*.svg*") if path.is_file()]
