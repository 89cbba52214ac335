"""The BER of fitted populations at a reference, with its interval and what it may lead as."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rramsim.device.bit_errors.left_open import log_rates_left_open
from rramsim.device.bit_errors.reach import (
    bound_beyond,
    independent_cells,
    is_few,
    least_rate,
)
from rramsim.device.bit_errors.sensing import (
    StatePair,
    best_reference,
    log_bit_error_rate,
    log_bit_error_rate_interval,
    log_bit_error_rate_interval_of_scores,
    log_bit_error_rate_profile,
)
from rramsim.device.populations.fit import ConditionReadings, StateReadings
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError, number, refused
from rramsim.schema import EXACT, Interval
from rramsim.statistics.confidence import smallest_countable
from rramsim.statistics.likelihood import NotSettledError
from rramsim.statistics.lognormal import FEW_EXACT, LognormalFit
from rramsim.statistics.variance_components import mean_variance, spread_of
from rramsim.units import read_quantity

LEFT_OPEN = "populations that the readings leave open"
LEFT_OPEN_OVER_CELLS = "populations that the cells leave open"
LEFT_OPEN_OVER_SERIES = "populations that a series of readings leaves open"
DELTA = "delta method on the probit scale"
PIVOTS_OVER_CELLS = "generalised pivots on the probit scale, over cells"
PIVOTS_OVER_SERIES = "generalised pivots on the probit scale, over a series of readings"
PROFILE = "profile likelihood"
"""How the ends of an interval were made; an empty text where there are none."""

UNDERFLOW = 1e-300
"""A BER below this is only said to be below it."""

FLATTERED = 1.1
"""So many times higher the middle BER left open must be to be given instead of the fit's own.

