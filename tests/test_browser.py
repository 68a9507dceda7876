"""The built book as a browser shows it: Debian's Chromium, without a network, at desktop and phone width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import minibook
import pytest

from bnet.book.gate import pages_of
from bnet.book.printing import serving

SITES = {"miniature": minibook.built, "book": lambda: minibook.ROOT / "book" / "_build" / "html"}
LOOKS = [minibook.ROOT / "_config.yml", minibook.ROOT / "_toc.yml", *(minibook.ROOT / "book/_static").glob("*.css")]
BROKEN_IMAGES = (
    "Array.from(document.images).filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.currentSrc || i.src)"
)
LOAD_IMAGES = """async () => {
  for (const i of document.images) { i.loading = 'eager'; }
  await Promise.allSettled(Array.from(document.images).map(i => i.decode()));
}"""
LOAD_AUDIO = """async () => {
  const failed = [];
  // the player of 'Listen' is empty until a sound is chosen; test_listen.py looks after it
  for (const a of document.querySelectorAll('audio:not([data-part=player])')) {
    const loaded = await new Promise(done => {
      a.onloadedmetadata = () => done(a.duration > 0);
      a.onerror = () => done(false);
      setTimeout(() => done(false), 5000);
      a.preload = 'metadata';
      a.load();
    });
    if (!loaded) { failed.push(a.src); }
  }
  return failed;
}"""
WIDER_THAN_THE_SCREEN = """Array.from(document.querySelectorAll('.bd-article *')).filter(e => {
  if (e.closest('.pst-scrollable-table-container, pre, math, div.cell_output figure')) { return false; }
  const box = e.getBoundingClientRect();
  return box.width > 0 && box.right > document.documentElement.clientWidth + 1;
}).slice(0, 5).map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module", params=sorted(SITES))
def site(request) -> Iterator[tuple[str, Path]]:
    """The address and folder of a book served on this machine."""
    folder = SITES[request.param]()
    if not (folder / "index.html").is_file():
        pytest.skip("the book is not built; `make book` builds it")
    if any(path.stat().st_mtime > (folder / "index.html").stat().st_mtime for path in LOOKS):
        pytest.skip("the built book is older than its looks; `make book` builds it anew")
    with serving(folder) as address:
        yield address, folder


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_works_without_a_network(browser, site, width, scheme):
    """No message on the console, nothing broken, nothing asked of another host, nothing wider than the screen."""
    address, folder = site
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    problems: list[str] = []

    def only_here(route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1" or route.request.url.startswith(("data:", "blob:")):
            route.continue_()
        else:
            problems.append(f"asks for {route.request.url}")
            route.abort()

    context.route("**/*", only_here)
    page = context.new_page()
    page.on("console", lambda said: said.type in ("error", "warning") and problems.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on("response", lambda got: got.status >= 400 and problems.append(f"{got.status} for {got.url}"))
    for path in pages_of(folder):
        name = path.relative_to(folder).as_posix()
        before = len(problems)
        page.goto(address + name, wait_until="load")
        page.evaluate(LOAD_IMAGES)
        problems += [f"broken image {source}" for source in page.evaluate(BROKEN_IMAGES)]
        problems += [f"sound that does not load {source}" for source in page.evaluate(LOAD_AUDIO)]
        problems += [f"wider than the screen: {html}" for html in page.evaluate(WIDER_THAN_THE_SCREEN)]
        scroll, screen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        if scroll > screen:
            problems.append(f"{scroll} px wide on a screen of {screen} px")
        if page.evaluate("document.documentElement.dataset.theme") != scheme:
            problems.append(f"does not follow the system's {scheme} mode")
        problems[before:] = [f"{name}: {problem}" for problem in problems[before:]]
    context.close()
    assert not problems, "\n" + "\n".join(problems)


def test_every_link_of_the_contents_opens_its_page(browser, site):
    address, _ = site
    page = browser.new_page()
    page.goto(address + "index.html")
    links = page.eval_on_selector_all(".bd-sidebar-primary a.reference.internal", "all => all.map(a => a.href)")
    assert len(links) >= 4
    for link in dict.fromkeys(links):
        answer = page.request.get(link)
        assert answer.ok, link
    page.close()


def test_the_menu_opens_on_a_phone(browser, site):
    address, _ = site
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(address + "index.html")
    link = page.locator(".bd-links a.reference.internal").first
    assert not link.is_visible() or link.bounding_box()["x"] < 0
    page.click(".primary-toggle >> visible=true")
    page.wait_for_function("document.querySelector('#pst-primary-sidebar-modal').open", timeout=10_000)
    page.close()


def test_search_finds_a_page(browser, site):
    address, _ = site
    page = browser.new_page()
    page.goto(address + "search.html?q=papermill")
    page.wait_for_selector("#search-results li")
    assert page.locator("#search-results li").count() >= 1
    page.close()
