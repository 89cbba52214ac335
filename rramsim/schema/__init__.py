"""What is each variable that passes between rooms called, in which unit, over which axes?

`DATASETS` is the register. `make` builds a labelled dataset from plain arrays and `validate`
checks one, so a room can trust what it is handed. All quantities are in SI units.
"""

from rramsim.schema.check import DATASETS, SchemaError, make, validate
from rramsim.schema.records import Interval, Record, records
from rramsim.schema.variable import (
    BER_BASES,
    BOUNDS,
    ENDURANCE_BASES,
    ENERGY_BASES,
    OUTLIER_KINDS,
    STATES,
    VERDICTS,
    Variable,
)
from rramsim.statistics.censoring import ABOVE, BELOW, EXACT

__all__ = [
    "ABOVE",
    "BELOW",
    "BER_BASES",
    "BOUNDS",
    "DATASETS",
    "ENDURANCE_BASES",
    "ENERGY_BASES",
    "EXACT",
    "OUTLIER_KINDS",
    "STATES",
    "VERDICTS",
    "Interval",
    "Record",
    "SchemaError",
    "Variable",
    "make",
    "records",
    "validate",
]