A reference that was chosen on the same cells flatters the fit: of 64 cells, at 1e-4, to 0.6 of
what the cells err there, of 1,024 to 0.97, which is not corrected.
"""

# Below this or `FEW_EXACT` the profile of the likelihood gives the interval at a stated reference
# (the delta method takes the likelihood for a parabola).
_SMALL_SAMPLE = 30

Ends = tuple[float, float, str]


def bit_error_rate(
    lrs: LognormalFit,
    hrs: LognormalFit,
    *,
    reference: float | str | None = None,
    lrs_share: float = 0.5,
    reference_spread: float = 0.0,
) -> Interval:
    """Return the BER of two fitted populations, read against a reference, with its interval.

    BER = w p_LRS + (1 - w) p_HRS, the tails of the lognormals beyond the reference. At the best
    reference the interval, and the estimate where that is flattered by a tenth or more, are
    those of the populations that the readings leave open; at a given one the interval is that of
    the delta method. A BER that the fits are too few cells for is a bound: of fewer than 20 exact
    cells in a state, or without an interval, what as many cells would show without an error, of
    more cells the BER 2 sigmas beyond the last cell to be expected or the upper end of the
    interval. `fit` also counts errors, and says which of the two to believe.

    Parameters
    ----------
    lrs, hrs : LognormalFit
        The populations of both states, of `fit_lognormal`.
    reference : float or str, optional
        In ohm, or with its unit, ``"25 kOhm"``. Default: the best one.
    lrs_share : float
        Share w of the cells in use that are in LRS, above 0 and below 1.
    reference_spread : float
        Standard deviation of ln(reference) from read to read or from array to array.

    Returns
    -------
    Interval
        Of basis ``"fitted"``; ``extrapolated`` where the cells could not show a BER that low by
        counting.

    Raises
    ------
    InputError
        If a number is out of range, or the LRS median is not below the HRS median.

    Examples
    --------
    >>> import numpy as np, rramsim
    >>> place = np.linspace(-2, 2, 41)  # in sigmas
    >>> lrs = rramsim.fit_lognormal(5e3 * np.exp(0.3 * place))
    >>> hrs = rramsim.fit_lognormal(80e3 * np.exp(0.5 * place))
    >>> rate = rramsim.bit_error_rate(lrs, hrs, reference="25 kOhm")
    >>> f"{rate.estimate:.2g} ({rate.low:.1g} to {rate.high:.1g})", rate.basis, rate.extrapolated
    ('0.012 (0.003 to 0.04)', 'fitted', True)
    >>> few = [rramsim.fit_lognormal(ohms) for ohms in ([4e3, 5e3, 6e3], [2e5, 3e5, 4e5])]
    >>> rate = rramsim.bit_error_rate(*few)
    >>> rate.bound, round(rate.high, 2)  # six cells without an error
    ('upper', 0.5)
    """
    for name, fit in (("lrs", lrs), ("hrs", hrs)):
        if not isinstance(fit, LognormalFit):
            raise refused(name, fit, "a LognormalFit, as fit_lognormal gives")
    if isinstance(reference, str):
        reference = read_quantity(reference, "resistance")
    elif reference is not None:
        reference = number(reference, "reference", 'a number in ohm, or a text such as "25 kOhm"')
    lrs_share = number(lrs_share, "lrs_share", "a number between 0 and 1")
    reference_spread = number(reference_spread, "reference_spread", "a number from 0 on")
    # Refuses what is out of range.
    read = ReadConditions(lrs_share, reference, reference_spread)
    if not lrs.mu < hrs.mu:
        raise InputError("The LRS median is not below the HRS median; are the states swapped?")
    countable = smallest_countable(
        min(lrs.effective_readings / lrs_share, hrs.effective_readings / (1.0 - lrs_share))
    )
    if reference is None:
        seen = _pair(lrs, hrs).seen_through(reference_spread)
        read = read.with_reference(math.exp(best_reference(seen, lrs_share=lrs_share)[0]))
        fitted = _rate(_chosen(lrs, hrs, read), countable)
    else:
        fitted = _rate(_stated(lrs, hrs, read, lambda: _delta(lrs, hrs, read)), countable)
    is_open = not (fitted.has_ends or fitted.bound)
    if fitted.extrapolated and (is_open or is_few((lrs, hrs))):
        return Interval(high=min(countable, 1.0), bound="upper", basis="fitted", extrapolated=True)
    return bound_beyond(fitted, least_believed(lrs, hrs, read), countable=countable) or fitted


def least_believed(lrs: LognormalFit, hrs: LognormalFit, read: ReadConditions) -> float:
    """Return the least fitted 1T1R BER that may lead with so many cells; 1 of too few for any."""
    if is_few((lrs, hrs)):
        return 1.0
    cells = [independent_cells(fit) for fit in (lrs, hrs)]
    return least_rate(cells, (read.lrs_share, 1.0 - read.lrs_share))


def fitted_pair(condition: ConditionReadings) -> StatePair | None:
    """Return the fitted populations, None where a state has none or they are exchanged."""
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    return None if lrs is None or hrs is None or not lrs.mu < hrs.mu else _pair(lrs, hrs)


def _pair(lrs: LognormalFit, hrs: LognormalFit) -> StatePair:
    return StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma)


def fitted_rate(
    condition: ConditionReadings,
    read: ReadConditions,
    *,
    sample: float,
    is_chosen: bool = False,
    shared: float = 0.0,
) -> Interval | None:
    """Return the fitted BER of a 1T1R read, None where a state has no fit.

    Parameters
    ----------
    condition : ConditionReadings
    read : ReadConditions
        With a reference.
    sample : float
        Readings that would show an error by counting: what the BER is extrapolated beyond.
    is_chosen : bool
        Whether the reference is the best one of these fits: interval and estimate then allow for
        the choice (`left_open`).
    shared : float
        Correlation of ln R in LRS and in HRS from cell to cell; it counts where the same cells
        were read more than once in both.
    """
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    if lrs is None or hrs is None:
        return None
    # A sample of undecided readings only can show nothing at all.
    countable = smallest_countable(sample)
    if is_chosen:
        return _rate(_chosen(lrs, hrs, read, shared=shared), countable)

    def ends() -> Ends:
        return _profile(condition, read) or _delta(lrs, hrs, read, shared=shared)

    return _rate(_stated(lrs, hrs, read, ends), countable)


def _rate(found: tuple[float, Ends], countable: float) -> Interval:
    """Return ln(BER) and ln of its ends as an interval."""
    log_ber, (log_low, log_high, method) = found
    return rate_of_logs(log_ber, (log_low, log_high), countable=countable, method=method)


def rate_of_logs(
    log_ber: float, ends: tuple[float, float], *, countable: float, method: str
) -> Interval:
    """Return a fitted BER from its logarithm and those of its ends; an underflow is a bound.

    Parameters
    ----------
    log_ber : float
    ends : tuple of float
        NaN where there is no interval.
    countable : float
        What counting alone can show: below, the BER is extrapolated.
    method : str
        How the ends were made.
    """
    ber, low, high = math.exp(log_ber), *map(math.exp, ends)
    if ber < UNDERFLOW:
        high = UNDERFLOW if math.isnan(high) else max(high, UNDERFLOW)
        return Interval(high=high, bound="upper", basis="fitted", extrapolated=True)
    method = "" if math.isnan(low) else method
    return Interval(
        ber, low, high, basis="fitted", extrapolated=not ber >= countable, method=method
    )


def _log_ber(lrs: LognormalFit, hrs: LognormalFit, read: ReadConditions) -> float:
    seen = _pair(lrs, hrs).seen_through(read.reference_spread)
    return log_bit_error_rate(read.ln_reference, seen, lrs_share=read.lrs_share)


def _stated(
    lrs: LognormalFit, hrs: LognormalFit, read: ReadConditions, ends: Callable[[], Ends]
) -> tuple[float, Ends]:
    return _log_ber(lrs, hrs, read), ends()


def _chosen(
    lrs: LognormalFit, hrs: LognormalFit, read: ReadConditions, *, shared: float = 0.0
) -> tuple[float, Ends]:
    low, median, high = log_rates_left_open(
        *(read.ln_reference, lrs, hrs),
        lrs_share=read.lrs_share,
        reference_spread=read.reference_spread,
        shared=shared,
    )
    log_ber = unflattered(_log_ber(lrs, hrs, read), median)
    return log_ber, (low, high, left_open_name(lrs, hrs))


def unflattered(log_ber: float, median: float) -> float:
    """Return ln of the fit's own BER, or of the middle one left open where that is higher."""
    return median if median > log_ber + math.log(FLATTERED) else log_ber


