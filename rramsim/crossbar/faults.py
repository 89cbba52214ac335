"""Fault models: which cells of one programmed chip are read wrongly.

A chip is programmed once and then read for every image, so one call of `draw` is one
layer of one chip: the set of cells that give the wrong bit, frozen for all that is read from it.
LRS stores a weight of -1 and HRS a weight of +1.

Models that know a BER for each state compare it with the same number of each cell (see
`rramsim.crossbar.sampling`): with one seed, the wrong cells of a chip at a lower BER are among
those at a higher one, and chips of two models differ only where their BERs do.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from rramsim.bits import WORD, Flips, Words, words_for
from rramsim.crossbar.sampling import ChipSeeds, Positions, Signs, draw_cells, draw_small
from rramsim.errors import InputError, number, plain, refused


class FaultModel(Protocol):
    """What a fault model offers: a user's own class needs `draw` and `identity`, and no base class.

    It may have more: ``deterministic``, True where every chip has the same wrong cells, so that
    one chip tells of all (False where it is missing); and ``mean_ber(hrs_share)``, the expected
    share of wrong cells with so large a share of them in HRS (NaN where it is missing), for
    tables and figures. To be scored on several machines it must be importable there (pickle).

    Examples
    --------
    Bit lines (those of a neuron each) that break, each with some probability:

    >>> import numpy as np
    >>> class BrokenLines:
    ...     def __init__(self, share):
    ...         self.share = share
    ...
    ...     def draw(self, signs, seed):
    ...         broken = np.random.default_rng(seed).random(len(signs)) < self.share
    ...         return np.flatnonzero(np.broadcast_to(broken[:, np.newaxis], signs.shape))
    ...
    ...     def identity(self):
    ...         return {"model": "broken lines", "share": self.share}
    >>> signs = np.ones((4, 3), dtype=np.int8)
    >>> BrokenLines(0.5).draw(signs, np.random.SeedSequence(3)).tolist()
    [0, 1, 2, 3, 4, 5]
    """

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> NDArray[Any]:
        """Draw one layer of one chip.

        Parameters
        ----------
        signs : numpy.ndarray of int8, shape (neurons, inputs)
            The weights as stored, -1 (LRS) or +1 (HRS); of a convolution, the inputs are its
            channels by the nine places of a filter. Not to be changed.
        seed : numpy.random.SeedSequence
            The only source of chance, its own for every study seed, network, chip and layer: the
            same seed must give the same cells. ``numpy.random.default_rng(seed)`` takes it.

        Returns
        -------
        numpy.ndarray
            Wrong cells: distinct flat (C order) positions in ``signs`` as integers; or which
            cells are wrong, as booleans of the shape of `signs`; or a mask of shape (neurons,
            words) as uint64, whose words are those of `rramsim.bits`.
        """
        ...

    def identity(self) -> Mapping[str, object]:
        """Return what makes the model this one and no other, fit for JSON.

        It is part of the task id under which scores are kept: two models that differ in a wrong
        cell must differ here, so give the name of the model and all its parameters.
        """
        ...


def is_deterministic(faults: ChipFaults) -> bool:
    """Return whether every chip of a model has the same wrong cells, so that one tells of all."""
    if isinstance(faults, LayerFaults):
        return all(map(is_deterministic, faults.models))
    return bool(getattr(faults, "deterministic", False))


def is_known_chip(faults: ChipFaults) -> bool:
    """Return whether a model is one chip, whose wrong cells are known, and not a kind of chips."""
    models = faults.models if isinstance(faults, LayerFaults) else (faults,)
    return all(isinstance(model, MappedFaults) for model in models)


def has_fresh_reads(faults: ChipFaults) -> bool:
    """Return whether cells of a model are read with fresh noise at every image."""
    if isinstance(faults, LayerFaults):
        return any(map(has_fresh_reads, faults.models))
    return bool(getattr(faults, "is_fresh", False))


def bear_threads(faults: object) -> bool:
    """Return whether several threads may draw chips of these faults at once.

    Those of this package may, as long as they hold none of a user's own, which need not bear it.
    """
    if isinstance(faults, tuple):
        return all(map(bear_threads, faults))
    if not hasattr(faults, "identity"):
        return True
    is_ours = type(faults).__module__.startswith("rramsim.")
    return is_ours and all(map(bear_threads, vars(faults).values()))


def mean_ber(faults: ChipFaults, hrs_share: float) -> float:
    """Return the expected share of wrong cells, NaN where the model does not tell.

    Parameters
    ----------
    faults : FaultModel or LayerFaults
    hrs_share : float
        Share of the cells that are in HRS, 0 to 1.

    Examples
    --------
    >>> mean_ber(StateFaults(0.1, 0.3), hrs_share=0.5)
    0.2
    """
    share_of = getattr(faults, "mean_ber", None)
    return math.nan if share_of is None else float(share_of(hrs_share))


class DrawsChips(Protocol):
    """What a model of this package has where it draws many chips of a small layer at once."""

    def draw_chips(self, signs: Signs, seeds: ChipSeeds) -> Words:
        """Return the mask of each chip, (chips, neurons, words), of a source of its own."""
        ...


def draws_chips(model: object) -> DrawsChips | None:
    """Return a model that draws many chips at once, or None where it draws one at a time."""
    inner = getattr(model, "drawn_from", None)
    if not hasattr(model, "draw_chips") or (inner is not None and draws_chips(inner) is None):
        return None
    return cast(DrawsChips, model)


def wrong_cells(model: FaultModel, signs: Signs, seed: np.random.SeedSequence) -> Flips:
    """Draw one layer of one chip and check what the model gives.

    Parameters
    ----------
    model : FaultModel
    signs, seed
        See `FaultModel.draw`.

    Returns
    -------
    numpy.ndarray
        Sorted, distinct, flat (C order) positions as int64, or a mask as uint64.

    Raises
    ------
    InputError
        If the model gives something else, or cells that the layer does not have.
    """
    drawn: NDArray[Any] = np.asarray(model.draw(signs, seed))
    if drawn.dtype == np.bool_ and drawn.shape == signs.shape:
        return np.flatnonzero(drawn)
    if drawn.ndim == 1 and (drawn.dtype.kind in "iu" or not drawn.size):
        positions: Positions = drawn.astype(np.int64, copy=False)
        if (positions[1:] <= positions[:-1]).any():
            positions = np.unique(positions)
        if positions.size and not 0 <= positions[0] <= positions[-1] < signs.size:
            raise InputError(
                f"The fault model {type(model).__name__} gives cells {positions[0]} to "
                f"{positions[-1]} of a layer of shape {signs.shape}; accepted are positions from "
                f"0 to {signs.size - 1}."
            )
        if positions.size < drawn.size:
            raise InputError(
                f"The fault model {type(model).__name__} gives a cell more than once; accepted "
                "are distinct positions."
            )
        return positions
    words = (signs.shape[0], words_for(signs.shape[1]))
    beyond = np.uint64(signs.shape[1] % WORD)
    if drawn.dtype == np.uint64 and drawn.shape == words:
        if beyond and (drawn[:, -1] >> beyond).any():
            raise InputError(
                f"The fault model {type(model).__name__} gives a mask with bits beyond the "
                f"{signs.shape[1]} inputs of the layer; these must be 0."
            )
        return drawn
    raise InputError(
        f"The fault model {type(model).__name__} gives {drawn.dtype} of shape {drawn.shape} for "
        f"a layer of shape {signs.shape}; accepted are positions (integers, one axis), booleans "
        f"of that shape, or a mask (uint64 {words})."
    )


@dataclass(frozen=True)
class IidFaults:
    """Every cell is wrong with probability `ber` (0 to 1), whatever its state or place.

    Examples
    --------
    >>> import rramsim
    >>> [rramsim.IidFaults(ber) for ber in (0, 1e-3)]
    [IidFaults(ber=0), IidFaults(ber=0.001)]
    """

    ber: float

    def __post_init__(self) -> None:
        _take_numbers(self, "a number from 0 to 1")
        _check_probability("BER", self.ber)

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Flips:
        """Draw one layer of one chip (see `FaultModel`)."""
        return draw_cells(signs, ber_lrs=self.ber, ber_hrs=self.ber, seed=seed)

    def draw_chips(self, signs: Signs, seeds: ChipSeeds) -> Words:
        """Draw a small layer of many chips (see `draw_small`)."""
        return draw_small(signs, ber_lrs=self.ber, ber_hrs=self.ber, seeds=seeds)

    def identity(self) -> dict[str, str | float]:
        """Return the model's name and exact parameters, fit for JSON."""
        return {"model": "iid", "ber": float(self.ber)}

    def mean_ber(self, hrs_share: float) -> float:
        """Return `ber`: the share of cells in HRS has no influence."""
        return float(self.ber)

    @property
    def deterministic(self) -> bool:
        """Whether every chip has the same flips: none, or all."""
        return self.ber in (0, 1)


