"""The error rates that the finite sample of cells behind a condition leaves open.

Each draw is a pair of error rates, of LRS and of HRS, that the sample may well be of: that of
populations that a fit leaves open (`rramsim.statistics.confidence.populations_left_open`), whose
percentiles are the intervals that `fit` gives. Draws are spread evenly (Sobol) in place of by
chance, so that they are the same every time and their percentiles those of very many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, log_ndtr, ndtr, ndtri

from rramsim.crossbar.correlated import CorrelatedFaults
from rramsim.crossbar.faults import (
    FaultModel,
    IidFaults,
    PopulationFaults,
    StateFaults,
    mean_ber,
)
from rramsim.crossbar.from_conditions import SharedSpread, in_words, protected_condition
from rramsim.crossbar.protection import (
    Coded,
    Pairs,
    ProtectedFaults,
    Protection,
    Unprotected,
    Verified,
    on_their_own,
)
from rramsim.errors import InputError
from rramsim.statistics.confidence import (
    CONFIDENCE,
    NORMAL_END,
    populations_left_open,
    spread_points,
)

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]
Population = tuple[Floats, Floats]
"""Drawn mu and sigma of ln(R / ohm) of one state, each of shape (draws,)."""

_STATES = ("LRS", "HRS")
_POINTS_LOG2 = 12
# A rate after verification is an integral, so fewer are drawn.
_MOST_VERIFIED = 512
# An interval that asks for more is of another law than the draws.
_LEAST_SCALE, _MOST_SCALE = 0.1, 10.0
_AGREES = 1e-6
_TAIL = (1.0 - CONFIDENCE) / 2.0


class NoBand(StrEnum):
    """Why the sample of cells behind a BER gives no draws."""

    BOUND = "bound"
    """The BER is only an upper bound, and stays one."""
    STATED = "stated"
    """The BER was stated: of the cells behind it nothing is known."""
    NO_INTERVAL = "no interval"
    """The readings go together in a way, or are so few, that they give no interval."""


@dataclass(frozen=True, eq=False)
class DrawnFaults:
    """Error rates that the cells leave open, and the faults of chips at any such rates.

    Attributes
    ----------
    lrs, hrs : ndarray, shape (draws,)
        Error rates of both states, each pair as likely as the others: of cells, or of the weights
        that they hold where these are pairs of cells (2T2R) or verified.
    estimate : (float, float)
        The rates of the chips that are planted, of LRS and of HRS.
    source : str
        What was drawn: ``"populations"``, ``"counts"``, or ``"interval"`` where only the BER with
        its interval is known; then both states err more or less together.
    coded : Coded or None
        The code that decodes what the rates leave wrong.
    lines : CorrelatedFaults or None
        What cells share with their lines and dies, as shares of their spread. These are not drawn:
        they are the same at all rates.
    """

    lrs: Floats
    hrs: Floats
    estimate: tuple[float, float]
    source: str
    coded: Coded | None = None
    lines: CorrelatedFaults | None = None

    @property
    def is_one_rate(self) -> bool:
        """Whether both states have one rate in every draw, as 2T2R has."""
        return self.estimate[0] == self.estimate[1] and bool(np.all(self.lrs == self.hrs))

    def bers(self, lrs_share: float) -> Floats:
        """Return the mean of both rates in each draw, shape (draws,)."""
        return lrs_share * self.lrs + (1.0 - lrs_share) * self.hrs

    def at_upper_end(self, lrs_share: float) -> FaultModel:
        """Return the faults at the draw whose BER is the 97.5th percentile."""
        order = np.argsort(self.bers(lrs_share), kind="stable")
        place = order[min(int((1.0 - _TAIL) * order.size), order.size - 1)]
        return self.faults(float(self.lrs[place]), float(self.hrs[place]))

    def faults(self, ber_lrs: float, ber_hrs: float) -> FaultModel:
        """Return the faults of chips at these rates, decoded where there is a code.

        Chips of one number are nested: at greater rates their cells are wrong that are at smaller
        ones.
        """
        rates = StateFaults(ber_lrs, ber_hrs)
        model = rates if self.lines is None else replace(self.lines, faults=rates)
        return model if self.coded is None else ProtectedFaults(model, self.coded)

    def on_lines(self, planted: FaultModel) -> DrawnFaults:
        """Return the same draws for cells that err with their lines, as those that are planted do.

        Amplifiers whose offset adds to the spread of the cells make every drawn rate greater, by
        the same factor of its probit as the rate that is planted.
        """
        of_cells = planted
        if isinstance(planted, ProtectedFaults):
            is_coded = isinstance(planted.protection, Coded)
            of_cells = planted.faults if is_coded else planted.residual
        if not isinstance(of_cells, CorrelatedFaults):
            return self
        rates = _rates(of_cells)
        lrs, hrs = (
            _moved(drawn, before, after)
            for drawn, before, after in zip((self.lrs, self.hrs), self.estimate, rates, strict=True)
        )
        return replace(self, lrs=lrs, hrs=hrs, estimate=rates, lines=of_cells.of_rates())


def _moved(drawn: Floats, before: float, after: float) -> Floats:
    """Return rates whose probits are moved by the factor that the probit of one rate is."""
    if before == after or not 0.0 < before < 1.0 or before == 0.5:
        return drawn
    moved: Floats = ndtr(ndtri(drawn) * (ndtri(after) / ndtri(before)))
    return moved


@dataclass(frozen=True, eq=False)
class Planted:
    """How weights err on chips of one condition under one protection.

    Attributes
    ----------
    faults : FaultModel or None
        Of the weights as they are read; None where the condition cannot have the protection.
    words : str
        What the chips are drawn from, in a phrase.
    drawn : DrawnFaults or None
        What the cells leave open.
    cells_basis : str
        "draws", or why there are none (see the register).
    ber_high : float
        Upper end of the interval of the BER of weights, NaN: none.
    is_bound : bool
        Whether the BER is only an upper bound.
    is_extrapolated : bool
        Whether it is beyond what the sample can show.
    lrs_share : float
        Share of the cells in use that are in LRS.
    cells : float
        Cells a state behind the BER, of the state of fewer; NaN: unknown.
    refusal : str
        Why the condition cannot have the protection.
    independent : FaultModel or None
        Faults at the same rates of cells that err on their own, where they err with their lines;
        else None.
    """

    faults: FaultModel | None
    words: str
    drawn: DrawnFaults | None = None
    cells_basis: str = "stated"
    ber_high: float = math.nan
    is_bound: bool = False
    is_extrapolated: bool = False
    lrs_share: float = 0.5
    cells: float = math.nan
    refusal: str = ""
    independent: FaultModel | None = None

    @property
    def sense_offset(self) -> float:
        """Standard deviation of the offset of amplifiers that adds to the spread of populations.

        In ln R; 0 where cells do not err with their lines, and of error rates, which stay.
        """
        cells = self.faults.faults if isinstance(self.faults, ProtectedFaults) else self.faults
        if not isinstance(cells, CorrelatedFaults) or not isinstance(
            cells.faults, PopulationFaults
        ):
            return 0.0
        return cells.offsets[0]

    def at_rates(self, ber_lrs: float, ber_hrs: float) -> FaultModel:
        """Return the faults of the same chips at other error rates.

        They err with the same lines, and are decoded by the same code.

        Parameters
        ----------
        ber_lrs, ber_hrs : float
            Of cells, or of weights where these are pairs of cells, as of `DrawnFaults`.
        """
        drawn, none = self.drawn, np.empty(0)
        if drawn is None:
            coded = getattr(self.faults, "protection", None)
            drawn = DrawnFaults(
                none, none, (0.5, 0.5), "", coded if isinstance(coded, Coded) else None
            )
            drawn = drawn if self.faults is None else drawn.on_lines(self.faults)
        return drawn.faults(ber_lrs, ber_hrs)


def planted_faults(
    condition: xr.Dataset,
    protection: Protection,
    products: Mapping[str, xr.Dataset],
    *,
    shared: SharedSpread | None = None,
) -> Planted:
    """Return the chips of a condition under a protection, with what its cells leave open.

    Parameters
    ----------
    condition : xarray.Dataset
        One row of the product "conditions".
    protection : Protection
    products : mapping of str to xarray.Dataset
        "populations", "counted" and "variance", as far as there are readings.
    shared : SharedSpread, optional
        What cells share with their lines and dies.

    Returns
    -------
    Planted
        With a `refusal` where the condition does not have what the protection needs.
    """
    populations, variance = products.get("populations"), products.get("variance")
    try:
        faults = protected_condition(
            condition, populations, protection, variance=variance, shared=shared
        )
    except InputError as error:
        return Planted(None, "", cells_basis="", refusal=str(error))
    found = drawn_faults(
        condition,
        protection,
        populations=populations,
        counted=products.get("counted"),
        variance=variance,
    )
    share = float(condition.attrs.get("lrs_share", 0.5))
    high, is_moved = math.nan, False
    if isinstance(found, DrawnFaults):
        drawn = found.on_lines(faults)
        is_moved, found = drawn.estimate != found.estimate, drawn
        high = mean_ber(found.at_upper_end(share), 1.0 - share)
    own_end = isinstance(protection, Unprotected) and not is_moved
    if own_end and not math.isnan(float(condition.ber_high)):
        high = float(condition.ber_high)
    alone = on_their_own(faults)
    return Planted(
        faults,
        in_words(faults, condition),
        drawn=found if isinstance(found, DrawnFaults) else None,
        cells_basis="draws" if isinstance(found, DrawnFaults) else str(found),
        ber_high=high,
        is_bound=found is NoBand.BOUND or is_bound(condition, protection),
        is_extrapolated=bool(condition["ber_extrapolated"]),
        lrs_share=share,
        cells=_cells(condition, populations),
        independent=None if alone is faults else alone,
    )


def _cells(condition: xr.Dataset, populations: xr.Dataset | None) -> float:
    name = str(condition.condition.item())
    if populations is None or name not in populations["condition"].values.tolist():
        return math.nan
    return float(populations["cells"].sel(condition=name).min())


def is_bound(condition: xr.Dataset, protection: Protection) -> bool:
    """Return whether the BER under a protection is a bound: of pairs their own, else the cells'."""
    name = "ber_2t2r_bound" if isinstance(protection, Pairs) else "ber_bound"
    return name in condition and str(condition[name].item()) == "upper"


