"""Pages: from source to executed notebook, when they are stale, and what the gate refuses."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import minibook
import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from bnet.book import build, execution, freshness, gate, pages
from bnet.book.notebooks import notebook
from bnet.book.pages import Book, Page
from bnet.book.parameters import start_page
from bnet.errors import BnetError

ROOT = minibook.ROOT


@pytest.fixture
def sources(tmp_path) -> Book:
    """The miniature book, not executed."""
    return minibook.write_sources(tmp_path / "checkout")


@pytest.fixture
def mini(tmp_path) -> Book:
    """A copy of the miniature book, executed."""
    shutil.copytree(minibook.executed(), tmp_path / "checkout", symlinks=True)
    return minibook.at(tmp_path / "checkout")


class StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice, where the last one would silently win."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        if len(keys) != len(set(map(str, keys))):
            raise ValueError(f"duplicate keys: {sorted(map(str, keys))}")
        return super().construct_mapping(node, deep)


def load(name: str) -> dict:
    return yaml.load((ROOT / name).read_text(encoding="utf-8"), StrictLoader)


# --- this book


def test_configuration_has_no_duplicate_key_and_never_executes():
    assert load("_config.yml")["execute"]["execute_notebooks"] == "off"
    with pytest.raises(ValueError, match="duplicate"):
        yaml.load("execute: 1\nexecute: 2\n", StrictLoader)


def test_book_folder_sees_the_top_level_files():
    for name in ("_config.yml", "_toc.yml"):
        assert (ROOT / "book" / name).read_bytes() == (ROOT / name).read_bytes()


def test_every_page_of_the_contents_has_a_source():
    toc = load("_toc.yml")
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    names = [toc["root"], *(page["file"] for one in chapters for page in (one, *one.get("sections", ())))]
    rows = {page.name for page in pages.PAGES}
    prose = {name for name in names if (ROOT / "book" / f"{name}.md").exists()} | {"status"}
    assert set(names) == rows | (prose & set(names))
    assert not rows & prose
    assert "_" not in "".join(names)


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_every_page_of_this_book_converts(page):
    assert notebook(Book(ROOT, ROOT / "results"), page).cells[0].source.startswith("# ")


# --- from a row to a notebook


def test_conversion_gives_the_same_bytes_twice_and_unique_ids(sources):
    page = sources.page("corpora/one")
    first, second = (nbformat.writes(notebook(sources, page)) for _ in range(2))
    assert first == second
    ids = [cell["id"] for row in sources.pages for cell in notebook(sources, row).cells]
    assert len(ids) == len(set(ids))


def test_template_pages_have_titles_and_labels_of_their_own(sources):
    texts = [nbformat.writes(notebook(sources, sources.page(f"corpora/{name}"))) for name in ("one", "two")]
    for text, name, other in zip(texts, ("one", "two"), ("two", "one"), strict=True):
        assert f"# Corpus {name}" in text
        assert f"tab-corpora-{name}" in text
        assert f"tab-corpora-{other}" not in text


def test_resolved_parameters_become_the_defaults_and_comments_stay(sources):
    node = notebook(sources, sources.page("corpora/two"))
    cell = next(cell for cell in node.cells if "parameters" in cell.metadata.get("tags", []))
    assert cell.source == "corpus = 'two'  # whose page this is\nprofile = 'smoke'\nscale = 2.5"
    one = notebook(replace(sources, profile=None), sources.page("corpora/one")).metadata["bnet"]["parameters"]
    assert one == {"corpus": "one", "profile": "laptop", "scale": 1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("{{ corpus }}", "{{ corpsu }}"),
            "unknown placeholder in book/corpora/corpus.py: 'corpsu'.*did you mean 'corpus'",
        ),
        (("scale = 1.0", "scale = float('1')"), "parameters cell of book/corpora/corpus.py: expected only lines"),
        (("scale = 1.0", "print('x')"), "parameters cell of book/corpora/corpus.py: expected only lines"),
        (("scale = 1.0", ""), "unknown parameter of page 'corpora/two': 'scale'"),
    ],
)
def test_a_bad_source_is_refused_with_its_name(sources, change, message):
    path = sources.folder / "corpora" / "corpus.py"
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(BnetError, match=message):
        notebook(sources, sources.page("corpora/two"))


def test_the_command_that_runs_a_page_again_is_one_for_a_shell(sources):
    page = replace(sources.page("corpora/one"), parameters={"corpus": ""})
    made = notebook(replace(sources, profile="it's"), page).cells[-1].source
    command = next(line for line in made.splitlines() if line.startswith("papermill"))
    assert shlex.split(command)[3:] == ["-p", "corpus", "", "-p", "profile", "it's", "-p", "scale", "1.0"]


def test_a_missing_source_and_an_unknown_page_are_refused(sources):
    with pytest.raises(BnetError, match="cannot read the source of page 'x'"):
        notebook(sources, Page("x", "x.py"))
    with pytest.raises(BnetError, match=r"unknown page 'corpora/tow' .did you mean 'corpora/two'"):
        sources.page("corpora/tow")


def test_start_page_sees_names_that_papermill_injected(capsys):
    namespace = {"In": [], "Out": {}, "_i1": "", "open": open, "corpus": "two", "scale": 1.0}
    known = {"corpus": "one", "scale": 1.0}
    start_page(namespace, page="p", known=known)
    assert capsys.readouterr().out == "Note: corpus is 'two' here; page 'p' was written for 'one'.\n"
    with pytest.raises(BnetError, match=r"unknown parameter of page 'p': 'scael'.*did you mean 'scale'"):
        start_page({**namespace, "scael": 3}, page="p", known=known)


@pytest.mark.parametrize(
    ("default", "given", "value"),
    [
        *[(True, no, False) for no in ("false", "No", "0", 0)],
        *[(False, yes, True) for yes in (" Yes", "TRUE", "1", 1)],
        *[(1.0, 2, 2.0), (1, 2, 2), ("", "laptop", "laptop")],
    ],
)
def test_a_parameter_given_as_text_has_the_type_of_its_default(default, given, value):
    namespace = {"train": given}
    start_page(namespace, page="p", known={"train": default})
    assert (namespace["train"], type(namespace["train"])) == (value, type(value))


@pytest.mark.parametrize(
    ("default", "given"),
    [(False, "maybe"), (False, 2), (False, None), (1, "many"), (1, 1.5), (1, True), (1.0, "half"), ("", 3), ("", None)],
)
def test_a_parameter_of_another_type_is_refused_by_name(default, given):
    with pytest.raises(BnetError, match=r"parameter train of page 'p' is .*; expected .*, such as its default"):
        start_page({"train": given}, page="p", known={"train": default})


def test_papermill_refuses_a_parameter_that_a_converted_page_does_not_have(sources, monkeypatch):
    import papermill

    monkeypatch.setenv("BNET_RESULTS", str(sources.results))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(sources.root)
    node = notebook(sources, sources.page("corpora/one"))
    with pytest.raises(papermill.PapermillExecutionError, match=r"unknown parameter of page 'corpora/one': 'scael'"):
        papermill.execute_notebook(node, None, {"scael": 2}, progress_bar=False)


# --- execution


def executed(book: Book, name: str) -> nbformat.NotebookNode:
    return nbformat.read(book.notebook_path(book.page(name)), as_version=4)


def test_an_executed_page_says_how_it_was_made(mini):
    node = executed(mini, "corpora/two")
    made = node.metadata["bnet"]
    assert made["page"] == "corpora/two"
    assert made["parameters"] == {"corpus": "two", "profile": "smoke", "scale": 2.5}
    assert {"inputs", "commit", "machine", "started", "seconds"} <= set(made)
    shown = next(cell for cell in node.cells if "myst.table" in cell.source).outputs[0].data["text/markdown"]
    assert "| records | 1.000 | 190\u202f826.000 |" not in shown
    assert ":name: tab-corpora-two" in shown
    assert "| scale | 2.500 | – |" in shown


def test_each_figure_stands_alone_and_standard_error_goes_to_a_log(mini):
    node = executed(mini, "index")
    named = [cell for cell in node.cells if "mystnb" in cell.metadata]
    assert [cell.metadata["mystnb"]["figure"]["name"] for cell in named] == ["fig-index-line", "fig-index-dots"]
    assert [len(cell.outputs) for cell in named] == [1, 1]
    assert not [output for cell in node.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]
    assert "noise on standard error" in (mini.logs / "index.log").read_text()


def test_a_section_that_shows_nothing_is_left_out():
    silent, told = new_code_cell("x = 1"), new_code_cell("1", outputs=[new_output("display_data")])
    heads = map(new_markdown_cell, ("# Title", "## Told", "## Prose", "More text.", "## Silent\n\nText."))
    title, shown, prose, text, nothing = heads
    cells = [title, shown, told, prose, silent, text, nothing, silent]
    assert execution._told(cells) == [title, shown, told, prose, silent, text, silent]


def test_a_failing_page_leaves_the_old_one_and_names_cell_and_exception(mini):
    page = mini.page("corpora/one")
    before = mini.notebook_path(page).read_bytes()
    source = mini.folder / page.source
    source.write_text(source.read_text() + "\n# %%\nvalue = 1\nraise KeyError('lost')\n")
    with pytest.raises(BnetError) as caught:
        build.update(mini)
    said = str(caught.value)
    assert "page 'corpora/one' failed in cell 4 at 'raise KeyError('lost')': KeyError: 'lost'" in said
    assert "page 'corpora/two' failed" in said
    assert mini.notebook_path(page).read_bytes() == before
    log = mini.logs / "corpora-one.log"
    assert str(log) in said
    assert "Traceback" in log.read_text()
    states = {row["page"]: row["state"] for row in freshness.overview(mini)}
    assert states == {"index": "ok", "corpora/one": "stale", "corpora/two": "stale"}
    assert "| stale | source changed |" in (mini.folder / "status.md").read_text()


# --- staleness


SPEED = "benchmarks/results/speed.json"
CORPORA = {"corpora/one", "corpora/two"}


def _touch(book: Book, name: str, text: str) -> None:
    path = book.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("change", "reason", "stale"),
    [
        (lambda b: _touch(b, "book/index.py", minibook.INDEX + "# more\n"), "source changed", {"index"}),
        (lambda b: _touch(b, "results/one/run-a/run.json", "[]"), "one/run-a/run.json changed", {"corpora/one"}),
        (lambda b: _touch(b, "results/two/run-c/history.csv", "a"), "results/two changed", {"corpora/two"}),
        (lambda b: _touch(b, "results/three/run/run.json", "{}"), None, set()),
        (lambda b: _touch(b, "results/one/.run-x.tmp/run.json", "{}"), None, set()),
        (lambda b: _touch(b, "benchmarks/results/speed.json", "[]"), f"{SPEED} changed", {"corpora/two"}),
        (lambda b: (b.root / SPEED).unlink(), f"{SPEED} changed", {"corpora/two"}),
        (lambda b: _touch(b, "benchmarks/results/other.json", "{}"), None, set()),
        (
            lambda b: _touch(b, "code/module.py", "answer = 43"),
            "code/module.py changed",
            CORPORA,
        ),
        (lambda b: _touch(b, "code/other.py", "answer = 43"), "code changed", CORPORA),
        (lambda b: b.notebook_path(b.page("index")).unlink(), "missing", {"index"}),
        (lambda b: _touch(b, "book/index.ipynb", "{"), "damaged", {"index"}),
    ],
)
def test_a_page_is_stale_for_a_reason(mini, change, reason, stale):
    assert all(freshness.stale(mini, page) == "" for page in mini.pages)
    change(mini)
    reasons = {page.name: freshness.stale(mini, page) for page in mini.pages}
    assert {name for name, text in reasons.items() if text} == stale
    assert all(reason in reasons[name] for name in stale)


def test_a_page_whose_benchmark_comes_later_is_stale(mini):
    (mini.root / SPEED).unlink()
    assert build.update(mini) == ["corpora/two"]
    assert build.update(mini) == []
    _touch(mini, SPEED, "{}")
    assert freshness.stale(mini, mini.page("corpora/two")) == f"{SPEED} changed"


def test_what_changes_while_a_page_is_executed_makes_it_stale(mini):
    page = mini.page("corpora/one")
    (mini.folder / page.source).write_text(
        (mini.folder / page.source).read_text() + "\n# %%\npaths[0].write_text('[]')\n"
    )
    build.update(mini)
    assert freshness.stale(mini, page) == "results/one/run-a/run.json changed"


def test_a_page_depends_on_the_modules_that_it_imports(mini):
    reads = {page.name: executed(mini, page.name).metadata["bnet"]["inputs"] for page in mini.pages}
    assert {"bnet/book/myst.py", "bnet/paths.py"} <= set(reads["index"])
    assert "bnet/audit/measured.py" in reads["corpora/one"]
    assert not {"bnet/audit/measured.py", "bnet/book/build.py", "bnet/cli/__init__.py"} & set(reads["index"])


def test_another_profile_changes_the_pages_that_have_one(mini):
    other = replace(mini, profile="paper")
    assert [freshness.stale(other, page) for page in mini.pages] == ["", *["source changed"] * 2]


def test_update_executes_what_is_stale_and_nothing_else_and_two_executions_differ_in_times_only(mini):
    def text() -> str:
        node = executed(mini, "index")
        for name in ("started", "seconds"):
            node.metadata["bnet"].pop(name)
        return nbformat.writes(node)

    first = text()
    assert build.update(mini) == []
    assert build.update(mini, ["index"], force=True) == ["index"]
    assert text() == first
    assert "tab-status" in (mini.folder / "status.md").read_text()


# --- the gate


GOOD = '<h1 id="top">T</h1><a href="b.html#there">b</a><a href="#top">t</a><img src="i.svg" alt="a dog">'


@pytest.mark.parametrize(
    ("html", "finding"),
    [
        ('<a href="c.html">c</a>', "c.html leads nowhere"),
        ('<a href="b.html#here">b</a>', "b.html#here leads to no anchor"),
        ('<a href="#nowhere">x</a>', "#nowhere leads to no anchor"),
        ('<img src="lost.png" alt="a cat">', "lost.png leads nowhere"),
        ('<img srcset="i.svg 1x, lost.png 2x" src="i.svg" alt="a cat">', "lost.png leads nowhere"),
        ('<audio src="lost.mp3"></audio>', "lost.mp3 leads nowhere"),
        ('<audio><source src="lost.ogg"></audio>', "lost.ogg leads nowhere"),
        ('<script src="lost.js"></script>', "lost.js leads nowhere"),
        ('<link rel="stylesheet" href="lost.css">', "lost.css leads nowhere"),
        ('<img src="i.svg">', "image i.svg has no alt text"),
        ('<img src="i.svg" alt=" ">', "image i.svg has no alt text"),
        ('<img src="i.svg" alt="_images/abc.svg">', "has a file name as alt text"),
        ("<pre><b>Traceback</b> (most recent call last)</pre>", "shows a traceback"),
        ("<p>written to /tmp/ipykernel_12/34.py</p>", "names a path of this machine, /tmp/ipykernel_12/34.py"),
        ("<p>in @ROOT@/bnet</p>", "names a path of this machine"),
        ('<script src="https://example.org/x.js"></script>', "loads https://example.org/x.js from the network"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "loads //example.org/x.css from the network"),
        ('<img src="https://example.org/x.png" alt="x">', "loads https://example.org/x.png from the network"),
    ],
)
def test_gate_finds_a_defect_of_a_built_page(tmp_path, html, finding):
    site, root = tmp_path / "site", tmp_path / "checkout"
    site.mkdir()
    (site / "i.svg").write_text("<svg/>")
    (site / "b.html").write_text('<p id="there">b</p><a href="https://example.org/home/x">elsewhere</a>')
    (site / "a.html").write_text(GOOD)
    assert gate.check_html(site, root) == []
    (site / "a.html").write_text(GOOD + html.replace("@ROOT@", str(root)))
    found = gate.check_html(site, root)
    assert len(found) >= 1
    assert finding in "\n".join(found)


def test_gate_reads_style_sheets_and_refuses_an_empty_site(tmp_path):
    assert gate.check_html(tmp_path) == [f"no page in {tmp_path}"]
    (tmp_path / "a.html").write_text(GOOD.replace('<a href="b.html#there">b</a>', "").replace("i.svg", "x.css"))
    (tmp_path / "x.css").write_text("@import 'https://example.org/f.css'; a { background: url(//example.org/x.png) }")
    assert [line.split(" loads ")[1] for line in gate.check_html(tmp_path)] == [
        "https://example.org/f.css from the network",
        "//example.org/x.png from the network",
    ]


# --- the whole


def test_plain_jupyter_book_executes_missing_pages_and_passes_the_gate():
    html = minibook.built()
    assert (html / "corpora" / "two.html").is_file()
    assert gate.check_html(html, html.parents[2]) == []
    text = (html / "index.html").read_text()
    assert "<math" in text
    assert "mathjax.js" not in text.lower()
    assert "thebe" not in text.lower()
    assert (html / "_sources" / "index.ipynb").is_file()


def test_strict_build_lists_warnings_and_keeps_the_earlier_book(mini, monkeypatch):
    config = mini.root / "_config.yml"
    config.write_text(
        config.read_text().replace("      - bnet.book.sphinx_extension\n", "").replace("html_math_renderer: mathml", "")
    )
    earlier = mini.folder / "_build" / "html" / "index.html"
    earlier.parent.mkdir(parents=True, exist_ok=True)
    earlier.write_text("earlier")
    references = mini.folder / "references.md"
    twice = "\n::::{table} T\n:name: tab-corpora-one\n\n| a |\n| - |\n| b |\n::::\n"
    references.write_text(references.read_text() + "\n{numref}`tab-lost`\n" + twice)
    with pytest.raises(BnetError, match=r"(?s)jupyter-book refused the book.*jupyter-book\.log") as caught:
        build.build(mini)
    assert "tab-lost" in str(caught.value)
    assert "duplicate label tab-corpora-one" in str(caught.value)
    assert earlier.read_text() == "earlier"
    assert not list(earlier.parents[1].glob(".strict-*"))


def test_a_failing_page_stops_sphinx_with_one_message(mini):
    (mini.folder / "index.py").write_text(minibook.HEADER + "\n# %%\n1 / 0\n")
    done = minibook.jupyter_book(mini.root)
    assert done.returncode == 2
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_book_outside_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "project_dir", lambda: None)
    with pytest.raises(BnetError, match="go to your clone"):
        pages.this_book()
    assert Path(ROOT / "_toc.yml").is_file()
