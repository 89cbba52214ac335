"""What a reader must know to judge a number, as data: what it is about, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Note:
    """One remark on the data or on a result.

    Attributes
    ----------
    text : str
        A sentence without its subject: ``str(note)`` puts that before it.
    kind : str
        What kind of remark it is, in a word or two, the same for all notes of the kind. What
        decides on a note looks at this and at `values`, never at the text.
    condition, state : str
        The programming condition and the state (``"LRS"``, ``"HRS"``) it is about; empty where
        it is about several.
    circumstance : str
        What of the condition it is about, such as ``"at 398 K"``; empty for all of it.
    file : str
        The file it is about; empty where it is about none.
    values : mapping of str to number or text
        The figures in the sentence, in SI units.

    Examples
    --------
    >>> note = Note("3 readings were dropped.", kind="dropped", condition="weak", state="HRS")
    >>> str(note)
    'weak/HRS: 3 readings were dropped.'
    """

    text: str
    kind: str = ""
    condition: str = ""
    state: str = ""
    circumstance: str = ""
    file: str = ""
    values: Mapping[str, float | int | str] = field(default_factory=dict, compare=False)

    @property
    def subject(self) -> str:
        """What the sentence is about: a file, a condition, a condition and its state, or empty."""
        condition = " ".join(filter(None, (self.condition, self.circumstance)))
        return self.file or (f"{condition}/{self.state}" if self.state else condition)

    def __str__(self) -> str:
        """Return the sentence with its subject."""
        return f"{self.subject}: {self.text}" if self.subject else self.text

    def about(self, *, condition: str = "", state: str = "", file: str = "") -> Note:
        """Return the note with a subject, where it has none of the kind yet."""
        return replace(
            self,
            condition=self.condition or condition,
            state=self.state or state,
            file=self.file or file,
        )
