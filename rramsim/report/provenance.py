"""What a result was made from: the same record in every file that holds one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rramsim.version import __version__

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Provenance:
    """What a result was made from, enough to make it again.

    Attributes
    ----------
    recipe : str
        The command line, or the text of the study file, that makes it again.
    options : mapping
        Every option or setting by name, None where it was left as it is; fit for JSON.
    sources : tuple of (str, str)
        Name and SHA-256 of everything that was read.
    origin : str
        Of the cells: "measured", "reconstructed", "synthetic", or "none" without readings.
    notes : tuple of str
        What a reader must know of the data.
    seed : int or None
        Of everything that was drawn; None where nothing was.
    version : str
        Of rramsim.
    command : str
        What a person types to make it again, with files by their names alone, as a page shows it;
        the recipe has their paths.
    settings : str
        The text of the study file that the command names, as a page shows it; empty where there
        is none.
    made : str
        When it was first made, in ISO 8601, or empty. It stands in no netCDF file: the same
        results have the same bytes, by which later steps know their inputs.
    """

    recipe: str
    options: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[tuple[str, str], ...] = ()
    origin: str = "none"
    notes: tuple[str, ...] = ()
    seed: int | None = None
    version: str = __version__
    command: str = ""
    settings: str = ""
    made: str = ""

    @property
    def made_in_words(self) -> str:
        """When it was first made, as a person reads it.

        >>> Provenance("", made="2026-11-27T09:04:05+00:00").made_in_words
        '27 November 2026, 09:04 UTC'
        """
        made = datetime.fromisoformat(self.made)
        # Not strftime, whose months are those of the user's language.
        return f"{made.day} {_MONTHS[made.month - 1]} {made.year}, {made:%H:%M} UTC"

    def attributes(self) -> dict[str, str | int]:
        """Return the record as attributes of a netCDF file: texts and numbers, lists as JSON.

        >>> sorted(Provenance("rramsim fit cells.csv").attributes())
        ['notes', 'options', 'origin', 'recipe', 'rramsim_version', 'sources']
        """
        attributes: dict[str, str | int] = {
            "rramsim_version": self.version,
            "recipe": self.recipe,
            "options": _json(self.options),
            "sources": _json(self.sources),
            "origin": self.origin,
            "notes": _json(self.notes),
        }
        return attributes if self.seed is None else {**attributes, "seed": self.seed}

    def json(self) -> str:
        """Return the record as the text of a JSON file, for tables that cannot hold it."""
        record = {
            "rramsim_version": self.version,
            "recipe": self.recipe,
            "options": self.options,
            "sources": [{"name": name, "sha256": digest} for name, digest in self.sources],
            "origin": self.origin,
            "notes": self.notes,
            "seed": self.seed,
            "made": self.made or None,
        }
        return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _json(value: Mapping[str, Any] | Iterable[Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