@dataclass(frozen=True)
class StateFaults:
    """An LRS cell is wrong with probability `ber_lrs`, an HRS cell with `ber_hrs` (0 to 1).

    Examples
    --------
    >>> import rramsim
    >>> rramsim.StateFaults(ber_lrs=0, ber_hrs=0.02).mean_ber(hrs_share=0.5)
    0.01
    """

    ber_lrs: float
    ber_hrs: float

    def __post_init__(self) -> None:
        _take_numbers(self, "a number from 0 to 1")
        _check_probability("BER of LRS", self.ber_lrs)
        _check_probability("BER of HRS", self.ber_hrs)

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Flips:
        """Draw one layer of one chip (see `FaultModel`)."""
        return draw_cells(signs, ber_lrs=self.ber_lrs, ber_hrs=self.ber_hrs, seed=seed)

    def draw_chips(self, signs: Signs, seeds: ChipSeeds) -> Words:
        """Draw a small layer of many chips (see `draw_small`)."""
        return draw_small(signs, ber_lrs=self.ber_lrs, ber_hrs=self.ber_hrs, seeds=seeds)

    def identity(self) -> dict[str, str | float]:
        """Return the model's name and exact parameters, fit for JSON."""
        return {"model": "state", "ber_lrs": float(self.ber_lrs), "ber_hrs": float(self.ber_hrs)}

    def mean_ber(self, hrs_share: float) -> float:
        """Return ``(1 - hrs_share) ber_lrs + hrs_share ber_hrs``."""
        return float((1 - hrs_share) * self.ber_lrs + hrs_share * self.ber_hrs)

    @property
    def deterministic(self) -> bool:
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
    reference_spread : float
        Standard deviation of ln(reference) from read to read, independent for each cell.

    Examples
    --------
    LRS at 5 kOhm, HRS at 100 kOhm with a wide spread, read against 25 kOhm: HRS cells err.

    >>> import math, rramsim
    >>> faults = rramsim.PopulationFaults(math.log(5e3), 0.2, math.log(100e3), 0.8, 25e3)
    >>> round(faults.by_state().ber_hrs, 4)
    0.0416
    """

    mu_lrs: float
    sigma_lrs: float
    mu_hrs: float
    sigma_hrs: float
    reference_resistance: float
    reference_spread: float = 0.0

    def __post_init__(self) -> None:
        _take_numbers(self, "a finite number")
        for name, value in (("mu of LRS", self.mu_lrs), ("mu of HRS", self.mu_hrs)):
            if not math.isfinite(value):
                raise InputError(f"The {name} is {value}; a finite number is needed.")
        for name, value in (
            ("sigma of LRS", self.sigma_lrs),
            ("sigma of HRS", self.sigma_hrs),
            ("reference resistance", self.reference_resistance),
        ):
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"The {name} is {value}; a finite number above 0 is needed.")
        spread = self.reference_spread
        if not (math.isfinite(spread) and spread >= 0):
            raise InputError(f"The reference spread is {spread}; a number from 0 on is needed.")

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Flips:
        """Draw one layer of one chip (see `FaultModel`)."""
        return self.by_state().draw(signs, seed)

    def draw_chips(self, signs: Signs, seeds: ChipSeeds) -> Words:
        """Draw a small layer of many chips (see `draw_small`)."""
        return self.by_state().draw_chips(signs, seeds)

    def by_state(self) -> StateFaults:
        """Return the error rate of each state.

        p_LRS = Q((ln R_ref - mu_LRS) / s_LRS) and p_HRS = Q((mu_HRS - ln R_ref) / s_HRS), with Q
        the upper tail of the normal distribution (Hirtzlin et al. 2019, 1T1R read). A spread of
        the reference adds to that of the cells: s**2 = sigma**2 + reference_spread**2.
        """
        ln_reference = math.log(self.reference_resistance)
        spread_lrs = math.hypot(self.sigma_lrs, self.reference_spread)
        spread_hrs = math.hypot(self.sigma_hrs, self.reference_spread)
        z_lrs = (ln_reference - self.mu_lrs) / spread_lrs
        z_hrs = (self.mu_hrs - ln_reference) / spread_hrs
        return StateFaults(math.exp(log_ndtr(-z_lrs)), math.exp(log_ndtr(-z_hrs)))

    def by_pair(self, *, offset_spread: float = 0.0, correlation: float = 0.0) -> IidFaults:
        """Return the error rate of two cells in opposite states read against each other (2T2R).

        p = Q((mu_HRS - mu_LRS) / s), s**2 = sigma_LRS**2 + sigma_HRS**2 -
        2 rho sigma_LRS sigma_HRS + offset_spread**2, the same whichever weight is stored; there is
        no reference.

        Parameters
        ----------
        offset_spread : float
            Standard deviation of the sense amplifier's offset, in units of ln(R).
        correlation : float
            Of ln(R) of the two cells.
        """
        together = 2.0 * correlation * self.sigma_lrs * self.sigma_hrs
        variance = self.sigma_lrs**2 + self.sigma_hrs**2 - together + offset_spread**2
        # Pairs of a correlation of 1 and equal spreads differ by their medians alone.
        spread = math.sqrt(max(variance, 0.0)) or math.ulp(0.0)
        return IidFaults(math.exp(log_ndtr(-(self.mu_hrs - self.mu_lrs) / spread)))

    def identity(self) -> dict[str, str | float]:
        """Return the model's name and exact parameters, fit for JSON."""
        return {
            "model": "population",
            "mu_lrs": float(self.mu_lrs),
            "sigma_lrs": float(self.sigma_lrs),
            "mu_hrs": float(self.mu_hrs),
            "sigma_hrs": float(self.sigma_hrs),
            "reference_resistance": float(self.reference_resistance),
            # Left out where there is none: chips stored without it stay known.
            **({"reference_spread": float(self.reference_spread)} if self.reference_spread else {}),
        }

    def mean_ber(self, hrs_share: float) -> float:
        """Return the mean of the two states' closed-form error rates (`by_state`)."""
        return self.by_state().mean_ber(hrs_share)

    @property
    def deterministic(self) -> bool:
        """Whether every chip has the same flips: both rates are 0 or 1 in double precision."""
        return self.by_state().deterministic


