"""The finding in one figure and a few sentences: what they say is what the records say, and README has them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from synthetic import write_record

from bnet.audit import contrasts, finding
from bnet.audit.evidence import Evidence
from bnet.errors import BnetError

ROOT = Path(__file__).resolve().parents[1]
GTZAN = contrasts.CONTRASTS[0]


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Made up: two networks and an SVM on random and on fault-filtered splits of GTZAN's pictures."""
    folder = tmp_path_factory.mktemp("results")
    for name, shares in {"bbnn": (0.8, 0.6), "proposed": (0.8, 0.6), "svm-timbre": (0.7, 0.5)}.items():
        for fold in range(5):
            write_record(folder, "gtzan-images", name, fold, right=shares[0])
        for fold in range(3):
            write_record(folder, "gtzan-images", name, fold, right=shares[1], protocol="official")
    write_record(folder, "gtzan-images", "bbnn", 0, profile="paper")
    return folder


def test_readme_says_what_the_committed_records_say():
    if not any((ROOT / "results").glob("*/*")):
        pytest.skip("no records are committed")
    said = finding.readme(ROOT / "README.md", Evidence(ROOT / "results"))
    assert said == (ROOT / "README.md").read_text(encoding="utf-8"), "the records changed; run `bnet pages finding`"


def test_a_contrast_is_of_one_profile_and_its_numbers_are_the_records(results):
    evidence = Evidence(results)
    one, other = contrasts.reports(evidence, GTZAN)
    assert (one.profile, one.protocol, other.protocol) == ("laptop", "holdout", "official")
    table = contrasts.table(evidence, GTZAN).set_index("variant")
    for side, report in (("one", one), ("other", other)):
        shares = report.summary.set_index("variant")["accuracy"]
        assert table[side].to_dict() == pytest.approx((100 * shares).to_dict())
    said = finding.sentences(evidence)
    found = one.comparison("bbnn", "proposed")
    assert said.startswith(
        "**Is the proposed network better than BBNN?** Not shown: on random splits of GTZAN (pictures) "
        f"{100 * found.difference:+.1f} points of test accuracy (95 % interval {100 * found.low:+.1f} to "
        f"{100 * found.high:+.1f}; the paper +1.0); Extended Ballroom, HOMBURG, FMA-small: not run. Trainings are "
        "shorter than the paper's. 'Pictures' are"
    )
    assert finding.verdict(found) == "not shown"
    assert f"BBNN from {table.loc['bbnn', 'one']:.0f} to {table.loc['bbnn', 'other']:.0f}\u00a0%" in said
    assert "Not measured yet: no network has been evaluated" in said
    assert f"BBNN {table.loc['bbnn', 'one']:.1f}\u00a0%" in finding.description(evidence)


def test_the_figure_has_a_panel_per_question_with_records(results):
    fig = finding.figure(Evidence(results))
    gaps, ax = fig.axes
    assert [tick.get_text() for tick in gaps.get_yticklabels()] == ["GTZAN (pictures)"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        contrasts.METHODS[name] for name in ("bbnn", "proposed", "svm-timbre")
    ]
    plt.close(fig)
    bare, ax = plt.subplots()
    assert contrasts.draw(Evidence(results), GTZAN, ax=ax) is ax
    plt.close(bare)


def test_songs_from_outside_are_counted_from_their_records(results, tmp_path):
    songs = next((ROOT / "results" / "outside").glob("emotify-*.json"), None)
    if songs is None:
        pytest.skip("no record of songs from outside is committed")
    shutil.copytree(songs.parent, tmp_path / "outside")
    heard = finding.outside(tmp_path)[0]
    told = finding.answers(Evidence(tmp_path))[2].text
    right = sum(heard.named[i] == "classical" for i in heard.table.loc[heard.table.label == "classical", "track_id"])
    assert f"{right} of {(heard.table.label == 'classical').sum()} classical" in told
    plt.close(finding.figure(Evidence(tmp_path)))


def test_every_answer_is_on_a_page_of_the_book(results):
    answers = finding.answers(Evidence(results))
    assert [answer.page for answer in answers] == ["table-2", "table-2", "outside"]
    assert all((ROOT / "book" / f"{answer.page}.py").is_file() for answer in answers)


def test_without_records_nothing_is_said_and_nothing_drawn(tmp_path):
    assert finding.sentences(Evidence(tmp_path)) == ""
    with pytest.raises(BnetError, match="no records to draw"):
        finding.figure(Evidence(tmp_path))


def test_writing_changes_nothing_but_what_is_between_the_marks(results, tmp_path):
    (tmp_path / "README.md").write_text("before\n<!-- finding -->\nold\n<!-- /finding -->\nafter\n")
    assert [path.name for path in finding.write(tmp_path, results)] == ["README.md", "finding.svg"]
    text = (tmp_path / "README.md").read_text()
    assert re.fullmatch(r"before\n<!-- finding -->\n!\[.*\n<!-- /finding -->\nafter\n", text, re.DOTALL)
    assert finding.write(tmp_path, results) == []
    (tmp_path / "README.md").write_text("no place\n")
    with pytest.raises(BnetError, match=r"README\.md has no place for the finding"):
        finding.write(tmp_path, results)