def left_open_name(lrs: LognormalFit, hrs: LognormalFit) -> str:
    """Return how the ends of an interval of `left_open` were made."""
    if not (lrs.is_dependent or hrs.is_dependent):
        return LEFT_OPEN
    return LEFT_OPEN_OVER_SERIES if _is_series(lrs, hrs) else LEFT_OPEN_OVER_CELLS


def _is_series(lrs: LognormalFit, hrs: LognormalFit) -> bool:
    """Return whether readings that go together are of one cell."""
    return any(fit.is_dependent and fit.cells == 1 for fit in (lrs, hrs))


def _profile(condition: ConditionReadings, read: ReadConditions) -> Ends | None:
    """Return the profile-likelihood interval of a small sample, None where it does not apply."""
    is_small = any(map(_is_small, condition.states))
    # The likelihood takes readings as independent and the reference as fixed.
    if not is_small or read.reference_spread or condition.is_read_again:
        return None
    try:
        low, high = log_bit_error_rate_profile(
            read.ln_reference,
            lrs=(np.log(condition.lrs.resistance), condition.lrs.censoring),
            hrs=(np.log(condition.hrs.resistance), condition.hrs.censoring),
            lrs_share=read.lrs_share,
        )
    except NotSettledError:
        return None
    return low, high, PROFILE


def _is_small(state: StateReadings) -> bool:
    exact = int(np.count_nonzero(state.censoring == EXACT))
    return state.resistance.size < _SMALL_SAMPLE or exact < FEW_EXACT


def _delta(
    lrs: LognormalFit, hrs: LognormalFit, read: ReadConditions, *, shared: float = 0.0
) -> Ends:
    if lrs.is_dependent or hrs.is_dependent:
        low, high = _joined(lrs, hrs, read, shared=shared)
        return low, high, PIVOTS_OVER_SERIES if _is_series(lrs, hrs) else PIVOTS_OVER_CELLS
    low, high = log_bit_error_rate_interval(
        read.ln_reference,
        _pair(lrs, hrs),
        covariance_lrs=lrs.covariance,
        covariance_hrs=hrs.covariance,
        lrs_share=read.lrs_share,
        reference_spread=read.reference_spread,
    )
    return low, high, DELTA


def _joined(
    lrs: LognormalFit, hrs: LognormalFit, read: ReadConditions, *, shared: float
) -> tuple[float, float]:
    """Return the ends that those of the distances of both states give, NaN without."""
    far_lrs, far_hrs = (
        fit.distance_interval(read.ln_reference, spread=read.reference_spread) for fit in (lrs, hrs)
    )
    if math.isnan(far_lrs[0]) or math.isnan(far_hrs[0]):
        return math.nan, math.nan
    return log_bit_error_rate_interval_of_scores(
        read.ln_reference,
        _pair(lrs, hrs),
        lrs=(-far_lrs[1], -far_lrs[0]),
        hrs=far_hrs,
        lrs_share=read.lrs_share,
        reference_spread=read.reference_spread,
        correlation=_of_scores(lrs, hrs, read.ln_reference, shared),
    )


def _of_scores(lrs: LognormalFit, hrs: LognormalFit, ln_reference: float, shared: float) -> float:
    """Return the correlation of the two estimates of z that a correlation of the states makes.

    z_LRS falls with mu_LRS and z_HRS rises with mu_HRS, both fall with sigma; means of cells
    correlated by `shared` make means correlated by it and variances by its square.
    """
    if not (shared and lrs.is_dependent and hrs.is_dependent):
        return 0.0
    of_mean, of_spread, own = -shared, shared**2, 1.0
    for fit in (lrs, hrs):
        z = abs(fit.mu - ln_reference) / fit.sigma
        first = fit.parts[0]
        # ln(sigma) varies by a quarter of what ln(variance) does.
        spreads, of_first = (
            spread_of(parts)[1] / (4.0 * fit.sigma**4) for parts in (fit.parts, (first,))
        )
        of_mean *= math.sqrt(first.mean_variance) / fit.sigma
        of_spread *= z * math.sqrt(of_first)
        own *= math.sqrt(mean_variance(fit.parts) / fit.sigma**2 + z**2 * spreads)
    return min(max((of_mean + of_spread) / own, -1.0), 1.0)