def _take_numbers(model: object, accepted: str) -> None:
    """Refuse parameters that are no numbers, and keep those of NumPy as Python's own."""
    for name, value in vars(model).items():
        number(value, name, accepted)
        object.__setattr__(model, name, plain(value))


def _check_probability(name: str, probability: float) -> None:
    if not 0 <= probability <= 1:
        raise InputError(f"The {name} is {probability}; a number from 0 to 1 is needed.")


@dataclass(frozen=True, eq=False)
class MappedFaults:
    """The wrong cells of one layer of one chip, as they are known: read back, or made elsewhere.

    Every chip has the same ones. `LayerFaults` joins those of all layers of a network.

    Parameters
    ----------
    wrong : bool array, shape (neurons, inputs)
        True where the weight is read wrongly.

    Examples
    --------
    >>> import numpy as np, rramsim
    >>> rramsim.MappedFaults(np.array([[True, False], [False, False]])).mean_ber(hrs_share=0.5)
    0.25
    """

    wrong: NDArray[np.bool_]

    def __post_init__(self) -> None:
        wrong = np.asarray(self.wrong)
        if wrong.dtype != np.bool_ or wrong.ndim != 2:
            accepted = "booleans of shape (neurons, inputs)"
            raise InputError(
                f"wrong is {wrong.dtype} of shape {wrong.shape}; accepted: {accepted}."
            )
        object.__setattr__(self, "wrong", wrong)

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> NDArray[np.bool_]:
        """Return the map, whatever the seed (see `FaultModel`)."""
        if signs.shape != self.wrong.shape:
            raise InputError(
                f"The map of wrong cells is for a layer of shape {self.wrong.shape}, and the layer "
                f"is {signs.shape} in shape."
            )
        return self.wrong

    def identity(self) -> dict[str, object]:
        """Return the number of wrong cells and a digest of which they are, fit for JSON."""
        digest = hashlib.sha256(f"{self.wrong.shape}".encode())
        digest.update(np.packbits(self.wrong).tobytes())
        count = int(np.count_nonzero(self.wrong))
        return {"model": "map", "wrong": count, "sha256": digest.hexdigest()}

    def mean_ber(self, hrs_share: float) -> float:
        """Return the share of wrong cells: that of cells in HRS has no influence."""
        return float(self.wrong.mean())

    @property
    def deterministic(self) -> bool:
        """Every chip has the same wrong cells."""
        return True


