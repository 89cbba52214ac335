"""Times to a retention criterion at several temperatures, carried to another by Arrhenius' law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim import formatting as numbers
from rramsim.device.examination import Analysis
from rramsim.errors import InputError
from rramsim.interval import Interval
from rramsim.notes import Note
from rramsim.schema import make
from rramsim.statistics.confidence import CONFIDENCE, standard_errors

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

BOLTZMANN = 8.617333262e-5
"""Boltzmann's constant in eV/K (CODATA 2018, exact to the digits given)."""

FURTHEST_KELVIN = 50.0
"""An extrapolation by more than this many kelvin is warned of."""

_MOST_FACTOR = 1e30
"""A second is carried to no more than this many s, nor to less than one over it."""


def acceleration_factor(activation_energy: float, *, hot: float, use: float) -> float:
    """Return how many seconds at a temperature of use one second at the hot one is as long as.

    By Arrhenius' law, exp(Ea/k (1/T_use - 1/T_hot)).

    Parameters
    ----------
    activation_energy : float
        Ea in eV.
    hot, use : float
        Temperatures in K; what is held at `hot` ages faster by the factor than at `use`.

    Raises
    ------
    InputError
        For a factor above 1e30 or below 1e-30, which no time of an experiment is carried by.

    Examples
    --------
    >>> round(acceleration_factor(1.0, hot=273.15 + 150, use=273.15 + 85))
    145
    """
    exponent = activation_energy / BOLTZMANN * (1.0 / use - 1.0 / hot)
    if abs(exponent) > math.log(_MOST_FACTOR):
        raise InputError(
            f"By an activation energy of {activation_energy:g} eV a second at {hot:g} K is as long "
            f"as 10^{exponent / math.log(10.0):.0f} s at {use:g} K, the temperature of use; "
            f"accepted are 10^-30 to 10^30 s, which takes a temperature of use nearer to {hot:g} K "
            "or a smaller activation energy."
        )
    return math.exp(exponent)


@dataclass(frozen=True, eq=False)
class ArrheniusFit:
    """ln t = ln t0 + Ea / (k T).

    Attributes
    ----------
    activation_energy : Interval
        Ea in eV with its 95 % interval, without one where there are fewer than three
        temperatures; its basis is ``"fitted"`` or ``"given"``.
    ln_t0 : float
        ln(t0 / s).
    temperatures : ndarray, shape (temperatures,)
        Distinct ones, in K, in order.
    covariance : ndarray, shape (2, 2)
        Of ln t0 and Ea; NaN where the times leave no freedom to tell.
    freedom : int
        Times less the two parameters.
    notes : tuple of Note
        What a reader must know.
    """

    activation_energy: Interval
    ln_t0: float
    temperatures: NDArray[np.float64]
    covariance: NDArray[np.float64]
    freedom: int
    notes: tuple[Note, ...]

    def time_at(self, temperature: float) -> Interval:
        """Return the time in s to the criterion at `temperature` (K).

        Raises
        ------
        InputError
            If times cannot be carried so far (`acceleration_factor`).
        """
        nearest = self.temperatures[int(np.argmin(np.abs(self.temperatures - temperature)))]
        acceleration_factor(self.activation_energy.estimate, hot=float(nearest), use=temperature)
        inverse = 1.0 / (BOLTZMANN * temperature)
        ln_t = self.ln_t0 + self.activation_energy.estimate * inverse
        lowest, highest = float(self.temperatures[0]), float(self.temperatures[-1])
        variance = float(np.array([1.0, inverse]) @ self.covariance @ [1.0, inverse])
        width = math.nan
        if math.isfinite(variance):
            width = standard_errors(self.freedom) * math.sqrt(variance)
        return Interval(
            _exp(ln_t),
            low=_exp(ln_t - width),
            high=_exp(ln_t + width),
            extrapolated=not lowest <= temperature <= highest,
        )


