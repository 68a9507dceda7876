"""Figures of networks: every layer is drawn with its shape and parameters, no two texts meet, differences are true."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
import typer
from keras import layers
from typer.testing import CliRunner

from bnet.cli.networks import draw
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant, build, drawing
from bnet.models.drawing import canvas, figure, parts
from bnet.models.layers import LOOKS

SVG = "{http://www.w3.org/2000/svg}"
LONG = Variant(
    "long",
    "A network with a title that is a good deal longer than the figure of it is wide",
    tuple(f"norm conv{size}x1 norm conv1x{size} pool3x3" for size in range(1, 7)),
    3,
    filters=64,
)
BARE = Variant("bare", "Bare", ("conv3x3",), 1, stem="", transition="", decision="gap")
DEEP = Variant("deep", "Deep", ("norm conv1x1 dropout:0.25",), 16, filters=8)
NESTED = Variant(
    "nested",
    "Forks in branches",
    ("", "norm conv3x1 se:8 norm residual", "groupnorm:16 sepconv3x3:64 semax:4"),
    2,
    stem="conv3x3v/2 norm maxpool3x3/2 dropout:0.1",
    after="residual norm se:8",
    connection="chain",
)
BBNN = VARIANTS["bbnn"]
OWN = (LONG, BARE, DEEP, NESTED)
ROWS = {**VARIANTS, **{row.name: row for row in OWN}}
SHAPES = (
    *("proposed", "bbnn", "5-blocks", "group-norm", "squeeze-excitation", "lstm", "inception-resnet", "xception"),
    *(row.name for row in OWN),
)
"""Networks of which no two are laid out alike; that each row of the table is its model, test_variants holds."""


def views(row: Variant):
    """Every view of a network: whole, one block, every block, compared with the baseline, and the other way round."""
    yield {"variant": row}
    yield {"variant": row, "block": 1}
    yield {"variant": row, "block": "all"}
    yield {"variant": row, "reference": BBNN}
    yield {"variant": BBNN, "reference": row}


def drawn(**view):
    row = view.pop("variant")
    return ElementTree.fromstring(drawing.svg(row, **view))


def boxes_with_layers(root) -> list:
    return [box for box in root.iter(f"{SVG}rect") if box.get("data-layers")]


def drawn_layers(root) -> list[str]:
    return sorted(name for box in boxes_with_layers(root) for name in box.get("data-layers").split())


@pytest.mark.parametrize("name", SHAPES)
def test_every_layer_is_drawn_once_with_its_shape_and_parameters(name):
    """This ties the figure, which is drawn from the row, to the model that is built from it."""
    model = build(ROWS[name], 10, 646)
    expected = {layer.name: layer for layer in model.layers if not isinstance(layer, layers.InputLayer)}
    detailed = drawn(variant=ROWS[name], block="all")
    for root in (detailed, drawn(variant=ROWS[name]), drawn(variant=ROWS[name], reference=BBNN)):
        assert drawn_layers(root) == sorted(expected)
        total = sum(int(box.get("data-parameters", 0)) for box in boxes_with_layers(root))
        assert total == model.count_params()
    for box in boxes_with_layers(detailed):
        found = [expected[layer] for layer in box.get("data-layers").split()]
        assert sum(layer.count_params() for layer in found) == int(box.get("data-parameters", 0))
        assert " × ".join(map(str, found[-1].output.shape[1:])) == box.get("data-shape")
    block = sorted(layer for layer in expected if re.match(r"block1(_|$)", layer))
    assert drawn_layers(drawn(variant=ROWS[name], block=1)) == block
    said = f"{model.count_params():,} parameters".replace(",", "\u202f")
    assert said in ["".join(text.itertext()) for text in detailed.iter(f"{SVG}text")]


def overlap(a, b) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.1 and min(a[3], b[3]) - max(a[1], b[1]) > 0.1


def extent(box):
    x, y, wide, high = (float(box.get(key)) for key in ("x", "y", "width", "height"))
    return x, y, x + wide, y + high


def bounds(text):
    """An upper bound of where a text lies."""
    size, weight = canvas.SIZES[text.get("class").split()[0]]
    wide = canvas.width(text.text, size, weight)
    left = float(text.get("x")) - {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor")] * wide
    return left, float(text.get("y")) - 0.76 * size, left + wide, float(text.get("y")) + 0.24 * size


@pytest.mark.parametrize("name", SHAPES)
def test_texts_and_boxes_keep_apart_and_inside(name):
    for view in views(ROWS[name]):
        root = drawn(**view)
        width, height = map(float, root.get("viewBox").split()[2:])
        texts = [(text.text, bounds(text)) for text in root.iter(f"{SVG}text")]
        assert texts
        for (a, first), (b, second) in combinations(texts, 2):
            assert not overlap(first, second), (a, b)
        for text, (left, top, right, bottom) in texts:
            assert 0 <= left < right <= width, text
            assert 0 <= top < bottom <= height, text
        boxes = [extent(box) for box in boxes_with_layers(root)]
        assert not any(overlap(a, b) for a, b in combinations(boxes, 2))
        for box in boxes:
            assert box[0] >= 0
            assert box[2] <= width
            for text, place in texts:
                if overlap(box, place):
                    assert box[0] <= place[0] < place[2] <= box[2], text
                    assert box[1] <= place[1] < place[3] <= box[3], text


def test_the_figure_is_a_good_svg():
    for view in views(VARIANTS["lstm"]):
        root = drawn(**view)
        row = view["variant"]
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        assert [root[0].tag, root[1].tag] == [f"{SVG}title", f"{SVG}desc"]
        assert root[1].text == drawing.alt(**view)
        assert row.title in root[0].text
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids)) == 4
        assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"
        used = {word for element in root.iter() for word in element.get("class", "").split()}
        known = set(re.findall(r"\.([a-z0-9-]+)", root.find(f"{SVG}style").text))
        assert used <= known


def test_equal_networks_give_equal_bytes_and_others_other_ids():
    proposed = VARIANTS["proposed"]
    assert drawing.svg(proposed) == drawing.svg(proposed)
    assert len({drawn(**view).get("id") for view in views(proposed)}) == 5


def test_drawing_needs_no_keras():
    code = (
        "import sys; from bnet.models import VARIANTS as v, drawing;"
        "drawing.svg(v['lstm'], reference=v['bbnn']);"
        "print({name.split('.')[0] for name in sys.modules} & {'keras', 'tensorflow', 'jax', 'torch', 'matplotlib'})"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"


def test_text_is_legible_on_a_phone():
    assert min(size for size, _ in canvas.SIZES.values()) * (390 - 2 * 16) / figure.WIDTH >= 11


def luminance(colour: str) -> float:
    split = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in split)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", canvas.THEMES)
def test_text_and_bands_stand_out_from_every_ground(theme):
    for ground in (*LOOKS, "ground", "panel", "plain", "same", "added", "changed", "removed"):
        for ink in ("ink", "muted"):
            assert contrast(theme[ink], theme[ground].split()[0]) >= 4.5, (ink, ground)
    for band in canvas.BANDS:
        assert contrast(band, theme["ground"]) >= 2, band


def test_widths_are_those_of_helvetica():
    """By the metrics that Matplotlib brings along: of all letters and digits; of bold titles an upper bound."""
    afm = Path(matplotlib.get_data_path()) / "fonts" / "afm"
    names = {"×": "multiply", "·": "periodcentered"}
    for weight, file in (("normal", "phvr8a.afm"), ("bold", "phvb8a.afm")):
        metrics = re.findall(r"^C (-?\d+) ; WX (\d+) ; N (\w+)", (afm / file).read_text("latin-1"), re.MULTILINE)
        widths = {chr(int(code)): int(wide) for code, wide, _ in metrics if 32 <= int(code) < 127}
        widths |= {letter: int(wide) for letter, name in names.items() for _, wide, n in metrics if n == name}
        if weight == "normal":
            for letter in string.ascii_letters + string.digits + " ×·,.:;()+=-%&/":
                assert canvas.width(letter, 1000) == widths[letter], letter
        for row in ROWS.values():
            assert canvas.width(row.title, 1000, weight) >= sum(widths[letter] for letter in row.title) - 1e-6
    assert canvas.wrap("max-pool 3×3, stride\u00a01", 75, 12) == ["max-pool", "3×3, stride\u00a01"]


def test_a_row_is_read_part_by_part():
    read = parts.read(VARIANTS["squeeze-excitation"], 10, 646)
    assert [part.name for part in read.parts] == ["stem", "block1", "block2", "block3", "transition", "decision"]
    assert [part.join and part.join.label for part in read.parts] == [
        None,
        None,
        "concatenate 32 + 128 = 160",
        "concatenate 32 + 2 × 128 = 288",
        "concatenate 32 + 3 × 128 = 416",
        None,
    ]
    assert [(part.entered[-1], part.shape[-1]) for part in read.blocks] == [(32, 128), (160, 128), (288, 128)]
    assert [box.label for box in read.blocks[1].inside[-2:]] == [
        "concatenate 4 × 32 = 128",
        "squeeze-and-excitation (global avg-pool; dense 16, ReLU; dense 128, sigmoid; multiply)",
    ]
    assert sum(part.parameters for part in read.parts) == read.parameters == 203_546
    residual = parts.read(VARIANTS["inception-resnet"], 10, 646).blocks[0].inside[-1]
    assert residual.label == "residual connection (conv 1×1, 96; add the block's input)"


def test_a_network_differs_from_itself_in_nothing():
    for row in ROWS.values():
        assert drawing.differences(row, row) == []
    assert drawing.differences(VARIANTS["label-smoothing"], BBNN) == []
    assert "The networks are the same" in drawing.alt(VARIANTS["label-smoothing"], reference=BBNN)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "proposed",
            [
                "Every block, branch 2: conv 3×3, 32 is removed.",
                "Every block, branch 3: conv 5×5, 32 becomes conv 3×1, 32.",
                "Every block, branch 3: conv 1×3, 32 is added.",
                "4 blocks instead of 3.",
                "Initial kernels: lecun normal instead of glorot uniform.",
                "175\u202f914 parameters instead of 190\u202f826.",
            ],
        ),
        ("dropout", ["Decision: dropout 40 % is added."]),
        ("selu", ["Stem, transition, decision and every block: BN · ReLU becomes BN · SELU."]),
        ("1-block", ["1 block instead of 3.", "46\u202f570 parameters instead of 190\u202f826."]),
        (
            "squeeze-excitation",
            [
                "Every block: squeeze-and-excitation (global avg-pool; dense 16, ReLU; dense 128, sigmoid; multiply) "
                "is added.",
                "203\u202f546 parameters instead of 190\u202f826.",
            ],
        ),
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
                "Every block, branch 1: conv 1×1, 32 becomes separable conv 3×3, 128.",
                "Every block: branch 2 is removed: BN · ReLU, conv 1×1, 32, BN · ReLU and conv 3×3, 32.",
                "Every block: branch 3 is removed: BN · ReLU, conv 1×1, 32, BN · ReLU and conv 5×5, 32.",
                "Every block: branch 4 is removed: max-pool 3×3, stride 1, BN · ReLU and conv 1×1, 32.",
                "Transition: avg-pool 2×2 becomes max-pool 2×2.",
                "Transition: BN · ReLU moves behind conv 1×1, 32.",
                "4 blocks instead of 3.",
                "145\u202f322 parameters instead of 190\u202f826.",
            ],
        ),
    ],
)
def test_differences_are_told(name, expected):
    assert drawing.differences(VARIANTS[name], BBNN) == expected


def test_differences_are_marked():
    root = drawn(variant=VARIANTS["proposed"], reference=BBNN)
    boxes = {
        box.find(f"{SVG}title").text.split(":")[0]: box.get("class") for box in root.iter(f"{SVG}rect") if len(box)
    }
    assert {label: boxes[label] for label in ("conv 1×3, 32", "conv 3×1, 32", "conv 3×3, 32", "conv 1×1, 32")} == {
        "conv 1×3, 32": "added",
        "conv 3×1, 32": "changed",
        "conv 3×3, 32": "removed",
        "conv 1×1, 32": "same",
    }
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert "was 5×5" in texts
    fewer = drawn(variant=VARIANTS["1-block"], reference=BBNN)
    struck = ["".join(text.itertext()) for text in fewer.iter(f"{SVG}text") if "removed" in text.get("class")]
    assert struck == ["Block 2", "Block 3"]


def test_the_alternative_text_says_what_is_to_be_seen():
    said = drawing.alt(VARIANTS["proposed"])
    title = VARIANTS["proposed"].title
    assert said.startswith(f"{title}, a network with 175914 parameters. Input: 646 × 128 × 1.")
    assert "Every block: 4 branches: (1) batch normalisation and ReLU, then conv 1×1 to 32 channels; " in said
    assert "conv 3×1 to 32 channels, then conv 1×3 to 32 channels" in said
    assert "sees the concatenation of the stem and all earlier blocks" in said
    assert said.endswith("then dense 10, softmax; output: 10.")
    assert "sees the output of the one before it alone" in drawing.alt(VARIANTS["inception-resnet"])
    assert drawing.alt(VARIANTS["lstm"], block=2).startswith("Block 2, from 192 to 160 channels: 5 branches: (1) ")
    assert "Input: any × 128 × 1." in drawing.alt(BBNN, frames=None)


def test_networks_that_cannot_be_drawn_are_refused():
    with pytest.raises(BnetError, match=r"has no block 7; give one of its numbers \(1, 2, 3\) or 'all'"):
        drawing.svg(BBNN, block=7)
    with pytest.raises(BnetError, match="too deep for its input"):
        drawing.svg(BBNN, frames=3)


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
        (["bbnn", "-o", "b.png"], "figures are written as SVG; got 'b.png'"),
        (["bbnn", "--block", "one"], "--block takes the number of a block, or 'all'; got 'one'"),
        (["bbnn", "--block", "4"], "BBNN (baseline) has no block 4"),
        (["bbnn", "--seconds", "nan"], "--seconds is the length of a clip"),
        (["bbnn", "-o", "file/b.svg"], "could not write file/b.svg"),
        (["bbnn", "-o", "dir.svg"], "dir.svg is a folder"),
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
