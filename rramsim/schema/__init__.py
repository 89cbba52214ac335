"""What is each variable that passes between rooms called, in which unit, over which axes?

`DATASETS` is the register. `make` builds a labelled dataset from plain arrays and `validate`
checks one, so a room can trust what it is handed. All quantities are in SI units. What files call
a variable, and what tables and JSON call it, stands in the register too; `register_setting` adds
a programming setting to all of them at once.
"""

from rramsim.interval import Interval
from rramsim.schema.records import Record, records
from rramsim.schema.register import (
    DATASETS,
    SchemaError,
    make,
    product_of,
    register_setting,
    settings,
    unregister_setting,
    validate,
)
from rramsim.schema.variable import (
    BER_BASES,
    BOUNDS,
    ENDURANCE_BASES,
    ENERGY_BASES,
    OUTLIER_KINDS,
    STATE_NAMES,
    STATES,
    VERDICTS,
    Variable,
    header_key,
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
    "STATE_NAMES",
    "VERDICTS",
    "Interval",
    "Record",
    "SchemaError",
    "Variable",
    "header_key",
    "make",
    "product_of",
    "records",
    "register_setting",
    "settings",
    "unregister_setting",
    "validate",
]
