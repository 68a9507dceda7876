"""The page 'Listen' without a mouse, without eyes, on a small screen: axe-core in its states, the keyboard alone."""

from __future__ import annotations

import io
import time

import pytest
import soundfile
from listening import served, tune

from benchmarks.visit import PATIENCE, wait, write_sound
from bnet.corpora import SR

axe = pytest.importorskip("axe", reason="axe-core is not installed")
ALL_SAID = "[...bnetListen.cards.values()].some(card => card.patches)"


def hear(page) -> None:
    stream = io.BytesIO()
    soundfile.write(stream, tune()[: 3 * SR], SR, format="WAV")
    page.set_input_files(
        "[data-part=file]", {"name": "short.wav", "mimeType": "audio/wav", "buffer": stream.getvalue()}
    )
    wait(page, "bnetListen.state.done")


def explained(page) -> None:
    hear(page)
    page.click("article:nth-of-type(1) button")
    wait(page, ALL_SAID)


def refused(page) -> None:
    page.set_input_files("[data-part=file]", {"name": "text.mp3", "mimeType": "audio/mpeg", "buffer": b"no sound"})
    wait(page, "!document.querySelector('[data-part=error]').hidden")


STATES = {"untouched": lambda page: None, "heard and explained": explained, "refused": refused}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("width", "scheme"), axe.LOOKS)
def test_axe_finds_nothing_serious(browser, width, scheme, state):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(served() + "index.html")
    STATES[state](page)
    page.evaluate(axe.SCRIPT)
    found = page.evaluate(axe.RUN)["violations"]
    grave = [(rule["id"], node["html"]) for rule in found for node in rule["nodes"] if rule["impact"] != "minor"]
    assert grave == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


FOCUSED = """(() => {
    const one = document.activeElement, look = getComputedStyle(one.type == "file" ? one.parentElement : one);
    return [one.dataset.id || one.dataset.part || one.value || one.tagName, look.outlineStyle, look.outlineWidth];
})()"""


def test_all_is_reached_by_tab_in_the_order_of_the_page_and_the_focus_is_seen(browser):
    page = browser.new_page()
    page.goto(served() + "index.html")
    order = []
    for _ in range(16):
        page.keyboard.press("Tab")
        name, style, width = page.evaluate(FOCUSED)
        order.append(name)
        assert (style, width) == ("solid", "3px")
    assert order == ["file", "record", *(f"clip-{k}" for k in range(1, 13)), "proposed", "bbnn"]
    page.close()


def test_the_keyboard_alone_is_enough(browser, tmp_path):
    """Choose a clip, untick a network, ask what it heard, and choose a file: by Enter and Space."""
    page, asked = browser.new_page(), []
    page.on("filechooser", lambda one: asked.append(one))  # from the start: told late, Chromium asks no one
    page.goto(served() + "index.html")
    for _ in range(3):  # past the reader's own file and the microphone
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    wait(page, "bnetListen.state.done && bnetListen.state.name == 'Clip 1'")
    page.focus("input[value=bbnn]")
    page.evaluate("bnetListen.state.done = false")
    page.keyboard.press("Space")
    wait(page, "bnetListen.state.done && bnetListen.cards.size == 1")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "What did it hear?":
            break
    page.keyboard.press("Enter")
    wait(page, ALL_SAID)
    wait(page, "bnetListen.state.done && !document.querySelector('article button').disabled")
    assert page.evaluate("document.activeElement.textContent") == "What did it hear?"
    page.focus("[data-part=file]")
    assert page.evaluate("document.activeElement.dataset.part") == "file"
    page.keyboard.press("Enter")
    until = time.monotonic() + PATIENCE
    while not asked and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert len(asked) == 1
    asked[0].set_files(write_sound(tmp_path / "tune.wav", tune(), SR, "wav"))
    wait(page, "bnetListen.state.done && bnetListen.state.name == 'tune.wav'")
    page.close()


def test_what_is_said_aloud_is_the_beginning_and_the_result(browser):
    """A live region that told of every window would talk all the time: those move a progress bar."""
    page = browser.new_page()
    page.goto(served() + "index.html")
    page.evaluate("""(() => {
        window.spoken = [];
        const status = document.querySelector("[role=status]");
        new MutationObserver(() => spoken.push(status.textContent)).observe(status, {childList: true});
    })()""")
    page.click("[data-id=clip-3]")
    wait(page, "bnetListen.state.done")
    spoken = page.evaluate("spoken")
    assert len(spoken) == 3
    assert spoken[0].startswith("Decoding Clip 3")
    assert spoken[1] == "Listening to Clip 3 …"
    assert "on average" in spoken[2]
    assert "true class" in spoken[2]
    for region in ("[role=status]", "[role=alert]"):
        assert page.locator(region).count() == 1
    names = page.evaluate("[...document.querySelectorAll('canvas, audio')].map(one => one.getAttribute('aria-label'))")
    assert all(names)
    page.close()


def test_with_reduced_motion_nothing_slides(browser):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(served() + "index.html")
    hear(page)
    assert page.evaluate("getComputedStyle(document.querySelector('.bl-bar span')).transitionDuration") == "0s"
    context.close()