def drawn_faults(
    condition: xr.Dataset,
    protection: Protection | None = None,
    *,
    populations: xr.Dataset | None,
    counted: xr.Dataset | None = None,
    variance: xr.Dataset | None = None,
) -> DrawnFaults | NoBand:
    """Return what the cells behind a condition leave open of the faults of its weights.

    - BER fitted: the populations that the fit leaves open, at the reference. The draws are widened
      or narrowed about their middle until 95 % of their BERs lie in the interval of the condition:
      by nothing where that is the interval of the populations left open, else (delta method,
      profile likelihood, cells correlated in both states) by a few per cent.
    - BER counted: Jeffreys' Beta laws of both states, with the errors and readings over the design
      effect of the count, brought to the interval of the condition (Clopper-Pearson) likewise.
    - Without populations or counts, as of a file of conditions: both states move together, by as
      much as the interval of the BER allows.
    - Where the BER planted allows for a reference chosen on the same cells and is above that of
      the fitted populations themselves, it is the middle of the draws already. Nothing is moved.

    A code decodes what these rates leave wrong. 2T2R takes the same populations, or the interval of
    a 2T2R BER that was counted, and verification the same populations with the spread of reads as
    it is known (it is not drawn).

    Parameters
    ----------
    condition : xarray.Dataset
        One row of the product "conditions".
    protection : Protection, optional
        Default: none.
    populations, counted, variance : xarray.Dataset, optional
        The products of these names, as far as there are readings.

    Returns
    -------
    DrawnFaults or NoBand

    Raises
    ------
    InputError
        If the condition does not have what the protection needs (`protected_condition`).
    """
    protection = protection or Unprotected()
    if isinstance(protection, Pairs) and not math.isnan(protection.ber):
        return NoBand.STATED
    planted = protected_condition(condition, populations, protection, variance=variance)
    rates = _rates(planted)
    if isinstance(protection, Pairs):
        return _of_pairs(condition, protection, populations, rates)
    if str(condition.ber_bound.item()) == "upper":
        return NoBand.BOUND
    if isinstance(planted, ProtectedFaults) and isinstance(planted.protection, Verified):
        return _verified(condition, planted, populations, rates)
    drawn = _of_cells(condition, populations, counted, rates)
    if isinstance(drawn, DrawnFaults) and isinstance(protection, Coded):
        return replace(drawn, coded=protection)
    return drawn


