"""Every table of a fit, in the order in which it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rramsim.device.examination import Examination

from rramsim.report.fit.tables import (
    conditions_table,
    pairs_table,
    populations_table,
    read_energy_table,
    targets_table,
    variance_table,
)
from rramsim.report.text_table import TextTable


def short_tables(examination: Examination) -> list[TextTable]:
    """Return a table of everything there is, in the order in which it is read."""
    from rramsim.report.fit import lifetime_tables as aging

    found = examination.products
    tables = [
        populations_table(found),
        conditions_table(found),
        pairs_table(found),
        targets_table(examination),
        aging.endurance_table(examination),
        aging.cycling_table(examination),
        aging.drift_table(examination),
        aging.retention_table(examination),
        aging.bake_table(examination),
        variance_table(examination),
        read_energy_table(examination),
    ]
    return [table for table in tables if table is not None]
