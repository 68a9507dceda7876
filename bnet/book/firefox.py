"""Firefox, as far as a check of a page needs it: over WebDriver BiDi, which it speaks without any driver.

with firefox.browsing() as page:
    page.goto("http://127.0.0.1:8000/listen.html")
    page.set_input_files("input[type=file]", path)
    print(page.evaluate("document.title"))
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bnet.errors import BnetError

NAMES = ("firefox-esr", "firefox")
PATIENCE = 60.0
"""Seconds within which Firefox has to start, and to answer."""

_PREFERENCES = {
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "media.navigator.streams.fake": True,
}


def find() -> str | None:
    """The program of Firefox on this machine, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """The one page of a Firefox; its methods are named and work as those of the same name of a page of Playwright."""

    def __init__(self, socket: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._socket, self._loop, self._number = socket, loop, 0
        self._ask("session.new", {"capabilities": {}})
        self._context = self._ask("browsingContext.getTree", {})["contexts"][0]["context"]

    def goto(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self._ask("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, by way of JSON."""
        value = self._script(f"(async () => JSON.stringify(await ({expression})))()")
        return json.loads(value["value"]) if value["type"] == "string" else None

    def set_input_files(self, selector: str, path: Path) -> None:
        """Choose a file in the field that `selector` finds."""
        found = self._script(f"document.querySelector({json.dumps(selector)})")
        files = {"context": self._context, "element": {"sharedId": found["sharedId"]}, "files": [str(path.absolute())]}
        self._ask("input.setFiles", files)

    def set_viewport_size(self, size: dict[str, int]) -> None:
        """Make the page ``width`` by ``height`` px."""
        self._ask("browsingContext.setViewport", {"context": self._context, "viewport": size})

    def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page as PNG."""
        answer = self._ask("browsingContext.captureScreenshot", {"context": self._context, "origin": "document"})
        path.write_bytes(base64.b64decode(answer["data"]))

    def _script(self, expression: str) -> dict[str, Any]:
        answer = self._ask(
            "script.evaluate",
            {"expression": expression, "target": {"context": self._context}, "awaitPromise": True},
        )
        if answer["type"] == "exception":
            raise BnetError(f"the page in Firefox: {answer['exceptionDetails']['text']}")
        return answer["result"]

    def _ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            self._number += 1
            await self._socket.write_message(json.dumps({"id": self._number, "method": method, "params": parameters}))
            while True:
                message = await self._socket.read_message()
                if message is None:
                    raise BnetError("Firefox has gone; start it again")
                answer = json.loads(message)
                if answer.get("id") == self._number:
                    return answer

        try:
            answer = asyncio.run_coroutine_threadsafe(ask(), self._loop).result(PATIENCE)
        except TimeoutError as error:
            raise BnetError(f"Firefox has not answered {method} within {PATIENCE:.0f} s") from error
        if answer["type"] != "success":
            raise BnetError(f"Firefox refuses {method}: {answer.get('message')}")
        return answer["result"]


@contextlib.contextmanager
def browsing() -> Iterator[Page]:
    """A headless Firefox with a profile of its own, closed at the end.

    Raises
    ------
    BnetError
        If there is no Firefox, tornado is not installed, or Firefox does not start.
    """
    program = find()
    if program is None:
        raise BnetError(f"no Firefox on this machine (looked for {', '.join(NAMES)}); Debian's is called firefox-esr")
    try:
        from tornado.websocket import websocket_connect
    except ImportError as error:
        raise BnetError(f"tornado is not installed ({error}); pip install -r requirements.txt") from error

    async def connected() -> Any:
        address = await _address(said, running)
        return await websocket_connect(f"{address}/session", max_message_size=1 << 28)

    with tempfile.TemporaryDirectory(prefix="bnet-firefox-", ignore_cleanup_errors=True) as home:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _PREFERENCES.items()]
        Path(home, "user.js").write_text("".join(lines), encoding="utf-8")
        command = [program, "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", home]
        said = Path(home, "said")
        with open(said, "w", encoding="utf-8") as file:
            running = subprocess.Popen(command, stdout=file, stderr=file)
            loop = asyncio.new_event_loop()  # in a thread, for Playwright has one in this
            threading.Thread(target=loop.run_forever, daemon=True).start()
            try:
                yield Page(asyncio.run_coroutine_threadsafe(connected(), loop).result(2 * PATIENCE), loop)
            finally:
                running.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(20)
                running.kill()
                loop.call_soon_threadsafe(loop.stop)


async def _address(said: Path, running: subprocess.Popen) -> str:
    for _ in range(int(PATIENCE * 10)):
        found = re.search(r"ws://[\w.:\[\]]+", said.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[0]
        if running.poll() is not None:
            break
        await asyncio.sleep(0.1)
    raise BnetError(f"Firefox did not start within {PATIENCE:.0f} s: {said.read_text(errors='replace')[-300:]}")