def _rates(faults: FaultModel) -> tuple[float, float]:
    """Return the error rates of LRS and HRS of a model of a condition; of a code, of its cells."""
    if isinstance(faults, ProtectedFaults):
        is_coded = isinstance(faults.protection, Coded)
        return _rates(faults.faults if is_coded else faults.residual)
    if isinstance(faults, PopulationFaults | CorrelatedFaults):
        faults = faults.by_state()
    if isinstance(faults, IidFaults):
        return float(faults.ber), float(faults.ber)
    assert isinstance(faults, StateFaults)
    return float(faults.ber_lrs), float(faults.ber_hrs)


def _of_cells(
    condition: xr.Dataset,
    populations: xr.Dataset | None,
    counted: xr.Dataset | None,
    rates: tuple[float, float],
) -> DrawnFaults | NoBand:
    basis = str(condition.ber_basis.item())
    if basis not in ("fitted", "counted"):
        return NoBand.STATED
    ends = float(condition.ber_low), float(condition.ber_high)
    share = float(condition.attrs.get("lrs_share", 0.5))
    if any(map(math.isnan, ends)):
        return NoBand.NO_INTERVAL
    if basis == "counted" and counted is not None and _has(counted, condition):
        row = counted.sel(condition=condition.condition, state=list(_STATES))
        columns = (row[name].values for name in ("errors", "readings", "design_effect"))
        probits = ndtri(count_rates(*columns))
        lrs, hrs = matched_rates((probits[0], probits[1]), *ends, lrs_share=share)
        return DrawnFaults(lrs, hrs, rates, "counts")
    drawn = _populations(condition, populations) if basis == "fitted" else None
    if drawn is None:
        together = interval_rates(rates, *ends, ber=float(condition.ber), lrs_share=share)
        return DrawnFaults(*together, rates, "interval")
    of_states = read_probits(
        *drawn,
        reference_resistance=float(condition.reference_resistance),
        reference_spread=float(condition.attrs.get("reference_spread", 0.0)),
    )
    return DrawnFaults(*matched_rates(of_states, *ends, lrs_share=share), rates, "populations")


