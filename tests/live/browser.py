"""Headless Chromium, driven by the DevTools protocol: what a page does on a screen of some width."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def found() -> str | None:
    """Return the path of a Chromium on `PATH`, or unpacked with the servers."""
    unpacked = Path(os.environ.get("ENVCONN_TEST_SERVERS", "")) / "chromium" / "usr" / "lib" / "chromium"
    own = unpacked / "chromium-headless-shell"
    return next((path for each in NAMES if (path := shutil.which(each))), str(own) if own.exists() else None)


_LIBRARIES = ("lib/*-linux-gnu*", "lib/*-linux-gnu*/pulseaudio")


class Seen(NamedTuple):
    """What a page did: the errors in its console, and by how many pixels it scrolls sideways."""

    errors: list[str]
    sideways: int


class Tab:
    """One page of the browser, which is pointed at one address after the other."""

    def __init__(self, wire: ClientConnection) -> None:
        """Open an empty page."""
        self._wire, self._number, self._session, self._errors = wire, 0, "", list[str]()
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def size(self, width: int, *, dark: bool = False) -> None:
        """Set the width of the window, and the colours that the reader prefers."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        preferred = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[preferred])

    def visit(self, address: str) -> Seen:
        """Open `address`, and return what it did until it was loaded."""
        self._errors.clear()
        self._call("Page.navigate", url=address)
        self._until("Page.loadEventFired")
        root = "document.documentElement"
        sideways = self._call("Runtime.evaluate", expression=f"{root}.scrollWidth - {root}.clientWidth")
        return Seen(list(self._errors), int(sideways["result"]["value"]))

    def picture(self) -> bytes:
        """Return a PNG of what is in the window."""
        import base64

        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        self._wire.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while (answer := self._read()).get("id") != self._number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def _until(self, event: str) -> None:
        while self._read().get("method") != event:
            pass

    def _read(self) -> dict[str, Any]:
        message = json.loads(self._wire.recv(timeout=30))
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self._errors.append(str(parameters["exceptionDetails"].get("exception", {}).get("description")))
        if message.get("method") == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self._errors.append(str(parameters["args"]))
        if message.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self._errors.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        return dict(message)


@contextmanager
def tab(program: str, profile: Path) -> Iterator[Tab]:
    """Start `program` with an empty `profile`, and end it afterwards."""
    above = [*Path(program).resolve().parents][2:4]  # usr, and the folder that it was unpacked into
    libraries = [path for each in above for name in _LIBRARIES for path in sorted(each.glob(name))]
    # As root, and in most containers, its sandbox cannot be made; it reads pages of ours only.
    words = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    words += ["--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    own = {"LD_LIBRARY_PATH": ":".join(map(str, libraries)), "XDG_DATA_HOME": str(above[0] / "share")}
    with subprocess.Popen(
        words, env={**os.environ, **own}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = iter(process.stderr or ())
            address = next(line.split()[-1] for line in lines if line.startswith("DevTools listening on"))
            with connect(address, max_size=None, proxy=None) as wire:
                yield Tab(wire)
        finally:
            process.kill()