@dataclass(frozen=True)
class LayerFaults:
    """A fault model for each layer of a network, from the input on.

    A layer has the wrong cells that it has on the chip of the same number on which every layer has
    its model: what errors in one layer cost can be held against what those same errors cost among
    others.

    Parameters
    ----------
    models : tuple of FaultModel
        As many as the network has layers.

    Examples
    --------
    Errors in the first of three layers only:

    >>> import rramsim
    >>> none, some = rramsim.IidFaults(0), rramsim.IidFaults(0.05)
    >>> rramsim.LayerFaults((some, none, none)).models[0]
    IidFaults(ber=0.05)
    """

    models: tuple[FaultModel, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.models, Iterable) or isinstance(self.models, str | Mapping):
            raise refused("models", self.models, "a fault model for each layer of the network")
        object.__setattr__(self, "models", tuple(self.models))
        check_model(self)

    def identity(self) -> dict[str, object]:
        """Return the models' names and exact parameters, fit for JSON."""
        return {"model": "layers", "layers": [model.identity() for model in self.models]}


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
        If the models of `LayerFaults` are more or fewer, or a model lacks a method.
    """
    models = faults.models if isinstance(faults, LayerFaults) else (faults,) * layers
    if len(models) != layers:
        raise InputError(
            f"Fault models for {len(models)} layers were given, but the network has "
            f"{layers}; one for each is needed."
        )
    for model in models:
        check_model(model)
    return models


def check_model(model: object) -> None:
    """Refuse what is no fault model: an `InputError` names what it lacks."""
    if isinstance(model, LayerFaults):
        for one in model.models:
            check_model(one)
        return
    if isinstance(model, type):
        raise InputError(
            f"The fault model {model.__name__} is a class; give an object of it, with its "
            "parameters."
        )
    missing = [name for name in ("draw", "identity") if not callable(getattr(model, name, None))]
    if missing:
        raise InputError(
            f"The fault model {type(model).__name__} lacks {' and '.join(missing)}; a fault model "
            "needs draw(signs, seed), which gives the wrong cells of a layer, and identity(), "
            "which gives its name and parameters."
        )