def _of_pairs(
    condition: xr.Dataset,
    protection: Pairs,
    populations: xr.Dataset | None,
    rates: tuple[float, float],
) -> DrawnFaults | NoBand:
    drawn = _populations(condition, populations)
    if str(protection) != str(Pairs()) or "ber_2t2r_bound" not in condition:
        # An offset or a correlation of its own: no interval was given for it.
        return NoBand.NO_INTERVAL if drawn is None else _pairs(drawn, protection, rates)
    if str(condition.ber_2t2r_bound.item()) == "upper":
        return NoBand.BOUND
    low, high = float(condition.ber_2t2r_low), float(condition.ber_2t2r_high)
    if math.isnan(low) or math.isnan(high):
        return NoBand.NO_INTERVAL
    if str(condition.ber_2t2r_basis.item()) == "fitted" and drawn is not None:
        as_read = Pairs(
            offset=float(condition.attrs.get("offset_spread", 0.0)),
            correlation=float(condition.attrs.get("pair_correlation", 0.0)),
        )
        return _pairs(drawn, as_read, rates, ends=(low, high))
    return DrawnFaults(*interval_rates(rates, low, high, ber=rates[0]), rates, "interval")


def _pairs(
    drawn: tuple[Population, Population],
    protection: Pairs,
    rates: tuple[float, float],
    *,
    ends: tuple[float, float] = (math.nan, math.nan),
) -> DrawnFaults:
    probits = pair_probits(*drawn, offset=protection.offset, correlation=protection.correlation)
    rate, _ = matched_rates((probits, probits), *ends)
    return DrawnFaults(rate, rate, rates, "populations")


def _verified(
    condition: xr.Dataset,
    planted: ProtectedFaults,
    populations: xr.Dataset | None,
    rates: tuple[float, float],
) -> DrawnFaults | NoBand:
    drawn, cells = _populations(condition, populations), planted.faults
    if drawn is None:
        return NoBand.NO_INTERVAL
    assert isinstance(cells, PopulationFaults)
    numbers = (one[:_MOST_VERIFIED].tolist() for state in drawn for one in state)
    left = np.array(
        [
            _rates(
                planted.protection.read_through(
                    replace(cells, mu_lrs=mu_lrs, sigma_lrs=s_lrs, mu_hrs=mu_hrs, sigma_hrs=s_hrs)
                )
            )
            for mu_lrs, s_lrs, mu_hrs, s_hrs in zip(*numbers, strict=True)
        ]
    )
    return DrawnFaults(left[:, 0], left[:, 1], rates, "populations")


