"""A section of a report: what page, terminal, JSON, CSV and figures all show of one subject."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from rramsim.report.keys import Keys, answer
from rramsim.report.text_table import TextTable
from rramsim.schema import records

if TYPE_CHECKING:
    from rramsim.device.examination import Examination


@dataclass(frozen=True)
class Picture:
    """A figure of a report.

    Attributes
    ----------
    name : str
        Of its file, without suffix.
    plot : callable
        Draws it on the axes that it is given as `ax`, and returns them.
    label : str
        What it shows, for who cannot see it.
    caption : str
        What a reader must know to read it, or empty.
    """

    name: str
    plot: Callable[..., Any]
    label: str
    caption: str = ""


Part = TextTable | Picture | tuple[str, ...] | str
"""A part of a section: a table, a figure, sentences as a list, or one as a paragraph."""


def _has_content(part: Part | None) -> TypeGuard[Part]:
    return bool(part.rows) if isinstance(part, TextTable) else bool(part)


@dataclass(frozen=True)
class Section:
    """One subject of a report. All that shows a fit goes through the sections in their order.

    Attributes
    ----------
    product : str
        Schema of the dataset that it shows; without it there is no section.
    parts : callable
        Gives its parts in the order of the page; None stands for one there is nothing for.
    heading : str
        Of the page, with attributes of the dataset in braces.
    continues : bool
        Whether it belongs to the subject of the section before.
    interval : str
        What of it has intervals, where the dataset tells how those were made.
    answer : Keys or callable, optional
        Keys and values of its part of the JSON, which has the name of `product`, or what gives
        it where other products are in it.
    csv : callable, optional
        Gives the text of the file ``<product>.csv``.
    absent : str
        What a reader misses where there is no such dataset, and what would bring it.
    option : str
        The option that asks for it; without it, the columns of the readings decide.
    """

    product: str
    parts: Callable[[Examination], Sequence[Part | None]]
    heading: str = ""
    continues: bool = False
    interval: str = ""
    answer: Keys | Callable[[Examination], dict[str, Any]] | None = None
    csv: Callable[[Examination], str] | None = None
    absent: str = ""
    option: str = ""

    @property
    def id(self) -> str:
        """What a link to it on a page ends in: its heading, the same for all data.

        >>> Section("bake", lambda examination: [], "Bake: from {before} to {after}").id
        'bake-from-before-to-after'
        """
        return "-".join(re.findall(r"[a-z0-9]+", self.heading.lower()))

    def parts_of(self, examination: Examination) -> list[Part]:
        """Return the parts there are, no table without rows; none without the dataset."""
        if self.product not in examination.products:
            return []
        return [part for part in self.parts(examination) if _has_content(part)]

    def answer_of(self, examination: Examination) -> dict[str, Any] | None:
        """Return its part of the JSON, None without the dataset."""
        if self.product not in examination.products or self.answer is None:
            return None
        if callable(self.answer):
            return self.answer(examination)
        return answer(records(examination.products[self.product])[0], self.answer)

    def heading_of(self, examination: Examination) -> str:
        """Return the heading, with the attributes filled in."""
        return self.heading.format(**examination.products[self.product].attrs)
