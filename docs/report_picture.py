"""Draws report.png, the picture of a report: ``python docs/report_picture.py RESULTS/report.html``.

It shows two parts of the page, the answer and the table of conditions and protections, in the
browser that the tests use. Draw it again where the report of ``rramsim tradeoff`` looks different.
"""

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser import Browser  # noqa: E402  (it lies beside the tests)

# Each from the top of one element to the end of another.
PARTS = (("#answer", "#answer"), ("#points", "#points + .scroll"))
WIDTH, MARGIN, COLOURS = 860, 14, 64


def picture_of(report: Path) -> Image.Image:
    """Return the parts of a report, one below the other."""
    with tempfile.TemporaryDirectory() as folder, Browser(folder) as browser:
        browser.screen(WIDTH)
        browser.open(report)
        parts = [_part(browser, *ends) for ends in PARTS]
    height = sum(part.height for part in parts) + MARGIN * (len(parts) + 1)
    picture, top = Image.new("RGB", (WIDTH, height), "white"), MARGIN
    for part in parts:
        picture.paste(part, (0, top))
        top += part.height + MARGIN
    return picture.quantize(COLOURS)


def _part(browser: Browser, first: str, last: str) -> Image.Image:
    script = (
        "const [first, last] = [...arguments].map(one => document.querySelector(one)"
        ".getBoundingClientRect()); return [first.top + scrollY, last.bottom - first.top]"
    )
    top, height = browser.run(script, first, last)
    clip = {"x": 0, "y": top, "width": WIDTH, "height": height, "scale": 1}
    asked = {"format": "png", "captureBeyondViewport": True, "clip": clip}
    shown = browser.tell("Page.captureScreenshot", asked)["data"]
    return Image.open(io.BytesIO(base64.b64decode(shown))).convert("RGB")


if __name__ == "__main__":
    picture_of(Path(sys.argv[1])).save(HERE / "report.png", optimize=True)