def fit_arrhenius(
    temperature: ArrayLike, time: ArrayLike, *, activation_energy: float | None = None
) -> ArrheniusFit | None:
    """Fit Arrhenius' law to times to a criterion, or use a given activation energy.

    The fit is least squares of ln t on 1/(kT), with Student's t for the intervals: three
    temperatures or more give an interval, two only the value, and one gives nothing unless an
    activation energy is given.

    Parameters
    ----------
    temperature : array_like, shape (times,)
        In K.
    time : array_like, shape (times,)
        In s, NaN or infinite where the criterion was not reached; those are left out and told.
    activation_energy : float, optional
        In eV, known from elsewhere. It is used instead of a fit, and the result says so.

    Returns
    -------
    ArrheniusFit or None
        None where nothing can be carried to another temperature.

    Raises
    ------
    InputError
        For a temperature, time or activation energy that is not above 0.

    Examples
    --------
    >>> times = [math.exp(-20 + 1.1 / (BOLTZMANN * kelvin)) for kelvin in (400, 450, 500)]
    >>> round(fit_arrhenius([400, 450, 500], times).activation_energy.estimate, 6)
    1.1
    """
    kelvin, seconds = np.asarray(temperature, dtype=float), np.asarray(time, dtype=float)
    _refuse(kelvin, seconds, activation_energy)
    reached = np.isfinite(seconds)
    notes = _unreached_notes(reached)
    kelvin, seconds = kelvin[reached], seconds[reached]
    distinct = np.unique(kelvin)
    if not distinct.size or (distinct.size == 1 and activation_energy is None):
        return None
    inverse, ln_t = 1.0 / (BOLTZMANN * kelvin), np.log(seconds)
    if activation_energy is None:
        fit = _least_squares(inverse, ln_t, distinct)
    else:
        fit = _with_energy(activation_energy, inverse, ln_t, distinct)
    return replace(fit, notes=(*notes, *fit.notes))


def _unreached_notes(reached: NDArray[np.bool_]) -> list[Note]:
    if reached.all():
        return []
    left_out = int(np.count_nonzero(~reached))
    return [
        Note(
            f"{left_out} of {reached.size} times to the criterion are not known (not reached) and "
            "are left out; the activation energy leans to the faster ones.",
            kind="times left out",
            values={"left_out": left_out, "times": reached.size},
        )
    ]


def _with_energy(energy: float, inverse: Floats, ln_t: Floats, distinct: Floats) -> ArrheniusFit:
    """Return the law of a given activation energy (eV) through the mean of the times."""
    note = Note(
        f"The activation energy {energy:g} eV is given, not fitted; what is carried to another "
        "temperature rests on it.",
        kind="activation energy given",
        values={"activation_energy": energy},
    )
    return ArrheniusFit(
        Interval(energy, basis="given"),
        float(np.mean(ln_t - energy * inverse)),
        temperatures=distinct,
        covariance=np.full((2, 2), np.nan),
        freedom=0,
        notes=(note,),
    )


def _least_squares(inverse: Floats, ln_t: Floats, distinct: Floats) -> ArrheniusFit:
    """Return the line of ln t on 1/(kT), with an interval from three temperatures on."""
    # Centred, because 1/(kT) of near temperatures hardly differ.
    centred = inverse - inverse.mean()
    square = float(centred @ centred)
    energy = float(centred @ ln_t) / square
    ln_t0 = float(ln_t.mean() - energy * inverse.mean())
    count, freedom = ln_t.size, ln_t.size - 2
    interval, covariance = Interval(energy, basis="fitted"), np.full((2, 2), np.nan)
    notes = []
    if distinct.size >= 3:
        rest = float(np.sum((ln_t - ln_t0 - energy * inverse) ** 2)) / freedom
        mean = float(inverse.mean())
        covariance = rest * np.array(
            [[1.0 / count + mean**2 / square, -mean / square], [-mean / square, 1 / square]]
        )
        width = standard_errors(freedom) * math.sqrt(covariance[1, 1])
        interval = replace(interval, low=energy - width, high=energy + width)
    else:
        text = "Two temperatures give an activation energy but nothing to judge it by."
        notes.append(Note(text, kind="two temperatures"))
    if energy <= 0:
        text = "The times do not fall with temperature: the cells do not follow Arrhenius."
        notes.append(Note(text, kind="no Arrhenius", values={"activation_energy": energy}))
    return ArrheniusFit(
        interval,
        ln_t0,
        temperatures=distinct,
        covariance=covariance,
        freedom=freedom,
        notes=tuple(notes),
    )


