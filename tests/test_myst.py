"""What page cells show."""

from __future__ import annotations

import html
import io
import re

import matplotlib
import pandas as pd
import pytest

from bnet.audit import plots
from bnet.book import myst
from bnet.errors import BnetError

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def first_page(monkeypatch):
    """Whatever page another test has opened in this process."""
    monkeypatch.setattr(myst, "_page", "index")


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """What was displayed, in order."""
    found: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda thing: found.append(thing.data))
    return found


def test_numbers_are_shown_plainly():
    values = [190826, 0.65432, float("nan"), None, True, "reel", pd.Series([3]).iloc[0], pd.Series([True]).iloc[0]]
    assert [myst.number(v) for v in values] == ["190\u202f826", "0.654", "–", "–", "yes", "reel", "3", "yes"]
    assert myst.number(0.5, ".1%") == "50.0%"


def test_table_is_numbered_and_aligned_by_type(shown):
    frame = pd.DataFrame({"a|b": ["x|y", "two\nlines"], "n": [1200, 7], "share": [0.25, None]})
    myst.table(frame, "A caption\nof two lines.", "tab-x", formats={"share": ".0%"})
    assert shown[0].splitlines() == [
        "::::{table} A caption of two lines.",
        ":name: tab-x",
        "",
        "| a\\|b | n | share |",
        "| :-- | --: | --: |",
        "| x\\|y | 1\u202f200 | 25% |",
        "| two lines | 7 | – |",
        "::::",
    ]


ODD = ["A$AP $1", "a_b_c", "x^2", "<b>", "one|two", "`tick`", "*star*", "a & b", "{doc}`x`", "[l](u)", "#1", "~~no~~"]


def test_names_are_shown_as_typed_in_tables_and_captions(shown):
    from markdown_it.renderer import RendererHTML
    from myst_parser.config.main import MdParserConfig
    from myst_parser.parsers.mdit import create_md_parser

    myst.table(pd.DataFrame({"Class": ODD, "n": 1}), "A caption.", "tab-x", names=["Class"])
    rows = "\n".join(line for line in shown[0].splitlines() if line.startswith("|"))
    said = "Left out: " + "; ".join(map(myst.plain, ODD))
    parser = create_md_parser(MdParserConfig(enable_extensions={"dollarmath", "colon_fence"}), RendererHTML)
    page = parser.render(f"{rows}\n\n{said}\n")
    cells = re.findall("<td[^>]*>(.*?)</td>", page)
    assert [html.unescape(cell) for cell in cells[::2]] == ODD
    assert html.unescape(re.search("<p>(.*?)</p>", page)[1]) == "Left out: " + "; ".join(ODD)


def test_names_are_shown_as_typed_in_figures():
    import matplotlib.pyplot as plt
    import numpy as np

    fig, axes = plt.subplots(1, 3)
    plots.confusion(pd.DataFrame(np.eye(len(ODD), dtype=int), ODD, ODD), ax=axes[0])
    plots.dots(pd.DataFrame({"title": ODD, "recall": 1.0}), "recall", ax=axes[1])
    plots.spectrogram(np.zeros((20, 16), np.float32), sr=22050, hop_length=512, ax=axes[2], title=ODD[0])
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        stream = io.StringIO()
        fig.savefig(stream, format="svg")
    plt.close(fig)
    texts = [html.unescape(text) for text in re.findall("<text[^>]*>(.*?)</text>", stream.getvalue())]
    assert [texts.count(name) for name in ODD] == [4, *[3] * (len(ODD) - 1)]


def test_audio_links_work_from_a_nested_page(shown, tmp_path, monkeypatch):
    monkeypatch.setattr(myst, "project_dir", lambda: tmp_path)
    myst.static_file("audio/a b.mp3").write_bytes(b"x")
    myst.audio([("audio/a b.mp3", "A & B")])
    assert 'src="_static/audio/a b.mp3"' in shown[0]
    myst.set_page("corpora/tunes")
    myst.audio([(tmp_path / "book/_static/audio/a b.mp3", "A & B")])
    assert 'src="../_static/audio/a b.mp3"' in shown[1]
    assert "<figcaption>A &amp; B</figcaption>" in shown[1]


def test_equal_figures_have_equal_bytes_and_need_an_alt_text(monkeypatch):
    import IPython.display
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(IPython.display, "publish_display_data", lambda data, metadata: shown.append((data, metadata)))
    for kind in ("svg", "svg", "png", "png"):
        fig, ax = plt.subplots()
        ax.plot([1, 2, 3])
        myst.figure(fig, "C", "fig-x", "A line.", kind=kind)
    assert shown[0] == shown[1]
    assert shown[2] == shown[3]
    assert shown[0][1][myst.FIGURE]["image"]["alt"] == "A line."
    assert not plt.get_fignums()
    for alt, kind in (("", "svg"), ("x", "gif")):
        with pytest.raises(BnetError, match="fig-x"):
            myst.figure(plt.figure(), "C", "fig-x", alt, kind=kind)


def test_not_run_gives_the_command_and_provenance_its_facts(shown):
    myst.not_run("Nothing yet.", " bnet train x\n")
    myst.provenance({"runs": 12000})
    myst.provenance(["one", "two"])
    facts = ("```bash\nbnet train x\n```", "- **runs:** 12\u202f000", "- one\n- two")
    assert all(fact in said for fact, said in zip(facts, shown, strict=True))


def test_a_table_of_prose_is_a_table_of_cards(shown):
    frame = pd.DataFrame({"Question": ["which"], "Here": ["this"]})
    myst.table(frame, "c", "tab-x", cards=True)
    myst.table(frame, "c", "tab-x")
    assert ":name: tab-x\n:class: bnet-cards\n\n| Question | Here |" in shown[0]
    assert "bnet-cards" not in shown[1]
