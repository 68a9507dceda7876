"""The built book in Chromium: one PDF with all of it, and nothing that keeps somebody from reading."""

from __future__ import annotations

import minibook
import pytest

from bnet.book import printing
from bnet.errors import BnetError
from bnet.paths import sha256_file

needs_chromium = pytest.mark.skipif(
    printing.chromium() is None, reason="no Chromium here; Debian's package is chromium"
)


@needs_chromium
def test_the_pdf_has_every_page_table_and_figure(tmp_path):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    reader = pypdf.PdfReader(printing.pdf(minibook.built(), tmp_path / "book.pdf"))
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for said in (
        "A miniature book",
        "Corpus one",
        "Corpus two",
        "Facts of one.",
        "Facts of two.",
        "Some Body",
        "A table that is folded.",
    ):
        assert said in text
    assert text.index("Corpus one") < text.index("Corpus two") < text.index("Executed pages.")
    assert "From 0 to 1 (line)." in text
    assert "From 0 to 1 (dots)." in text
    assert "Source of this page" not in text
    assert "Show" not in text
    titles = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert [title.split("#")[0] for title in titles][:3] == ["A miniature book", "Corpus one", "Corpus two"]
    links = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    assert not [link for link in links if "127.0.0.1" in str(link.get("/A", {}).get("/URI", ""))]


@needs_chromium
def test_axe_finds_nothing_grave_and_sees_what_is_broken(tmp_path):
    axe = pytest.importorskip("axe", reason="axe-core is not installed")
    assert axe.grave(axe.check(minibook.built())) == []
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<html><title>t</title><body><img src='a.svg'><button></button></body></html>")
    found = axe.check(site)
    assert {"image-alt", "button-name", "html-has-lang"} <= {one.rule for one in axe.grave(found)}
    assert "index.html (1280 px, light): critical, image-alt" in "\n".join(map(str, found))


def test_without_book_or_chromium_it_says_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(BnetError, match=r"no built book in .*; build it first: bnet pages build"):
        printing.pdf(tmp_path, tmp_path / "book.pdf")
    (tmp_path / "index.html").write_text("<html></html>")
    monkeypatch.setattr(printing.shutil, "which", lambda name: None)
    with pytest.raises(BnetError, match=r"no Chromium on this machine .*install one"):
        printing.pdf(tmp_path, tmp_path / "book.pdf")
    assert not (tmp_path / "book.pdf").exists()


def test_two_builds_give_the_same_bytes(tmp_path):
    """Every file of the miniature book, built once more from the same executed pages."""
    built, again = minibook.built(), tmp_path / "_build" / "html"
    done = minibook.jupyter_book(built.parents[2], "-W", "-n", "--keep-going", "--all", "--path-output", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = [{p.relative_to(x).as_posix(): sha256_file(p) for p in x.rglob("*") if p.is_file()} for x in (built, again)]
    assert len(found[0]) > 50
    assert found[0] == found[1]


def test_prose_has_its_source_and_references_are_a_list():
    page = (minibook.built() / "references.html").read_text(encoding="utf-8")
    assert 'href="_sources/references.md"' in page
    assert 'role="listitem"' in page
    assert "doc-biblioentry" not in page


def test_cells_of_cards_name_their_columns():
    page = (minibook.built() / "corpora" / "one.html").read_text(encoding="utf-8")
    assert page.count('<span class="bnet-head">what</span>') == 2
    assert page.count('<span class="bnet-head">value</span>') == 2