def activation_energies(
    names: Sequence[str],
    retention: xr.Dataset | None,
    *,
    ber_limit: float,
    use_temperature: float | None = None,
    activation_energy: float | None = None,
) -> Analysis | None:
    """Fit Arrhenius' law to the times at which each condition reaches the BER limit.

    Parameters
    ----------
    names : sequence of str
        Of the conditions that have readings.
    retention : xarray.Dataset or None
        Schema "retention", made with the BER limit; None where no times are known. A time that
        is only a bound is left out; one extrapolated along the lines is used and told.
    ber_limit : float
    use_temperature : float, optional
        In K, where the time to the limit is wanted.
    activation_energy : float, optional
        In eV, as in `fit_arrhenius`.

    Returns
    -------
    Analysis or None
        Schema "activation_energies", without the conditions of which nothing can be carried to
        another temperature. None where there is no such condition and no temperature of use.
    """
    fits = {} if retention is None else _fits(retention, activation_energy)
    if not fits and use_temperature is None:
        return None
    notes = [note.about(condition=name) for name, fit in fits.items() for note in fit.notes]
    if use_temperature is not None:
        for name in names:
            missing = _missing(name, retention, has_energy=activation_energy is not None)
            notes += use_notes(name, fits.get(name), use_temperature, missing=missing)
    at_use = [
        Interval() if use_temperature is None else fit.time_at(use_temperature)
        for fit in fits.values()
    ]
    most = max((fit.temperatures.size for fit in fits.values()), default=0)
    temperatures = np.full((len(fits), most), np.nan)
    for row, fit in zip(temperatures, fits.values(), strict=True):
        row[: fit.temperatures.size] = fit.temperatures
    energies = [fit.activation_energy for fit in fits.values()]
    dataset = make(
        "activation_energies",
        {
            "activation_energy": [energy.estimate for energy in energies],
            "activation_energy_low": [energy.low for energy in energies],
            "activation_energy_high": [energy.high for energy in energies],
            "activation_energy_basis": [energy.basis for energy in energies],
            "ln_t0": [fit.ln_t0 for fit in fits.values()],
            "temperature": temperatures,
            "time_at_use": [time.estimate for time in at_use],
            "time_at_use_low": [time.low for time in at_use],
            "time_at_use_high": [time.high for time in at_use],
            "time_at_use_extrapolated": [time.extrapolated for time in at_use],
        },
        coords={"condition": list(fits)},
        attrs={
            "ber_limit": ber_limit,
            "use_temperature": math.nan if use_temperature is None else use_temperature,
            "confidence": CONFIDENCE,
        },
    )
    return Analysis(dataset, tuple(notes))


def _fits(retention: xr.Dataset, activation_energy: float | None) -> dict[str, ArrheniusFit]:
    """Return the law of each condition that has one."""
    held = retention["hold_condition"].values.astype(str)
    kelvin, seconds = retention["temperature"].values, retention["time_to_limit"].values
    bound = retention["time_to_limit_bound"].values
    late = retention["time_to_limit_extrapolated"].values == 1
    fits = {}
    for name in dict.fromkeys(held.tolist()):
        chosen = (held == name) & np.isfinite(kelvin)
        known = chosen & (bound == "") & np.isfinite(seconds)
        fit = fit_arrhenius(kelvin[known], seconds[known], activation_energy=activation_energy)
        if fit is None:
            continue
        left_out = _left_out(bound[chosen & ~known], times=int(np.count_nonzero(chosen)))
        fit = replace(fit, notes=(*fit.notes, *left_out))
        extrapolated = int(np.count_nonzero(late & chosen))
        if extrapolated:
            text = f"{extrapolated} of the times to the limit are extrapolated along the lines."
            note = Note(text, kind="times extrapolated", values={"times": extrapolated})
            fit = replace(fit, notes=(*fit.notes, note))
        fits[name] = fit
    return fits