def _has(product: xr.Dataset, condition: xr.Dataset) -> bool:
    return str(condition.condition.item()) in product["condition"].values.tolist()


def _populations(
    condition: xr.Dataset, populations: xr.Dataset | None
) -> tuple[Population, Population] | None:
    """Return what the fits of a condition leave open, None where that is not known."""
    if populations is None or not _has(populations, condition):
        return None
    row = populations.sel(condition=condition.condition)
    freedom = "degrees_of_freedom"
    found = []
    for number, state in enumerate(_STATES):
        fit = row.sel(state=state).transpose("parameter", "parameter_too", ...)
        degrees = float(fit[freedom]) if freedom in fit else math.inf
        mu, sigma, covariance = float(fit.mu), float(fit.sigma), fit.covariance.values
        if math.isnan(degrees) or not np.isfinite([mu, sigma, *covariance.flat]).all():
            return None
        found.append(
            populations_left_open(
                mu, sigma, covariance, degrees_of_freedom=degrees, population=number
            )
        )
    return found[0], found[1]


def read_probits(
    lrs: Population,
    hrs: Population,
    *,
    reference_resistance: float,
    reference_spread: float = 0.0,
) -> tuple[Floats, Floats]:
    """Return probits of the shares of misread cells of populations, by state.

    Parameters
    ----------
    lrs, hrs : tuple of ndarray, shape (draws,)
        mu and sigma of ln(R / ohm).
    reference_resistance : float
        In ohm.
    reference_spread : float
        Standard deviation of ln(reference).

    Examples
    --------
    >>> one = (np.array([9.0]), np.array([0.5])), (np.array([12.0]), np.array([1.0]))
    >>> [probit.tolist() for probit in read_probits(*one, reference_resistance=np.exp(10.0))]
    [[-2.0], [-2.0]]
    """
    ln_reference = math.log(reference_resistance)
    (mu_lrs, sigma_lrs), (mu_hrs, sigma_hrs) = lrs, hrs
    return (
        (mu_lrs - ln_reference) / np.hypot(sigma_lrs, reference_spread),
        (ln_reference - mu_hrs) / np.hypot(sigma_hrs, reference_spread),
    )


def pair_probits(
    lrs: Population, hrs: Population, *, offset: float = 0.0, correlation: float = 0.0
) -> Floats:
    """Return probits of the 2T2R BER of populations (`PopulationFaults.by_pair`).

    Parameters
    ----------
    lrs, hrs : tuple of ndarray, shape (draws,)
        mu and sigma of ln(R / ohm).
    offset : float
        Standard deviation of the sense amplifier's offset in ln R.
    correlation : float
        Of ln R of the two cells.
    """
    (mu_lrs, sigma_lrs), (mu_hrs, sigma_hrs) = lrs, hrs
    variance = sigma_lrs**2 + sigma_hrs**2 - 2.0 * correlation * sigma_lrs * sigma_hrs
    probits: Floats = (mu_lrs - mu_hrs) / np.sqrt(np.maximum(variance, 0.0) + offset**2)
    return probits


def count_rates(
    errors: ArrayLike, readings: ArrayLike, design_effect: ArrayLike = (1.0, 1.0)
) -> tuple[Floats, Floats]:
    """Return error rates that counts leave open: Beta(errors + 1/2, readings - errors + 1/2).

    Parameters
    ----------
    errors, readings, design_effect : array_like, shape (2,)
        Of LRS and of HRS. Errors and readings count for a share of 1 / design_effect.

    Returns
    -------
    lrs, hrs : ndarray, shape (4096,)

    Examples
    --------
    >>> lrs, hrs = count_rates([0, 20], [1024, 1024])
    >>> f"{np.quantile(lrs, 0.975):.1e}, {np.median(hrs):.1e}"
    '2.4e-03, 2.0e-02'
    """
    effect = np.asarray(design_effect, dtype=float)
    wrong = np.asarray(errors, dtype=float) / effect
    right = np.maximum(np.asarray(readings, dtype=float) / effect - wrong, 0.0)
    points = spread_points(2, _POINTS_LOG2)
    lrs, hrs = (
        betaincinv(a + 0.5, b + 0.5, u) for a, b, u in zip(wrong, right, points, strict=True)
    )
    return lrs, hrs


