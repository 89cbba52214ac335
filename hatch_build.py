"""What a package index shows: the README, with links that lead to the repository."""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

# ](docs/page.md) and src="docs/picture.png", but neither an address nor a heading of the page.
_RELATIVE = re.compile(r'(\]\(|src=")(?!https?:|mailto:|#)([^)\s"]+)')
_PICTURES = (".png", ".svg")


class ReadmeHook(MetadataHookInterface):
    """Gives the metadata a README that can be read away from the repository."""

    def update(self, metadata: dict) -> None:
        """Set the README, with absolute links."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        source = metadata["urls"]["Source"]
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": _RELATIVE.sub(lambda link: link[1] + _absolute(source, link[2]), readme),
        }


def _absolute(source: str, path: str) -> str:
    kind = "raw" if path.endswith(_PICTURES) else "blob"
    return f"{source}/{kind}/HEAD/{path}"
