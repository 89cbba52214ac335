"""Chromium without a window, driven by the protocol that it speaks itself: no package is needed."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
SECONDS_TO_START = 30


def missing():
    """Return the programs that are not on this machine."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


class Browser:
    """A browser for `with`: opens files, runs lines of script, pretends to be another screen."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.log = (self.folder / "chromedriver.log").open("w+")
        command = [shutil.which("chromedriver"), "--port=0"]
        self.driver = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        self.session = ""

    def __enter__(self):
        try:
            self.address = f"http://127.0.0.1:{self._port()}/session"
            options = {
                "binary": shutil.which("chromium"),
                "args": [*FLAGS, f"--user-data-dir={self.folder / 'profile'}"],
            }
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            asked = {"capabilities": {"alwaysMatch": wanted}}
            self.session = f"/{self._ask('', asked)['sessionId']}"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.session:
            self._ask("", method="DELETE")
        self.driver.terminate()
        self.driver.wait()
        self.log.close()

    def open(self, path):
        """Open a file, and wait until all of it is read.

        On a busy machine the driver was seen to answer while the end of a page was not there yet.
        """
        self._ask("/url", {"url": Path(path).resolve().as_uri()})
        loaded = (
            "const done = arguments[0]; if (document.readyState === 'complete') done(); "
            "else addEventListener('load', () => done());"
        )
        self._ask("/execute/async", {"script": loaded, "args": []})

    def run(self, script, *arguments):
        """Return what lines of script return."""
        return self._ask("/execute/sync", {"script": script, "args": list(arguments)})

    def settle(self):
        """Wait until what was scrolled is drawn, and pages have been told so."""
        twice = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"
        self._ask("/execute/async", {"script": twice, "args": []})

    def messages(self):
        """Return what was written to the console since the last question."""
        return [entry["message"] for entry in self._ask("/se/log", {"type": "browser"})]

    def screen(self, width, *, height=900, dark=False, medium="", phone=False):
        """Show pages as a screen of this width does, light or dark, or as a print."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.tell("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", {"media": medium, "features": [scheme]})

    def tell(self, command, values):
        """Send a command of the DevTools protocol, and return its answer."""
        return self._ask("/goog/cdp/execute", {"cmd": command, "params": values})

    def point(self, x, y, *, touch=False):
        """Move a mouse, or put a finger, to a place of the window."""
        kind = "touch" if touch else "mouse"
        moves = [{"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}]
        if touch:
            moves += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        pointer = {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}}
        self._ask("/actions", {"actions": [{**pointer, "actions": moves}]})

    def press(self, key):
        """Press and release a key, on what has the focus."""
        strokes = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self._ask("/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})

    def _port(self):
        ends = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < ends:
            for line in Path(self.log.name).read_text().splitlines():
                if "started successfully on port" in line:
                    return int(line.rstrip(".").split()[-1])
            time.sleep(0.05)
        raise RuntimeError("chromedriver does not start")

    def _ask(self, path, body=None, method="POST"):
        data = None if method == "DELETE" else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{self.session}{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_TO_START) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from error
