"""How a study says how far it is."""

from __future__ import annotations

from typing import Protocol


class OnProgress(Protocol):
    """What is told how far a command is."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Take the name of the stage, the steps done and in all, and what is known so far."""
        ...


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """Take progress and show nothing of it."""
