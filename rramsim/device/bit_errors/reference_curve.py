"""The BER of each condition against the reference: by the fits, and as counted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim.device.bit_errors.error_counts import count_errors
from rramsim.device.bit_errors.sensing import StatePair, log_bit_error_rate, log_misread_rates
from rramsim.schema import STATES, make

if TYPE_CHECKING:
    import xarray as xr

_REFERENCES = 201
_COUNTED_AT = 16

# Resistance, censoring and cell of the readings of one state.
_State = tuple[NDArray[np.float64], NDArray[np.int_], NDArray[np.int_]]


def reference_curve(
    readings: xr.Dataset, populations: xr.Dataset, conditions: xr.Dataset
) -> xr.Dataset:
    """Return what a reference that is off costs: shares of misread cells between the medians.

    References are evenly spaced in ln(ohm) from the LRS to the HRS median, moved apart where
    they do not hold the reference chosen. Intervals of the shares counted are Clopper-Pearson,
    95 %, over cells where some are read again.

    Parameters
    ----------
    readings, populations, conditions : xarray.Dataset
        Of the schemas of these names, as `rramsim.device.characterize` takes and gives them.

    Returns
    -------
    xarray.Dataset
        Schema "reference_curve", of the conditions of `populations`.
    """
    names = populations["condition"].values.astype(str).tolist()
    lrs_share = float(conditions.attrs.get("lrs_share", 0.5))
    spread = float(conditions.attrs.get("reference_spread", 0.0))
    ber = np.full((len(names), _REFERENCES), np.nan)
    misread = np.full((len(names), len(STATES), _REFERENCES), np.nan)
    counted = np.full((3, len(names), len(STATES), _COUNTED_AT), np.nan)
    references, counted_at = np.zeros(ber.shape), np.zeros((len(names), _COUNTED_AT))
    sizes = np.zeros((len(names), len(STATES)), dtype=int)
    for number, name in enumerate(names):
        fit = populations.sel(condition=name).transpose("state", ...)
        mu, sigma = fit["mu"].values, fit["sigma"].values
        states = _readings_of(name, readings)
        chosen = float(conditions["reference_resistance"].sel(condition=name))
        low, high = _ends(mu, states, chosen)
        references[number] = np.geomspace(low, high, _REFERENCES)
        pair = StatePair(mu[0], sigma[0], mu[1], sigma[1]).seen_through(spread)
        if math.isfinite(pair.sigma_lrs) and math.isfinite(pair.sigma_hrs):
            logs = np.log(references[number])
            misread[number] = np.exp(
                [log_misread_rates(ln_reference, pair) for ln_reference in logs]
            ).T
            ber[number] = np.exp(
                [
                    log_bit_error_rate(ln_reference, pair, lrs_share=lrs_share)
                    for ln_reference in logs
                ]
            )
        # Away from the ends, where every second cell is misread by definition.
        counted_at[number] = np.geomspace(low, high, _COUNTED_AT + 2)[1:-1]
        for index, state in enumerate(states):
            sizes[number, index] = state[0].size
            counted[:, number, index] = _counted(state, counted_at[number], is_hrs=index == 1)
    return make(
        "reference_curve",
        {
            "reference": references,
            "ber": ber,
            "misread": misread,
            "counted_at": counted_at,
            "counted": counted[0],
            "counted_low": counted[1],
            "counted_high": counted[2],
            "readings": sizes,
        },
        coords={"condition": names, "state": list(STATES)},
    )


def _readings_of(name: str, readings: xr.Dataset) -> tuple[_State, ...]:
    position = readings["condition"].values.tolist().index(name)
    of_condition = readings["condition_index"].values == position
    columns = [readings[key].values for key in ("resistance", "censoring", "cell")]
    chosen = [of_condition & (readings["state_index"].values == index) for index in (0, 1)]
    return tuple((columns[0][mask], columns[1][mask], columns[2][mask]) for mask in chosen)


def _ends(
    mu: NDArray[np.float64], states: tuple[_State, ...], reference: float
) -> tuple[float, float]:
    """Return the medians, moved apart to hold the reference."""
    medians = [
        math.exp(mean) if math.isfinite(mean) else float(np.median(state[0]))
        for mean, state in zip(mu, states, strict=True)
    ]
    return min(medians[0], reference / 1.5), max(medians[1], reference * 1.5)


def _counted(
    state: _State, references: NDArray[np.float64], *, is_hrs: bool
) -> NDArray[np.float64]:
    """Return the share of readings misread at each reference, and the ends of its interval."""
    resistance, censoring, cell = state
    counts = [
        count_errors(resistance, censoring, reference=reference, is_hrs=is_hrs, cell=cell)
        for reference in references
    ]
    return np.array([(count.rate, *count.interval) for count in counts]).T
