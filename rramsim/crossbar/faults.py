"""Fault models: which cells of one programmed chip are read wrongly.

A chip is programmed once and then read for every image, so one call of `draw` or `flips` is one
layer of one chip: the set of cells that give the wrong bit, frozen for all that is read from it.
LRS stores a weight of -1 and HRS a weight of +1.

Models that know a BER for each state compare it with the same number of each cell (see
`rramsim.crossbar.sampling`): with one seed, the wrong cells of a chip at a lower BER are among
those at a higher one, and chips of two models differ only where their BERs do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rramsim.bits import Words
from rramsim.crossbar.sampling import Positions, Signs, as_positions, draw_cells
from rramsim.device.bit_errors.sensing import StatePair, log_misread_rates
from rramsim.errors import InputError


class FaultModel(Protocol):
    """What a fault model offers; its parameters are the fields of a frozen dataclass."""

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Positions | Words:
        """Draw one layer of one chip, in the form that costs least.

        Parameters
        ----------
        signs : numpy.ndarray of int8, shape (neurons, inputs)
            The weights as stored, -1 (LRS) or +1 (HRS).
        seed : numpy.random.SeedSequence
            The only source of chance: the same seed gives the same cells.

        Returns
        -------
        numpy.ndarray of int64 or uint64
            Wrong cells, as sorted, distinct, flat (C order) positions, or as a mask of shape
            (neurons, words) whose words are those of `rramsim.bits`.
        """
        ...

    def flips(self, signs: Signs, seed: np.random.SeedSequence) -> Positions:
        """Draw the same cells as `draw`, always as positions."""
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

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Positions | Words:
        """Draw one layer of one chip (see `FaultModel`)."""
        return draw_cells(signs, ber_lrs=self.ber, ber_hrs=self.ber, seed=seed)

    def flips(self, signs: Signs, seed: np.random.SeedSequence) -> Positions:
        """Draw the same cells as `draw`, as positions."""
        return as_positions(self.draw(signs, seed), signs)

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

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Positions | Words:
        """Draw one layer of one chip (see `FaultModel`)."""
        return draw_cells(signs, ber_lrs=self.ber_lrs, ber_hrs=self.ber_hrs, seed=seed)

    def flips(self, signs: Signs, seed: np.random.SeedSequence) -> Positions:
        """Draw the same cells as `draw`, as positions."""
        return as_positions(self.draw(signs, seed), signs)

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

    The resistance of a cell follows from its number u, uniform in 0 to 1:
    ``ln R = mu + sigma z(1 - u)`` in LRS and ``mu + sigma z(u)`` in HRS, with z the quantile of
    the normal distribution. So a cell is wrong exactly where u is below the closed-form error
    rate of its state, and no resistance needs to be computed.

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

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Positions | Words:
        """Draw one layer of one chip (see `FaultModel`)."""
        return self.by_state().draw(signs, seed)

    def flips(self, signs: Signs, seed: np.random.SeedSequence) -> Positions:
        """Draw the same cells as `draw`, as positions."""
        return as_positions(self.draw(signs, seed), signs)

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


def _check_probability(name: str, probability: float) -> None:
    if not 0 <= probability <= 1:
        raise InputError(f"The {name} is {probability}; a number from 0 to 1 is needed.")


@dataclass(frozen=True)
class LayerFaults:
    """A fault model for each layer of a network, from the input on.

    A layer has the wrong cells that it has on the chip of the same draw on which every layer has
    its model: what errors in one layer cost can be held against what those same errors cost among
    others.

    Parameters
    ----------
    models : tuple of FaultModel
        As many as the network has layers.
    """

    models: tuple[FaultModel, ...]

    def identity(self) -> dict[str, object]:
        """Return the models' names and exact parameters, fit for JSON."""
        return {"model": "layers", "layers": [model.identity() for model in self.models]}

    @property
    def certain(self) -> bool:
        """Whether every chip has the same flips, so that one of them tells of all."""
        return all(model.certain for model in self.models)


ChipFaults = FaultModel | LayerFaults
"""Which cells of a chip go wrong: one model for all layers, or one for each."""


def in_one_layer(faults: FaultModel, *, layer: int, layers: int) -> LayerFaults:
    """Return faults in the cells of one layer only.

    Parameters
    ----------
    faults : FaultModel
        Which of its cells go wrong.
    layer : int
        Its number, from 1 at the input.
    layers : int
        Layers of the network.

    Raises
    ------
    InputError
        If there is no such layer.
    """
    if not 1 <= layer <= layers:
        raise InputError(
            f"Layer {layer} was asked for, but the network has {layers}: accepted are 1 (which "
            f"reads the pixels) to {layers} (which gives the scores)."
        )
    models: list[FaultModel] = [IidFaults(0.0)] * layers
    models[layer - 1] = faults
    return LayerFaults(tuple(models))


def by_layer(faults: ChipFaults, layers: int) -> tuple[FaultModel, ...]:
    """Return the fault model of each layer of a network that has so many `layers`.

    Raises
    ------
    InputError
        If the models of `LayerFaults` are more or fewer.
    """
    if not isinstance(faults, LayerFaults):
        return (faults,) * layers
    if len(faults.models) != layers:
        raise InputError(
            f"Fault models for {len(faults.models)} layers were given, but the network has "
            f"{layers}; one for each is needed."
        )
    return faults.models
