"""What is each variable that passes between packages called, in which unit, over which axes?

`DATASETS` is the register. `make` builds a labelled dataset from plain arrays and `validate`
checks one, so a room can trust what it is handed. All quantities are in SI units. What files call
a variable, and what tables and JSON call it, stands in the register too; `register_setting` adds
a programming setting to all of them at once.
"""

from rramsim.interval import Interval
from rramsim.schema.labels import (
    check_label,
    did_you_mean,
    did_you_mean_file,
    first_spellings,
    is_before_both,
    label_key,
    most_alike,
    names_alike,
    spelled_as,
    state_named,
    told_apart,
    with_spellings,
)
from rramsim.schema.programmed import are_programmed, rounded
from rramsim.schema.records import Record, records
from rramsim.schema.register import (
    DATASETS,
    SchemaError,
    empty,
    make,
    product_of,
    register_setting,
    settings,
    unregister_setting,
    validate,
)
from rramsim.schema.scores import POINT
from rramsim.schema.variable import (
    BER_BASES,
    BOUNDS,
    ENDURANCE_BASES,
    ENERGY_BASES,
    OUTLIER_KINDS,
    STATES,
    VERDICTS,
    Variable,
    header_key,
)
from rramsim.schema.words import CELL_WORDS, CYCLE_WORDS
from rramsim.statistics.readings import ABOVE, BELOW, EXACT

__all__ = [
    "ABOVE",
    "BELOW",
    "BER_BASES",
    "BOUNDS",
    "CELL_WORDS",
    "CYCLE_WORDS",
    "DATASETS",
    "ENDURANCE_BASES",
    "ENERGY_BASES",
    "EXACT",
    "OUTLIER_KINDS",
    "POINT",
    "STATES",
    "VERDICTS",
    "Interval",
    "Record",
    "SchemaError",
    "Variable",
    "are_programmed",
    "check_label",
    "did_you_mean",
    "did_you_mean_file",
    "empty",
    "first_spellings",
    "header_key",
    "is_before_both",
    "label_key",
    "make",
    "most_alike",
    "names_alike",
    "product_of",
    "records",
    "register_setting",
    "rounded",
    "settings",
    "spelled_as",
    "state_named",
    "told_apart",
    "unregister_setting",
    "validate",
    "with_spellings",
]
