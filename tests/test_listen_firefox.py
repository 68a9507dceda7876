"""The page 'Listen' in Firefox, where it is installed: the numbers of Python, and from a folder without any server."""

from __future__ import annotations

import pytest
from listening import check, folder, models, served, tune

from bnet.book import firefox
from bnet.deploy.web import visit


@pytest.fixture(scope="module")
def page():
    if firefox.find() is None:
        pytest.skip("no Firefox here; Debian's package is called firefox-esr")
    pytest.importorskip("tornado", reason="tornado is not installed")
    with firefox.browsing() as page:
        page.goto(served() + "index.html")
        yield page


@pytest.mark.parametrize("rate", visit.RATES)
@pytest.mark.parametrize("kind", ["16-bit.wav", "flac", "mp3", "ogg"])
def test_firefox_and_python_say_the_same(page, tmp_path, kind, rate):
    """But for the last frame of an MP3: Firefox cuts 0.02 s more off the end of some than libsndfile."""
    path = visit.write_sound(tmp_path / f"tune.{kind}", tune(), rate, kind)
    found = visit.difference(page, path, kind, models())
    print(f"\n{visit.line(found, 'Firefox')}", end="")
    check(found)
    assert kind == "mp3" or found.last < 1


def test_without_a_server(page):
    page.goto((folder() / "index.html").as_uri())
    page.evaluate("document.querySelector('[data-id=clip-2]').click()")
    visit.wait(page, "bnetListen.state.done || !document.querySelector('[data-part=error]').hidden")
    assert page.evaluate("document.querySelector('[data-part=error]').hidden")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
