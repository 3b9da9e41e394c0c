"""A page in headless Chromium, driven through its debugging protocol; tests that need it skip where it is missing."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=700,1000", "--remote-debugging-port=0",
)  # fmt: skip
START_S = 60.0


class Page:
    """An open page."""

    def __init__(self, socket: Any):
        self._socket, self._ids, self.events = socket, itertools.count(1), []

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=START_S))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript; promises are awaited."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str, seconds: float = START_S) -> Any:
        """Wait until an expression is true; return its value."""
        end = time.monotonic() + seconds
        while not (found := self.evaluate(expression)):
            assert time.monotonic() < end, f"{expression} stayed {found!r}; {self.evaluate('document.body?.innerText')}"
            time.sleep(0.05)
        return found

    def picture(self, path: Path) -> None:
        """Save what the window shows."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def opened(address: str, folder: Path) -> Iterator[Page]:
    """Open a page; `folder` holds the profile of the browser."""
    process = subprocess.Popen(
        [CHROMIUM, *QUIET, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        said, end = folder / "DevToolsActivePort", time.monotonic() + START_S
        while not (said.exists() and len(lines := said.read_text().split()) == 2):
            assert process.poll() is None and time.monotonic() < end, "Chromium did not start"
            time.sleep(0.05)
        port = lines[0]
        with connect(f"ws://127.0.0.1:{port}{lines[1]}", max_size=None) as whole:
            target = Page(whole).ask("Target.createTarget", url="about:blank")["targetId"]
            with connect(f"ws://127.0.0.1:{port}/devtools/page/{target}", max_size=None) as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Network"):
                    page.ask(f"{domain}.enable")
                page.ask("Page.navigate", url=address)
                yield page
    finally:
        process.terminate()
        process.wait(30)
