"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Device(StrEnum):
    """What chips are scored on."""

    CPU = "cpu"
    CUDA = "cuda"


DeviceOption = Annotated[
    Device,
    typer.Option(
        help="What scores chips: all cores with packed bits (cpu), or a graphics processor with "
        "torch (cuda). The results are the same."
    ),
]
