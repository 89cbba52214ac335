"""Fault models: which cells of one programmed chip are read wrongly.

A chip is programmed once and then read for every image, so one call of `flips` is one chip:
the set of cells that give the wrong bit, frozen for all that is read from it. LRS stores a
weight of -1 and HRS a weight of +1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rramsim.device.sensing import StatePair, log_misread_rates
from rramsim.errors import InputError

Signs = NDArray[np.int8]
Positions = NDArray[np.int64]

# Above this rate, one uniform number per cell costs less than one gap per flip (measured).
DENSE_BER = 0.2

# Cells handled at a time where every cell is sampled: 8 MiB a temporary array of doubles.
CHUNK_CELLS = 1 << 20


class FaultModel(Protocol):
    """What a fault model offers; its parameters are the fields of a frozen dataclass."""

    def flips(self, signs: Signs, rng: np.random.Generator) -> Positions:
        """Draw one chip: the sorted, distinct, flat (C order) positions of wrong cells.

        Parameters
        ----------
        signs : numpy.ndarray of int8, shape (neurons, inputs)
            The weights as stored, -1 (LRS) or +1 (HRS).
        rng : numpy.random.Generator
            The source of chance; a call takes from it what it needs.

        Returns
        -------
        numpy.ndarray of int64
        """
        ...

    def identity(self) -> dict[str, str | float]:
        """Return the model's name and exact parameters, fit for JSON."""
        ...

    def mean_ber(self, hrs_share: float) -> float:
        """Return the expected share of wrong cells, with `hrs_share` of them in HRS."""
        ...

    @property
    def certain(self) -> bool:
        """Whether every chip has the same flips, so that one of them tells of all."""
        ...


@dataclass(frozen=True)
class IidFaults:
    """Every cell is wrong with probability `ber` (0 to 1), whatever its state or place."""

    ber: float

    def __post_init__(self) -> None:
        _check_probability("BER", self.ber)

    def flips(self, signs: Signs, rng: np.random.Generator) -> Positions:
        """Draw one chip (see `FaultModel`); the cost follows the number of flips."""
        return bernoulli_positions(signs.size, self.ber, rng)

    def identity(self) -> dict[str, str | float]:
        """Return the model's name and exact parameters, fit for JSON."""
        return {"model": "iid", "ber": float(self.ber)}

    def mean_ber(self, hrs_share: float) -> float:
        """Return `ber`: the share of cells in HRS has no influence."""
        return float(self.ber)

    @property
    def certain(self) -> bool:
        """Whether every chip has the same flips: none, or all."""
        return self.ber in (0, 1)


@dataclass(frozen=True)
class StateFaults:
    """An LRS cell is wrong with probability `ber_lrs`, an HRS cell with `ber_hrs` (0 to 1)."""

    ber_lrs: float
    ber_hrs: float

    def __post_init__(self) -> None:
        _check_probability("BER of LRS", self.ber_lrs)
        _check_probability("BER of HRS", self.ber_hrs)

    def flips(self, signs: Signs, rng: np.random.Generator) -> Positions:
        """Draw one chip (see `FaultModel`); the cost follows the larger of the two rates.

        Candidates are drawn at the larger rate from all cells, and a candidate in the state of
        the smaller rate stays with the ratio of the two: each cell keeps exactly its own rate.
        """
        larger = max(self.ber_lrs, self.ber_hrs)
        candidates = bernoulli_positions(signs.size, larger, rng)
        if self.ber_lrs == self.ber_hrs:
            return candidates
        rate = np.where(signs.reshape(-1)[candidates] < 0, self.ber_lrs, self.ber_hrs)
        return candidates[rng.random(candidates.size) * larger < rate]

    def identity(self) -> dict[str, str | float]:
        """Return the model's name and exact parameters, fit for JSON."""
        return {"model": "state", "ber_lrs": float(self.ber_lrs), "ber_hrs": float(self.ber_hrs)}

    def mean_ber(self, hrs_share: float) -> float:
        """Return ``(1 - hrs_share) ber_lrs + hrs_share ber_hrs``."""
        return float((1 - hrs_share) * self.ber_lrs + hrs_share * self.ber_hrs)

    @property
    def certain(self) -> bool:
        """Whether every chip has the same flips: no cell of a state, or all of them."""
        return self.ber_lrs in (0, 1) and self.ber_hrs in (0, 1)