def _left_out(bound: NDArray[np.str_], *, times: int) -> list[Note]:
    """Return a note where times to the limit are only bounds, or not known at all."""
    if not bound.size:
        return []
    late, early = int(np.count_nonzero(bound == "lower")), int(np.count_nonzero(bound == "upper"))
    parts = [(late, "not reached"), (early, "exceeded by the first read-out")]
    parts.append((bound.size - late - early, "unknown"))
    counts = ", ".join(f"{count} {what}" for count, what in parts if count)
    return [
        Note(
            f"{bound.size} of {times} times to the limit are left out of the activation energy "
            f"({counts}); it leans to the temperatures that are in it.",
            kind="times left out",
            values={"left_out": bound.size, "times": times},
        )
    ]


_TWO_TEMPERATURES = "known times at two temperatures or more"


def _missing(name: str, retention: xr.Dataset | None, *, has_energy: bool) -> str:
    """Return what a condition lacks that has no law."""
    if retention is None:
        return "readings over time"
    chosen = retention["hold_condition"].values.astype(str) == name
    if not chosen.any():
        return "readings over time"
    if np.isnan(retention["temperature"].values[chosen]).all():
        return "the temperature of the readings over time (column temperature)"
    return "a known time at one temperature" if has_energy else _TWO_TEMPERATURES


def use_notes(
    name: str, fit: ArrheniusFit | None, temperature: float, *, missing: str = _TWO_TEMPERATURES
) -> list[Note]:
    """Return the time to the BER limit at a temperature of use (K), and how far it is carried.

    `missing` is what it takes where there is no law.
    """
    kelvin = numbers.quantity(temperature, "K")
    if fit is None:
        text = f"no time to the BER limit can be given at {kelvin}; it takes {missing}."
        return [Note(text, kind="time at use", condition=name, values={"kelvin": temperature})]
    time = fit.time_at(temperature)
    ends = "no interval is known"
    if math.isfinite(time.low) and math.isfinite(time.high):
        ends = f"95 % interval {numbers.power(time.low)} to {numbers.power(time.high)} s"
    carried = ", extrapolated beyond the temperatures measured" if time.extrapolated else ""
    notes = [
        Note(
            f"at {kelvin} the BER limit is reached after {numbers.power(time.estimate)} s by "
            f"Arrhenius' law ({ends}){carried}.",
            kind="time at use",
            condition=name,
            values={
                "kelvin": temperature,
                "time": time.estimate,
                "low": time.low,
                "high": time.high,
            },
        )
    ]
    nearest = float(np.min(np.abs(fit.temperatures - temperature)))
    if time.extrapolated and nearest > FURTHEST_KELVIN:
        notes.append(
            Note(
                f"{kelvin} is {nearest:.0f} K from the nearest temperature measured: another "
                "mechanism may dominate there.",
                kind="far extrapolation",
                condition=name,
                values={"kelvin": temperature, "nearest": nearest},
            )
        )
    return notes


def _refuse(
    kelvin: NDArray[np.float64], seconds: NDArray[np.float64], energy: float | None
) -> None:
    if kelvin.shape != seconds.shape or kelvin.ndim != 1:
        raise ValueError("temperature and time must be of one shape, (times,)")
    for values, unit, what in ((kelvin, "K", "temperature"), (seconds, "s", "time")):
        bad = values <= 0 if what == "time" else ~(values > 0)
        if bad.any():
            value = values[int(bad.argmax())]
            raise InputError(f"A {what} of {value:g} {unit} was found; it must be above 0.")
    if energy is not None and not energy > 0:
        raise InputError(f"The activation energy is {energy:g} eV; it must be above 0.")


def _exp(value: float) -> float:
    return math.inf if value > 700.0 else math.exp(value)