def interval_rates(
    rates: tuple[float, float], low: float, high: float, *, ber: float, lrs_share: float = 0.5
) -> tuple[Floats, Floats]:
    """Return rates of which only the BER has an interval: both move by as much on the probit scale.

    Parameters
    ----------
    rates : (float, float)
        Estimates of LRS and of HRS.
    low, high : float
        Ends of the 95 % interval of the BER. A lower end of 0 is taken as far from the estimate as
        the upper one is.
    ber : float
        Its estimate.
    lrs_share : float
        Share of the cells in use that are in LRS.

    Returns
    -------
    lrs, hrs : ndarray, shape (4096,)
    """
    middle, upper = ndtri(ber), ndtri(high)
    lower = ndtri(low) if low > 0.0 else 2.0 * middle - upper
    deviates = ndtri(spread_points(1, _POINTS_LOG2)[0])
    moved = deviates * np.where(deviates > 0.0, upper - middle, middle - lower) / NORMAL_END
    probits = (ndtri(rates[0]) + moved, ndtri(rates[1]) + moved)
    return matched_rates(probits, float(ndtr(lower)), high, lrs_share=lrs_share)


def matched_rates(
    probits: tuple[Floats, Floats], low: float, high: float, *, lrs_share: float = 0.5
) -> tuple[Floats, Floats]:
    """Return drawn rates, 95 % of whose BERs lie from `low` to `high`.

    The probits of both states are moved away from, or towards, their medians: by one factor in
    draws whose BER is above that of the medians, by another in those below.

    Parameters
    ----------
    probits : tuple of ndarray, shape (draws,)
        Of the error rates of LRS and of HRS.
    low, high : float
        Ends of the interval. One that is NaN, 0 or 1 asks for nothing.
    lrs_share : float
        Share of the cells in use that are in LRS.

    Returns
    -------
    lrs, hrs : ndarray, shape (draws,)

    Examples
    --------
    >>> probits = np.linspace(-4.0, -2.0, 401)
    >>> rates, _ = matched_rates((probits, probits), 1e-4, 2e-2)
    >>> [f"{end:.1e}" for end in np.quantile(rates, (0.025, 0.975))]
    ['1.0e-04', '2.0e-02']
    """
    middle = [np.median(one) for one in probits]
    # A state that never errs stays so.
    away = [
        np.nan_to_num(one - at) if np.isfinite(at) else np.zeros(one.size)
        for one, at in zip(probits, middle, strict=True)
    ]

    def log_ber(scale: float) -> Floats:
        lrs, hrs = (log_ndtr(at + scale * one) for at, one in zip(middle, away, strict=True))
        found: Floats = np.logaddexp(math.log(lrs_share) + lrs, math.log1p(-lrs_share) + hrs)
        return found

    is_above = log_ber(1.0) > log_ber(0.0)
    scales = np.ones(is_above.size)
    for end, share, part in ((low, _TAIL, ~is_above), (high, 1.0 - _TAIL, is_above)):
        if 0.0 < end < 1.0 and part.any():
            scales[part] = _scale(log_ber, math.log(end), share)
    lrs, hrs = (ndtr(at + scales * one) for at, one in zip(middle, away, strict=True))
    return lrs, hrs


def _scale(log_ber: Callable[[float], Floats], log_end: float, share: float) -> float:
    """Return the factor at which a percentile of ln(BER) is at an end of its interval."""

    def beyond(scale: float) -> float:
        return float(np.quantile(log_ber(scale), share)) - log_end

    if abs(beyond(1.0)) < _AGREES:
        return 1.0
    least, most = beyond(_LEAST_SCALE), beyond(_MOST_SCALE)
    if least * most >= 0.0:
        return _LEAST_SCALE if abs(least) < abs(most) else _MOST_SCALE
    from scipy.optimize import brentq  # not needed where rates are stated

    return float(brentq(beyond, _LEAST_SCALE, _MOST_SCALE, xtol=1e-6))
