"""The notebook for Kaggle and Colab, executed by papermill on a miniature copy in Kaggle's layout."""

from __future__ import annotations

from pathlib import Path

import minicorpora
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "book" / "tutorials" / "kaggle.py"


def test_the_notebook_trains_and_shows_its_table(tmp_path, monkeypatch):
    jupytext = pytest.importorskip("jupytext")
    papermill = pytest.importorskip("papermill")
    copy = minicorpora.make("gtzan", tmp_path / "made", per_class=10)
    mounted = tmp_path / "input" / "gtzan-dataset" / "Data" / "genres_original"
    mounted.parent.mkdir(parents=True)
    next(path for path in copy.root.rglob("blues")).parent.rename(mounted)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    node = papermill.execute_notebook(
        jupytext.reads(SOURCE.read_text(encoding="utf-8"), fmt="py:percent"),
        None,
        parameters={
            "repository": str(ROOT), "install": False, "corpora": str(tmp_path / "input"), "profile": "smoke",
            "variants": "bbnn", "folds": "0", "settings": "epochs=1 clip_seconds=1.5", "partial": True,
            "work": str(tmp_path / "work"),
        },
        progress_bar=False,
        cwd=str(tmp_path),
    )  # fmt: skip
    runs = sorted((tmp_path / "work" / "runs" / "gtzan").glob("*/run.json"))
    assert [path.parent.name.split("-")[0] for path in runs] == ["bbnn"]
    (shown,) = [output for output in node.cells[-1].outputs if output.output_type == "execute_result"]
    assert "yours, profile custom" in shown.data["text/plain"]
    text = "\n".join(output.get("text", "") for cell in node.cells for output in cell.get("outputs", []))
    assert f"GTZAN: {mounted}" in text


def test_it_says_that_it_was_not_run_there_and_every_parameter_is_explained():
    text = SOURCE.read_text(encoding="utf-8")
    assert "Not run on Kaggle's or Colab's machines" in text
    cell = text.split('tags=["parameters"]')[1].split("# %%")[0]
    lines = [line for line in cell.splitlines() if "=" in line]
    assert len(lines) == 10
    assert all("  # " in line for line in lines if not line.startswith("variants"))