@dataclass(frozen=True)
class PopulationFaults:
    """Every cell has a resistance of its own, lognormal by state, read against a reference.

    An LRS cell is wrong where its resistance is above the reference, an HRS cell where it is
    below; a resistance equal to the reference is read as what was stored.

    Parameters
    ----------
    mu_lrs, sigma_lrs, mu_hrs, sigma_hrs : float
        Mean and standard deviation of ln(resistance / ohm) by state; sigma above 0.
    reference_resistance : float
        Reference of the 1T1R read, in ohm; above 0.
    """

    mu_lrs: float
    sigma_lrs: float
    mu_hrs: float
    sigma_hrs: float
    reference_resistance: float

    def __post_init__(self) -> None:
        for name, number in (("mu of LRS", self.mu_lrs), ("mu of HRS", self.mu_hrs)):
            if not math.isfinite(number):
                raise InputError(f"The {name} is {number}; a finite number is needed.")
        for name, number in (
            ("sigma of LRS", self.sigma_lrs),
            ("sigma of HRS", self.sigma_hrs),
            ("reference resistance", self.reference_resistance),
        ):
            if not (math.isfinite(number) and number > 0):
                raise InputError(f"The {name} is {number}; a finite number above 0 is needed.")

    def flips(self, signs: Signs, rng: np.random.Generator) -> Positions:
        """Draw one chip (see `FaultModel`): one resistance per cell, whatever the rate.

        ln R is compared with ln R_ref, which is R against R_ref without the exponential.
        """
        reference = math.log(self.reference_resistance)
        flat = signs.reshape(-1)
        found = []
        for start in range(0, flat.size, CHUNK_CELLS):
            lrs = flat[start : start + CHUNK_CELLS] < 0
            log_resistance = rng.standard_normal(lrs.size)
            log_resistance *= np.where(lrs, self.sigma_lrs, self.sigma_hrs)
            log_resistance += np.where(lrs, self.mu_lrs, self.mu_hrs)
            wrong = np.where(lrs, log_resistance > reference, log_resistance < reference)
            found.append(np.flatnonzero(wrong) + start)
        return _joined(found)

    def by_state(self) -> StateFaults:
        """Return the error rate of each state.

        p_LRS = Q((ln R_ref - mu_LRS) / sigma_LRS) and p_HRS = Q((mu_HRS - ln R_ref) / sigma_HRS),
        with Q the upper tail of the normal distribution (Hirtzlin et al. 2019, 1T1R read).
        """
        states = StatePair(self.mu_lrs, self.sigma_lrs, self.mu_hrs, self.sigma_hrs)
        log_rates = log_misread_rates(math.log(self.reference_resistance), states)
        return StateFaults(*map(math.exp, log_rates))

    def identity(self) -> dict[str, str | float]:
        """Return the model's name and exact parameters, fit for JSON."""
        return {
            "model": "population",
            "mu_lrs": float(self.mu_lrs),
            "sigma_lrs": float(self.sigma_lrs),
            "mu_hrs": float(self.mu_hrs),
            "sigma_hrs": float(self.sigma_hrs),
            "reference_resistance": float(self.reference_resistance),
        }

    def mean_ber(self, hrs_share: float) -> float:
        """Return the mean of the two states' closed-form error rates (`by_state`)."""
        return self.by_state().mean_ber(hrs_share)

    @property
    def certain(self) -> bool:
        """Whether every chip has the same flips: both rates are 0 or 1 in double precision."""
        return self.by_state().certain


def bernoulli_positions(size: int, probability: float, rng: np.random.Generator) -> Positions:
    """Draw which of `size` trials succeed, each on its own with `probability`.

    The number of successes is therefore binomial, and the positions are distinct and sorted.
    Up to `DENSE_BER` the gaps between successes are drawn (geometric), so that the cost follows
    their number; above it, one uniform number per trial.

    Parameters
    ----------
    size : int
        Number of trials.
    probability : float
        0 to 1, both included.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    numpy.ndarray of int64
        Positions from 0 to ``size - 1``.
    """
    if probability == 0:
        return np.empty(0, dtype=np.int64)
    if probability == 1:
        return np.arange(size, dtype=np.int64)
    if probability <= DENSE_BER:
        return _positions_by_gaps(size, probability, rng)
    found = []
    for start in range(0, size, CHUNK_CELLS):
        trials = rng.random(min(CHUNK_CELLS, size - start))
        found.append(np.flatnonzero(trials < probability) + start)
    return _joined(found)


def _positions_by_gaps(size: int, probability: float, rng: np.random.Generator) -> Positions:
    found = []
    last = -1
    while last < size:
        expected = (size - last) * probability
        # Three standard deviations more than expected: a second round is seldom needed.
        gaps = rng.geometric(probability, size=int(expected + 3 * math.sqrt(expected)) + 8)
        # A gap beyond the end is as good as the longest; cut, the sum cannot overflow.
        positions = last + np.cumsum(np.minimum(gaps, size + 1))
        found.append(positions)
        last = int(positions[-1])
    positions = _joined(found)
    return positions[: np.searchsorted(positions, size)]


def _joined(parts: list[Positions]) -> Positions:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _check_probability(name: str, probability: float) -> None:
    if not 0 <= probability <= 1:
        raise InputError(f"The {name} is {probability}; a number from 0 to 1 is needed.")
