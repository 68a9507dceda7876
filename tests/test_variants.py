"""The table of networks: counts, hashes, order, decisions; costs; networks of your own."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from bnet.errors import BnetError
from bnet.models import STEPS, TABLE_3, VARIANTS, Variant, build, decisions
from bnet.models.cost import Cost, cost, table
from bnet.models.language import parse
from bnet.models.layers import KINDS, LOOKS
from bnet.models.operations import WORDS
from bnet.models.shapes import sections
from bnet.models.variants import load
from bnet.paths import sha256
from bnet.sound.memory import available_bytes

COUNTS = {  # 10 classes: total, trainable
    "bbnn": (190_826, 185_642),
    "proposed": (175_914, 167_018),
    "proposed-released": (186_026, 178_154),
    "remove-3x3": (163_082, 157_898),
    "replace-5x5": (141_674, 136_490),
    "global-max-pooling": (190_826, 185_642),
    "dropout": (190_826, 185_642),
    "1-block": (46_570, 45_738),
    "2-blocks": (109_482, 106_986),
    "5-blocks": (408_810, 395_178),
    "selu": (190_826, 185_642),
    "group-norm": (185_642, 185_642),
    "label-smoothing": (190_826, 185_642),
    "squeeze-excitation": (203_546, 198_362),
    "lstm": (254_282, 246_794),
    "inception-resnet": (187_892, 184_904),
    "xception": (145_322, 143_338),
    "squeeze-excitation-released": (202_010, 197_594),
    "step-2": (113_930, 108_746),
    "step-3": (188_074, 179_178),
    "step-4": (188_074, 179_178),
}
COMMITTED = {  # SHA-256 of the architectures that committed records hash
    "bbnn": "80cd350bb1af77407bdd15088d1623101c5fb1b6aa6509cfb7d21f47dc9176ef",
    "proposed": "dbbc7e56f738292e0558ef626828213aa5ece98d11f9b2e36313b8efb76d1b4b",
    "proposed-released": "048910080562ea05ba990e3ee55d56a69ad28be8dea7923b1c2f529154a8e7e6",
}
SMALL = Variant("small", "Small", ("norm conv1x1",), 1, filters=4)


def test_parameters_of_every_network():
    found = table(VARIANTS.values(), 10, 646).set_index("variant")
    assert {name: tuple(found.loc[name, ["parameters", "trainable"]]) for name in VARIANTS} == COUNTS
    assert found["macs"]["bbnn"] == 3_716_768_064


ODD_ROWS = [
    replace(VARIANTS["bbnn"], name="odd-chain", connection="chain", after="se:8 dropout:0.1", blocks=2),
    replace(
        VARIANTS["bbnn"], name="odd-words", branches=("sepconv3x5:16 groupnorm:4 pool3x3", "lstm:12 residual"), blocks=2
    ),
    replace(VARIANTS["bbnn"], name="odd-stem", stem="conv3x3v/2:24 norm avgpool2x2", decision="gmp norm dropout:0.2"),
]


def counted(model: keras.Model) -> Cost:
    """What a model of fixed length costs, by its Keras layers themselves."""

    def macs(layer, shape) -> int:
        weights = {
            "Conv2D": lambda: [layer.kernel],
            "SeparableConv2D": lambda: [layer.depthwise_kernel, layer.pointwise_kernel],
            "Dense": lambda: [layer.kernel],
            "BandLSTM": lambda: [layer.lstm.cell.kernel, layer.lstm.cell.recurrent_kernel],
        }.get(type(layer).__name__, list)
        return sum(math.prod(weight.shape) for weight in weights()) * math.prod(shape[:-1])

    shapes = {layer: tuple(layer.output.shape[1:]) for layer in model.layers}
    kinds = [type(layer).__name__ for layer in shapes]
    norms = sum(layer.count_params() for layer in shapes if "Normal" in type(layer).__name__)
    return Cost(
        parameters=model.count_params(),
        trainable=sum(math.prod(weight.shape) for weight in model.trainable_variables),
        kernels=model.count_params() - norms,
        convolutions=kinds.count("Conv2D") + kinds.count("SeparableConv2D"),
        macs=sum(macs(layer, shape) for layer, shape in shapes.items()),
        activation_bytes=4 * sum(map(math.prod, shapes.values())),
    )


@pytest.mark.parametrize("row", [*VARIANTS.values(), *ODD_ROWS], ids=lambda row: row.name)
def test_a_row_tells_the_layers_of_its_model_and_what_it_costs(row):
    model = build(row, 7, 216)
    assert cost(row, 7, 216) == counted(model)
    assert cost(row, 7).parameters == model.count_params()
    expected = {}
    for section in sections(row, 216):
        concatenations = {section.source: section.join, section.name: section.merge}
        expected |= {name: layer.shape for name, layer in concatenations.items() if layer}
        expected |= {op.name + layer.suffix: layer.shape for op in _operations(section) for layer in op.layers}
    expected |= {"log_mel": (216, 128, 1), "probabilities": (7,)}
    assert {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers} == expected


def test_a_new_operation_is_a_row_of_each_table_that_it_needs():
    """A word of `WORDS` is tried by a network here against its Keras layers; a new class of layers is a row of `KINDS`,
    with a look that figures know."""
    tried = [op for row in [*VARIANTS.values(), *ODD_ROWS] for part in sections(row) for op in _operations(part)]
    assert set(WORDS) == {op.step.word for op in tried}
    assert {layer.kind for op in tried for layer in op.layers} | {"Concatenate", "Dense"} == set(KINDS)
    assert {kind.look for kind in KINDS.values()} | {"other"} == set(LOOKS)


def _operations(section):
    return itertools.chain(*section.branches, section.after)


def test_counting_needs_no_keras():
    code = "import sys; from bnet.audit import tables; tables.parameters(10); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_kernels_and_biases_are_the_quoted_ones():
    def kernels(name):
        return sum(layer.count_params() for layer in build(name, 10).layers if "Normal" not in type(layer).__name__)

    assert kernels("bbnn") == 180_458  # what the BBNN paper quotes
    assert kernels("bbnn") - kernels("remove-3x3") == 27_744  # what the paper quotes
    assert kernels("xception") == 141_354  # the paper: about 141 k


def test_committed_architectures_are_as_they_were():
    assert {name: sha256(VARIANTS[name].architecture()) for name in COMMITTED} == COMMITTED


def test_architectures_differ_and_come_back():
    texts = {row.architecture() for row in VARIANTS.values()}
    assert len(texts) == len(VARIANTS)
    for name, row in VARIANTS.items():
        again = Variant.from_architecture(name, row.architecture())
        assert again.architecture() == row.architecture()
        assert (again.branches, again.later_branches) == (row.branches, row.later_branches)
    assert json.loads(VARIANTS["label-smoothing"].architecture())["label_smoothing"] == 0.1


def test_table_3_has_the_papers_fourteen_rows_in_its_order():
    assert list(TABLE_3) == [
        *("remove-3x3", "replace-5x5", "global-max-pooling", "dropout", "1-block", "2-blocks", "5-blocks", "selu"),
        *("group-norm", "label-smoothing", "squeeze-excitation", "lstm", "inception-resnet", "xception"),
    ]
    assert [VARIANTS[name].section for name in TABLE_3] == [
        f"III-E{number}" for number in (1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9, 10, 11, 12)
    ]
    assert [f"Table III, row {place}" in VARIANTS[name].source for place, name in enumerate(TABLE_3, 1)] == [True] * 14


def test_steps_change_one_thing_at_a_time_and_end_in_the_proposed_network():
    def fields(name):
        return json.loads(VARIANTS[name].architecture())

    rows = [fields(name) for name in ("bbnn", *STEPS)]
    changed = [{key for key in one if one[key] != two[key]} for one, two in itertools.pairwise(rows)]
    assert changed == [{"branches"}, {"branches"}, {"blocks"}, {"initializer"}, {"branches"}]
    factorised = tuple(chain.replace("conv3x3", "conv3x1 conv1x3") for chain in VARIANTS["step-4"].branches)
    assert factorised == VARIANTS["proposed"].branches
    assert STEPS[0] == TABLE_3[0]
    assert STEPS[-1] == "proposed"


def test_every_row_says_what_it_changes_and_hopes():
    for row in VARIANTS.values():
        assert all((row.title, row.source, row.section, row.change, row.hope)), row.name
        assert row.change.endswith(".")
    told = decisions()
    assert set(told["variant"]) == {name for name in VARIANTS if not name.startswith("step-")}
    assert not (told == "").any(axis=None)
    assert list(told.columns) == ["variant", "title", "what", "choice", "reason", "source"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"branches": ("norm conv",)}, "'conv' needs a size, such as conv3x3"),
        ({"branches": ("norm2x2 conv1x1",)}, "'norm2x2' takes no size"),
        ({"branches": ("norm covn3x3",)}, r"unknown operation in block1_branch1 .*'covn3x3'.*did you mean 'conv'"),
        ({"branches": ("conv3x3x3",)}, "'conv3x3x3' can't be read"),
        ({"branches": ("conv0x1",)}, "has a size of 0"),
        ({"branches": ("pool3x3/2",)}, "takes no stride"),
        ({"stem": "conv3x3/0"}, "stride 0"),
        ({"branches": ("conv3x3:1.5",)}, "a whole number, 1 or more"),
        ({"branches": ("groupnorm conv1x1",)}, "needs a number, such as groupnorm:16"),
        ({"branches": ("conv1x1", "groupnorm:3 conv1x1")}, "does not divide the 4 channels"),
        ({"branches": ("norm conv3x3v",)}, "changes the size inside a block"),
        ({"after": "gap"}, "changes the size inside a block"),
        ({"stem": "conv3x3 residual"}, "sums with a block's input"),
        ({"decision": "gap conv1x1"}, "comes after a global pool"),
        ({"decision": "norm"}, "lacks a global pool"),
        ({"transition": "gap"}, "ends in a global pool"),
        ({"decision": "gap dropout:1"}, "a rate from 0 up to"),
        ({"activation": "rulu"}, r"unknown activation .*did you mean 'relu'"),
        ({"initializer": "lecun"}, "unknown initializer"),
        ({"connection": "ring"}, "unknown connection"),
        ({"blocks": 0}, "blocks is 0; expected 1 or more"),
        ({"filters": -1}, "filters is -1; expected 1 or more"),
        ({"branches": ()}, "no branches"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0"),
    ],
)
def test_impossible_rows_are_refused(changes, message):
    with pytest.raises(BnetError, match=message):
        sections(replace(SMALL, **changes))
    with pytest.raises(BnetError, match=message):
        build(replace(SMALL, **changes), 3)


def test_too_deep_for_its_input():
    sections(VARIANTS["inception-resnet"], 35)
    with pytest.raises(BnetError, match=r"'inception-resnet' is too deep .*avgpool2x2"):
        sections(VARIANTS["inception-resnet"], 34)
    with pytest.raises(BnetError, match="too deep for its input"):
        build("bbnn", 10, 7)
    assert build("bbnn", 10, 8).output_shape == (None, 10)


def test_tokens_are_read():
    step = parse("conv3x5v/2:64")[0]
    assert (step.base, step.size, step.valid, step.stride, step.number) == ("conv3x5", (3, 5), True, 2, 64)
    assert not step.keeps_size
    assert parse("maxpool4x1")[0].strides == (4, 1)


def test_costs_of_hand_computed_networks():
    """Of 8 frames x 128 bands, of which the stem leaves 2 x 128, in 4 maps."""
    found = cost(replace(SMALL, branches=("norm conv3x1", "norm sepconv3x3")), 3, 8)
    stem, pixels = 8 * 128 * 9 * 1 * 4, 2 * 128
    block = pixels * (3 * 4 * 4 + 9 * 4 + 4 * 4)
    transition = pixels * 12 * 4  # of the stem's 4 maps and the block's 8
    assert found.macs == stem + block + transition + 4 * 3
    plain = cost(SMALL, 3, 8).macs
    lstm = cost(replace(SMALL, branches=("norm conv1x1 lstm:5 conv1x1",)), 3, 8).macs
    assert lstm - plain == pixels * (4 * 5 * (4 + 5) + 5 * 4)  # gates, units, inputs; back to 4 maps
    assert cost(replace(SMALL, after="se:2"), 3, 8).macs - plain == 4 * 2 + 2 * 4
    assert cost(SMALL, 3).macs is None
    short = table([SMALL, VARIANTS["inception-resnet"]], 3, 20).set_index("variant")
    assert short["macs"].isna().tolist() == [False, True]


def test_a_container_limits_the_memory(tmp_path):
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    assert available_bytes(tmp_path) == 2_000_000
    (tmp_path / "memory.stat").write_text("anon 400000\nactive_file 100000\ninactive_file 500000\n")
    assert available_bytes(tmp_path) == 2_500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(tmp_path) > 2_000_000


def test_label_smoothing_is_in_the_loss():
    from bnet.training import fit
    from bnet.training.config import get_profile
    from bnet.training.parts import Part

    rng = np.random.default_rng(0)
    part = Part(rng.normal(size=(8, 8, 6)).astype("float32"), np.arange(8), np.arange(8) % 2)
    profile = get_profile("smoke", {"epochs": "1", "learning_rate": "1e-9", "batch_size": "8"})
    losses = {}
    for share in (0.0, 0.5):
        row = replace(SMALL, label_smoothing=share)
        found = fit.fit(row, profile.training, part, part, part, 2, seed=1)
        losses[share] = found.history["loss"][0]
        truth, guess = np.eye(2)[part.labels], found.validation
        target = truth * (1 - share) + share / 2
        expected = float(-(target * np.log(guess)).sum(axis=1).mean())
        assert found.history["val_loss"][0] == pytest.approx(expected, rel=1e-4)
    assert losses[0.0] != pytest.approx(losses[0.5], rel=1e-2)


def written(tmp_path, text: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_own_networks_inherit(tmp_path):
    path = written(
        tmp_path,
        "- {name: small-kernels, base: wide, branches: [norm conv1x1, pool3x3 norm conv1x1], blocks: 2}\n"
        "- {name: wide, base: proposed, filters: 48, title: Wide}\n",
    )
    found = load(path)
    assert list(found) == ["small-kernels", "wide"]
    assert found["small-kernels"].filters == 48
    assert found["small-kernels"].initializer == "lecun_normal"
    assert (found["wide"].title, found["small-kernels"].title) == ("Wide", "small-kernels")
    assert found["wide"].branches == VARIANTS["proposed"].branches
    assert build(found["small-kernels"], 3, 216).get_layer("block2").output.shape[-1] == 96
    one = load(written(tmp_path, "name: plain\nlabel_smoothing: 0\nblocks: 3\n"))["plain"]
    assert one.architecture() == VARIANTS["bbnn"].architecture()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds nothing; expected a mapping"),
        ("- 3", "expected a mapping"),
        ("name: [", "is not YAML"),
        ("{name: x, fliters: 3}", r"unknown field in .*'fliters' \(did you mean 'filters'"),
        ("{base: bbnn}", "the name is None"),
        ("{name: My Net}", "the name is 'My Net'"),
        ("{name: bbnn}", "'bbnn' is taken"),
        ("{name: majority}", "'majority' is taken"),
        ("[{name: x}, {name: x}]", "'x' is taken"),
        ("{name: x, base: bbn}", r"unknown base of 'x' .*did you mean 'bbnn'"),
        ("[{name: x, base: y}, {name: y, base: x}]", "in a circle: x -> y -> x"),
        ("{name: x, filters: many}", "filters is 'many'; expected a whole number"),
        ("{name: x, blocks: 2.5}", "blocks is 2.5; expected a whole number"),
        ("{name: x, blocks: yes}", "blocks is True; expected a whole number"),
        ("{name: x, branches: norm conv1x1}", "expected a list of chains"),
        ("{name: x, later_branches: [norm conv1x1]}", "lists of chains"),
        ("{name: x, stem: 3}", "stem is 3; expected a text"),
        ("{name: x, branches: [norm convolution3x3]}", "unknown operation in block1_branch1"),
        ("{name: x, stem: conv3x3 maxpool1x300}", "too deep for its input"),
    ],
)
def test_wrong_files_are_refused(tmp_path, text, message):
    with pytest.raises(BnetError, match=message):
        load(written(tmp_path, text), taken=["majority"])


def test_files_that_can_not_be_read(tmp_path):
    with pytest.raises(BnetError, match="cannot read the variant file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(BnetError, match="cannot read the variant file"):
        load(tmp_path)
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(BnetError, match="is not YAML"):
        load(tmp_path / "x.yaml")


def test_a_run_of_an_own_network_is_a_record_that_predicts(tones, tmp_path):
    from bnet.corpora.store import FeatureStore
    from bnet.runs import jobs
    from bnet.runs.weights import load_network
    from bnet.training.config import get_profile

    own = load(written(tmp_path, "{name: mine, filters: 4, blocks: 1, branches: [norm conv1x1]}"))
    FeatureStore(tones, 1.0).extract(tones.tracks(), jobs=1, progress=False)
    profile = get_profile("smoke", {"clip_seconds": "1", "epochs": "1", "groups": "3"})
    with pytest.raises(BnetError, match="did you mean 'mine'"):
        jobs.jobs("tones", ["mime"], "grouped", profile, [0], own=own)
    job = jobs.jobs("tones", ["mine"], "grouped", profile, [0], own=own)[0]
    other = jobs.jobs("tones", ["mine"], "grouped", profile, [0], own={"mine": replace(own["mine"], filters=5)})[0]
    assert job.config.hash() != other.config.hash()
    record = jobs.run(job, tmp_path / "results", lambda text: None)
    assert record.name.startswith("mine-grouped-0-custom-")
    assert jobs.title("mine") == "mine"
    assert record.run["made"]["backend"] == keras.backend.backend()
    model = load_network(record)
    assert model.get_layer("stem_conv3x3").filters == 4
    with pytest.raises(BnetError, match="too deep for its input"):
        jobs.jobs("tones", ["inception-resnet"], "grouped", profile, [0])
