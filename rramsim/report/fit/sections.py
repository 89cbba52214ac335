"""The sections of a fit, in their order: one more analysis is shown by one more entry.

What draws is imported where something is drawn: tables need no matplotlib, which takes as long to
load as a fit takes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rramsim.report.fit import answer, exports, tables
from rramsim.report.fit import lifetime_tables as lifetime
from rramsim.report.section import Part, Picture, Section
from rramsim.report.text_table import TextTable
from rramsim.schema import DATASETS

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

    from rramsim.device.examination import Examination
    from rramsim.plotting.panels import Canvas


def fit_plots(examination: Examination) -> dict[str, Callable[..., Any]]:
    """Return what can be drawn of a fit, by name, in the order of the report.

    Parameters
    ----------
    examination : Examination
        `rramsim.device.examine.with_pictures` adds what most of the plots show.

    Returns
    -------
    dict of str to callable
        Each draws on the axes that it is given as `ax`, and returns them.
    """
    return {
        part.name: part.plot
        for section in SECTIONS
        for part in section.parts_of(examination)
        if isinstance(part, Picture)
    }


def fit_answer(examination: Examination) -> dict[str, Any]:
    """Return what a fit says, as objects that `json.dumps` takes, None where it says nothing.

    After the conditions stand the sections in the order in which the schema has their products.
    """
    parts = {
        section.product: section.answer_of(examination) for section in SECTIONS if section.answer
    }
    order = [name for name in DATASETS if name in parts]
    return {
        "conditions": answer.conditions_answer(examination),
        **{product: parts[product] for product in dict.fromkeys((*order, *parts))},
        **answer.origin_answer(examination),
    }


def fit_tables(examination: Examination) -> dict[str, str]:
    """Return the tables of a fit as CSV, by file name."""
    return {
        f"{section.product}.csv": section.csv(examination)
        for section in SECTIONS
        if section.csv and _is_filled(section.product, examination)
    }


def _is_filled(product: str, examination: Examination) -> bool:
    dataset = examination.products.get(product)
    return dataset is not None and dataset.sizes.get("condition", 1) > 0


def absent_sections(examination: Examination) -> list[str]:
    """Return what the questions and the readings leave out, and what would bring it."""
    absent = [
        section
        for section in SECTIONS
        if section.absent and section.product not in examination.products
    ]
    asked = [section for section in absent if section.option]
    return [
        *(f"{section.absent}: ask with {section.option}." for section in asked),
        *(section.absent for section in absent if not section.option),
    ]


def interval_notes(examination: Examination, *, place: str = "page") -> list[tuple[str, str]]:
    """Return what has intervals and how those were made, of what the page or terminal shows."""
    products = examination.products
    ber = products["conditions"].attrs["interval"]
    intervals = [("BER", ber)]
    for section in SECTIONS:
        tables = [part for part in section.parts_of(examination) if isinstance(part, TextTable)]
        if section.interval and any(table.place in ("", place) for table in tables):
            attrs = products[section.product].attrs
            made = attrs.get("interval") or attrs["method"]
            intervals.append((section.interval, made.replace(ber, "as above")))
    return intervals


def _picture(
    examination: Examination, product: str, name: str, plot: Callable[..., Any], *words: str
) -> Picture | None:
    """Return a figure of one product; None without it."""
    if product not in examination.products:
        return None
    return Picture(name, partial(plot, examination.products[product]), *words)


def _populations(examination: Examination) -> list[Part | None]:
    products = examination.products

    def plot(ax: Canvas = None) -> Any:
        from rramsim.plotting.populations import plot_populations

        return plot_populations(
            examination.measured.readings,
            ax,
            populations=products["populations"],
            conditions=products["conditions"],
        )

    if not products["populations"].sizes["condition"]:
        # Nothing was read: counts, percentiles or lives are all that is known.
        return []
    return [
        Picture(
            "populations",
            plot,
            "Resistances of the cells in both states, for each condition",
            "The resistances against their place in the sample, on a scale on which a lognormal "
            "population is a straight line.\nWhere the lines of the low (LRS) and the high (HRS) "
            "resistance state come near each other at the read reference,\nbits are misread.",
        ),
        tables.populations_table(examination),
        tables.verdicts(examination),
    ]


def _conditions(examination: Examination) -> list[Part | None]:
    bit_errors, cost = tables.conditions_tables(examination)

    def plot(curve: xr.Dataset, ax: Canvas = None) -> Any:
        from rramsim.plotting.reference import plot_reference

        return plot_reference(curve, examination.products["conditions"], ax)

    return [
        bit_errors,
        cost,
        _picture(
            examination,
            "reference_curve",
            "reference",
            plot,
            "Share of misread cells against the reference, for each condition",
            "The effect of a reference that is not the best: the shares of misread cells of the "
            "fitted populations, and those counted.\nThe diamond is the BER that is given, with "
            "its interval. Where the reference was chosen on the same cells, the curve is too low "
            "there:\nthe diamond is the median of the BERs that are consistent with the readings, "
            "and may lie above the curve.",
        ),
        tables.pairs_table(examination),
    ]


def _energies(examination: Examination) -> list[Part | None]:
    unknown = (
        "Programming energy unknown: neither measured nor stated, and not computed. The notes say "
        "what is missing."
    )
    return [tables.energies_table(examination) or unknown]


def _cycling(examination: Examination) -> list[Part | None]:
    def plot(by_cycle: xr.Dataset, ax: Canvas = None) -> Any:
        from rramsim.plotting.cycles import plot_cycles

        return plot_cycles(by_cycle, ax)

    def plot_ber(cycling: xr.Dataset, ax: Canvas = None) -> Any:
        from rramsim.plotting.cycles import plot_cycling_ber

        return plot_cycling_ber(cycling, ax)

    return [
        _picture(
            examination,
            "resistance_by_cycle",
            "cycles",
            plot,
            "Resistances of both states against the number of cycles",
            "Median and range from 5 to 95\N{NO-BREAK SPACE}% of the readings of each state; "
            "failed cells at their resistance in the first bad\ncycle.",
        ),
        _picture(
            examination,
            "cycling",
            "cycling-ber",
            plot_ber,
            "Bit-error rate against the number of cycles",
        ),
        lifetime.cycling_table(examination),
        lifetime.checkpoints_table(examination),
    ]


def _retention(examination: Examination) -> list[Part | None]:
    def plot(retention: xr.Dataset, ax: Canvas = None) -> Any:
        from rramsim.plotting.retention import plot_retention

        return plot_retention(retention, ax)

    return [
        _picture(
            examination,
            "retention",
            "retention",
            plot,
            "Resistances and bit-error rate against the time since programming",
            "Left: the readings of each state at each read-out and the lines fitted to them. "
            "Right: the bit-error rate along the\nlines, and as counted. What is later than the "
            "last read-out is dashed.",
        ),
        lifetime.retention_table(examination),
        lifetime.stated_times_table(examination),
        lifetime.acceleration_table(examination),
        lifetime.drift_table(examination),
    ]


def _aging(examination: Examination) -> list[Part | None]:
    def plot(aging: xr.Dataset, ax: Canvas = None) -> Any:
        from rramsim.plotting.retention import plot_aging

        return plot_aging(aging, ax)

    return [
        _picture(
            examination,
            "aging",
            "aging",
            plot,
            "Bit-error rate against the time since programming, by number of cycles",
            "The bit-error rate along the lines over cycles and time, a line for each number of "
            "cycles, with the 95\N{NO-BREAK SPACE}% band of\nthe first and of the last. What is "
            "extrapolated is dashed; where only a bound is known there is no line.",
        ),
        lifetime.aging_table(examination),
        lifetime.aging_lines_table(examination),
    ]


def _variance(examination: Examination) -> list[Part | None]:
    def plot(variance: xr.Dataset, ax: Canvas = None) -> Any:
        from rramsim.plotting.variability import plot_variability

        return plot_variability(variance, ax)

    return [
        _picture(
            examination,
            "variance",
            "variability",
            plot,
            "Shares of the variance of ln R, for each condition and state",
        ),
        tables.variance_table(examination),
    ]


def _array(examination: Examination) -> list[Part | None]:
    def plot(array_map: xr.Dataset, ax: Canvas = None) -> Any:
        from rramsim.plotting.array_map import plot_array_map

        return plot_array_map(array_map, ax)

    return [
        _picture(
            examination,
            "array_map",
            "array",
            plot,
            "Resistance and errors of each cell by its place",
            "Each cell at its place: gradients, dead lines and clusters of errors show here and "
            "nowhere else.",
        )
    ]


def _outliers(examination: Examination) -> list[Part | None]:
    none = "No reading lies beyond what the body of its population gives."
    return [tables.rates_table(examination), tables.outliers_table(examination) or none]


SECTIONS = [
    Section("populations", _populations, "Populations", csv=exports.populations_csv),
    Section("conditions", _conditions, "Bit errors and the reference", csv=exports.conditions_csv),
    Section(
        "percentile_fits",
        lambda examination: [tables.percentile_fits_table(examination)],
        "Populations from percentiles or moments",
    ),
    Section(
        "percentiles",
        lambda examination: [tables.percentiles_table(examination)],
        "Percentiles",
        interval="Percentiles",
        csv=exports.percentiles_csv,
    ),
    Section(
        "sample_sizes",
        lambda examination: [tables.targets_table(examination)],
        "How many cells more",
        absent="How many cells would show a BER",
        option="--target-ber",
    ),
    Section("conditions", _energies, "Energy"),
    Section(
        "verification",
        lambda examination: [
            tables.attempts_table(examination),
            tables.residuals_table(examination),
        ],
        "Program and verify",
        interval="Program and verify",
        answer=answer.VERIFICATION,
        csv=exports.verification_csv,
    ),
    Section(
        "read_energy",
        lambda examination: [tables.read_energy_table(examination)],
        continues=True,
        answer=answer.READ_ENERGY,
        absent="Energy of a read",
        option="--read-pulse",
    ),
    Section(
        "endurance",
        lambda examination: [
            lifetime.endurance_table(examination),
            lifetime.weibull_table(examination),
        ],
        "Endurance",
        interval="Endurance",
        absent="Endurance and BER against cycles: they take readings of named cells at two cycles "
        "or more (columns cell and cycle).",
    ),
    Section("cycling", _cycling, "Cycles", interval="Cycles", answer=answer.CYCLING),
    Section(
        "retention",
        _retention,
        "Retention",
        interval="Retention",
        answer=answer.retention_answer,
        csv=exports.retention_csv,
        absent="Retention: it takes readings at two times or more (a column time, in any unit).",
    ),
    Section(
        "aging",
        _aging,
        "Cycles and time together",
        interval="Cycles and time",
        answer=answer.AGING,
        csv=exports.aging_csv,
    ),
    Section(
        "bake",
        lambda examination: [lifetime.bake_table(examination)],
        "Bake: from {before} to {after}",
        continues=True,
        interval="Bake",
        answer=answer.bake_answer,
    ),
    Section(
        "success_runs",
        lambda examination: [lifetime.success_runs_table(examination)],
        "No failure seen",
        interval="No failure seen",
        answer=answer.SUCCESS_RUNS,
    ),
    Section(
        "variance",
        _variance,
        "Sources of variance",
        interval="Variance",
        answer=answer.VARIANCE,
        absent="Parts of the variance: they take cells read more than once, or columns row and "
        "column, or die.",
    ),
    Section("array_map", _array, "The array", continues=True),
    Section("outliers", _outliers, "Outliers and stuck cells", csv=exports.outliers_csv),
]
"""The sections, in the order of page and terminal. A plug-in may add its own."""
