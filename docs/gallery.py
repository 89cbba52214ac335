"""The gallery: its page has the lines that draw each figure, and these lines draw it."""

import re
from pathlib import Path

PAGE = Path(__file__).with_name("gallery.md")
_BLOCK = re.compile(r"```python\n(.*?)```(?:\s*!\[[^\]]*\]\((?P<file>[^)]+)\))?", re.DOTALL)


def draw(folder: Path) -> list[Path]:
    """Run the blocks of the page in the working directory, and write their figures.

    Parameters
    ----------
    folder : Path
        Where the paths of the page begin.

    Returns
    -------
    list of Path
        The figures, in the order of the page.
    """
    from matplotlib import pyplot

    names: dict[str, object] = {}
    written = []
    for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        exec(compile(block[1], str(PAGE), "exec"), names)
        if block["file"]:
            file = folder / block["file"]
            file.parent.mkdir(exist_ok=True)
            pyplot.gcf().savefig(file, bbox_inches="tight")
            written.append(file)
        pyplot.close("all")
    return written
