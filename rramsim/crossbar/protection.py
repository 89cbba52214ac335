"""Ways to protect weights against bit errors: what they cost, and which weights they leave wrong.

A protection turns the faults of single cells into those of the weights that are read through it:
a fault model like any other. A protected chip has the same wrong cells as the unprotected chip of
its number, so that two protections are compared on the same chips.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from rramsim.bits import Flips, unpack_rows
from rramsim.bits import Words as Masks
from rramsim.crossbar.codes import Bch, Code, Hsiao
from rramsim.crossbar.correlated import CorrelatedFaults
from rramsim.crossbar.faults import (
    ChipFaults,
    FaultModel,
    IidFaults,
    LayerFaults,
    PopulationFaults,
    StateFaults,
    by_layer,
    check_model,
    draws_chips,
    has_fresh_reads,
    is_deterministic,
    mean_ber,
    wrong_cells,
)
from rramsim.crossbar.sampling import ChipSeeds, Signs, as_positions
from rramsim.errors import InputError, number, plain, refused, shown
from rramsim.parallel import cores, share
from rramsim.statistics.attempts import below_after_attempts, mean_attempts

ACCEPTED = "none, 2T2R, secded(72,64), bch(78,64,2), verify(5)"
"""A protection of each kind, as messages list them."""

_MOST_PULSES = 1000
_FEWEST_CELLS_TO_SHARE = 1 << 20


@dataclass(frozen=True)
class Pulses:
    """What it takes to program weights once.

    Attributes
    ----------
    weights : int
        Weights that are stored.
    cells : int
        Cells that hold them.
    in_hrs : int
        Those of them that are in HRS in the end.
    sets, resets : float
        SET and RESET pulses, expected where they are repeated.
    verifying_reads : float
        Reads between these pulses, expected.
    most_pulses : int
        Pulses that one cell may need.
    cells_per_read : int
        Cells that a sense amplifier compares at once.
    """

    weights: int
    cells: int
    in_hrs: int
    sets: float
    resets: float
    verifying_reads: float = 0.0
    most_pulses: int = 1
    cells_per_read: int = 1

    def __add__(self, other: Pulses) -> Pulses:
        """Return what it takes to program both."""
        return Pulses(
            self.weights + other.weights,
            self.cells + other.cells,
            self.in_hrs + other.in_hrs,
            self.sets + other.sets,
            self.resets + other.resets,
            self.verifying_reads + other.verifying_reads,
            max(self.most_pulses, other.most_pulses),
            max(self.cells_per_read, other.cells_per_read),
        )

    @property
    def cells_per_weight(self) -> float:
        """Cells for each weight, parity and padding included."""
        return self.cells / self.weights

    @property
    def pulses_per_weight(self) -> float:
        """Write pulses for each weight, expected."""
        return (self.sets + self.resets) / self.weights

    def energy(self, set_energy: float, reset_energy: float) -> float:
        """Return the energy of all pulses, NaN where that of a pulse they need is unknown.

        Reads that verify, and the decoder, are not in it.

        Parameters
        ----------
        set_energy, reset_energy : float
            Of one pulse, in J; NaN where unknown.
        """
        parts = ((self.sets, set_energy), (self.resets, reset_energy))
        return sum((count * joule for count, joule in parts if count), 0.0)


class Protection(Protocol):
    """A way to protect weights; ``str`` of it is what `parse` takes."""

    def read_through(self, faults: FaultModel) -> FaultModel:
        """Return the faults of weights whose cells have these faults.

        Raises
        ------
        InputError
            If it takes more than is known of the cells.
        """
        ...

    def pulses(self, faults: FaultModel, signs: Signs) -> Pulses:
        """Return what it takes to program a layer of these weights once."""
        ...


@dataclass(frozen=True)
class Unprotected:
    """A cell holds a weight and is read against the reference (1T1R)."""

    def __str__(self) -> str:
        """Return the name."""
        return "none"

    def read_through(self, faults: FaultModel) -> FaultModel:
        """Return the faults as they are."""
        return faults

    def pulses(self, faults: FaultModel, signs: Signs) -> Pulses:
        """Return one pulse for each weight."""
        hrs = int(np.count_nonzero(signs > 0))
        return Pulses(signs.size, signs.size, hrs, sets=signs.size - hrs, resets=hrs)


@dataclass(frozen=True)
class Pairs:
    """A weight is held by two cells in opposite states, read against each other (2T2R).

    Parameters
    ----------
    ber : float
        BER of this read, where it is known by itself; NaN: it follows from the populations
        (`PopulationFaults.by_pair`).
    offset : float
        Standard deviation of the sense amplifier's offset in ln R.
    correlation : float
        Of ln R of the two cells, -1 to 1.
    """

    ber: float = math.nan
    offset: float = 0.0
    correlation: float = 0.0

    def __post_init__(self) -> None:
        _take(self, "ber", low=0.0, high=1.0, may_be_unknown=True)
        _take(self, "offset", low=0.0)
        _take(self, "correlation", low=-1.0, high=1.0)
        if not math.isnan(self.ber) and (self.offset or self.correlation):
            raise InputError(
                f"{self}: a BER is given, and what it would follow from; give one of the two."
            )

    def __str__(self) -> str:
        """Return the name, with what differs from the usual."""
        return _named("2T2R", self)

    def read_through(self, faults: FaultModel) -> FaultModel:
        """Return one BER for both weights, since both cells of a pair have a part in each.

        Pairs of cells that err with their lines do so, too (`CorrelatedFaults.by_pair`).
        """
        if isinstance(faults, CorrelatedFaults) and not faults.is_independent:
            offset = max(self.offset, *faults.offsets)
            pairs = self._on_their_own(faults.faults, offset)
            return faults.by_pair(pairs.ber, offset=offset)
        of = faults.faults if isinstance(faults, CorrelatedFaults) else faults
        return self._on_their_own(of, self.offset)

    def _on_their_own(self, faults: FaultModel, offset: float) -> IidFaults:
        if not math.isnan(self.ber):
            return IidFaults(self.ber)
        populations = _populations(self, faults, "compares the resistances of two cells")
        return populations.by_pair(offset_spread=offset, correlation=self.correlation)

    def pulses(self, faults: FaultModel, signs: Signs) -> Pulses:
        """Return a SET and a RESET for each weight."""
        size = signs.size
        return Pulses(size, 2 * size, size, sets=size, resets=size, cells_per_read=2)


@dataclass(frozen=True)
class Coded:
    """Weights are stored in words with parity bits, and decoded when read (SECDED, BCH).

    Parameters
    ----------
    code : Hsiao or Bch
    interleave : int
        Stride: so many words share the weights that follow each other on a word line, one to
        each in turn.
    """

    code: Code
    interleave: int = 1

    def __post_init__(self) -> None:
        if self.interleave < 1:
            raise InputError(
                f"{self.code}: interleave is {self.interleave}; a whole number from 1 on is needed."
            )

    def __str__(self) -> str:
        """Return the code, with its interleaving if there is one."""
        interleave = f", interleave={self.interleave})" if self.interleave > 1 else ")"
        return str(self.code)[:-1] + interleave

    def read_through(self, faults: FaultModel) -> FaultModel:
        """Return the faults that decoding leaves."""
        return DecodedFaults(faults, self)

    def pulses(self, faults: FaultModel, signs: Signs) -> Pulses:
        """Return a pulse for each cell: weights, padding and the parity bits of these weights."""
        words = Words(signs.shape, self)
        # Padding is in LRS; cells beyond it and the parity bits are neither written nor counted.
        hrs = int(np.count_nonzero(signs > 0)) + words.parity_ones(signs)
        return Pulses(signs.size, words.cells, hrs, sets=words.cells - hrs, resets=hrs)


@dataclass(frozen=True)
class Verified:
    """A cell is programmed again until it passes a verify level (program-and-verify).

    Parameters
    ----------
    pulses_limit : int
        K: pulses at most, 1 or more; with 1 there is no retry.
    level : float
        How far beyond the reference a cell must be to pass, as a ratio of resistances: HRS at
        least `level` times the reference, LRS at most the reference divided by it. 1 or more.
    read_spread_lrs, read_spread_hrs : float
        Standard deviation of ln R of one cell from one read to another; NaN: not known yet.
    """

    pulses_limit: int
    level: float = 1.0
    read_spread_lrs: float = math.nan
    read_spread_hrs: float = math.nan

    def __post_init__(self) -> None:
        if not 1 <= self.pulses_limit <= _MOST_PULSES:
            raise InputError(
                f"verify({self.pulses_limit}): accepted are 1 to {_MOST_PULSES:,} pulses at most."
            )
        _take(self, "level", low=1.0)
        for name in ("read_spread_lrs", "read_spread_hrs"):
            _take(self, name, low=0.0, may_be_unknown=True)

    def __str__(self) -> str:
        """Return the name, with the level and the spread of reads where they are given."""
        options = {"level": self.level} if self.level != 1.0 else {}
        lrs, hrs = self.read_spread_lrs, self.read_spread_hrs
        if lrs == hrs:
            options["read_spread"] = lrs
        elif self.has_spread:
            options |= {"read_spread_lrs": lrs, "read_spread_hrs": hrs}
        given = "".join(f", {name}={value!r}" for name, value in options.items())
        return f"verify({self.pulses_limit}{given})"

    @property
    def has_spread(self) -> bool:
        """Whether the spread of reads is known in both states."""
        return not (math.isnan(self.read_spread_lrs) or math.isnan(self.read_spread_hrs))

    def read_through(self, faults: FaultModel) -> FaultModel:
        """Return the error rate of each state after its last pulse.

        The populations lose what did not pass, and a later read differs from the one that
        verified (`rramsim.statistics.attempts.below_after_attempts`; for LRS all is mirrored).
        A spread of the reference adds to that of the reads.
        """
        of = self._usable(faults)
        ln_reference, beyond = math.log(of.reference_resistance), math.log(self.level)
        return StateFaults(
            below_after_attempts(
                -ln_reference,
                mu=-of.mu_lrs,
                sigma=of.sigma_lrs,
                verify=-(ln_reference - beyond),
                noise=math.hypot(self.read_spread_lrs, of.reference_spread),
                most=self.pulses_limit,
            ),
            below_after_attempts(
                ln_reference,
                mu=of.mu_hrs,
                sigma=of.sigma_hrs,
                verify=ln_reference + beyond,
                noise=math.hypot(self.read_spread_hrs, of.reference_spread),
                most=self.pulses_limit,
            ),
        )

    def mean_pulses(self, faults: FaultModel) -> tuple[float, float]:
        """Return the mean pulses of a cell in LRS and in HRS."""
        of = self._usable(faults)
        ln_reference, beyond = math.log(of.reference_resistance), math.log(self.level)
        miss_lrs = float(ndtr((of.mu_lrs - ln_reference + beyond) / of.sigma_lrs))
        miss_hrs = float(ndtr((ln_reference + beyond - of.mu_hrs) / of.sigma_hrs))
        limit = self.pulses_limit
        return mean_attempts(miss_lrs, limit), mean_attempts(miss_hrs, limit)

    def pulses(self, faults: FaultModel, signs: Signs) -> Pulses:
        """Return the mean pulses of all cells, and a read after each."""
        lrs, hrs = self.mean_pulses(faults)
        in_hrs = int(np.count_nonzero(signs > 0))
        sets, resets = lrs * (signs.size - in_hrs), hrs * in_hrs
        size, reads = signs.size, sets + resets
        return Pulses(size, size, in_hrs, sets, resets, reads, self.pulses_limit)

    def _usable(self, faults: FaultModel) -> PopulationFaults:
        populations = _populations(self, faults, "programs cells until their resistance passes")
        if not self.has_spread:
            raise InputError(
                f"{self}: the spread of ln R from one read of a cell to another is not known, and "
                "without it no error rate after verification can be given. Give it, as "
                f"verify({self.pulses_limit}, read_spread=0.05), or measure cells repeatedly."
            )
        return populations


def _populations(protection: Protection, faults: FaultModel, why: str) -> PopulationFaults:
    if isinstance(faults, PopulationFaults):
        return faults
    if isinstance(faults, CorrelatedFaults):
        raise InputError(
            f"{protection} {why}, which is known for independent cells only, and these are "
            "correlated (CorrelatedFaults); protect them by a code (secded, bch) or by pairs "
            "(2T2R), or simulate independent cells."
        )
    raise InputError(
        f"{protection} {why}, and {type(faults).__name__} has bit-error rates only; it needs the "
        "populations of LRS and HRS (PopulationFaults)."
    )


def _take(
    model: object, name: str, *, low: float, high: float = math.inf, may_be_unknown: bool = False
) -> None:
    """Take a number within its limits, of whatever type; `InputError` for any other."""
    ends = f"from {low:g} to {high:g}" if math.isfinite(high) else f"from {low:g} on"
    value = number(getattr(model, name), name, f"a number {ends}")
    is_unknown = math.isnan(value) and may_be_unknown
    if not is_unknown and not (low <= value <= high and math.isfinite(value)):
        raise refused(name, value, f"a number {ends}")
    object.__setattr__(model, name, plain(value))


def _named(name: str, options: Any) -> str:
    """Return a name with the parameters that are not the usual ones."""
    usual = type(options)()
    given = [
        f"{key}={value!r}"
        for key, value in vars(options).items()
        if value != getattr(usual, key) and not math.isnan(value)
    ]
    return f"{name}({', '.join(given)})" if given else name


class Words:
    """Where the words of a layer's weights lie, padding and parity bits included.

    Weights are gone through along the word lines: all neurons of the first input, then of the
    second. Bit lines further than those of the neurons hold padding (at the end of the layer,
    where the last words lack weights; LRS) and parity bits (0 in LRS, 1 in HRS), in that order.

    Parameters
    ----------
    shape : tuple of int
        ``(neurons, inputs)``.
    coded : Coded
    """

    def __init__(self, shape: tuple[int, ...], coded: Coded) -> None:
        self.neurons, self.inputs = shape
        self.code, self.interleave = coded.code, coded.interleave
        self.count = -(-self.neurons * self.inputs // self.code.k)
        self.padding = self.count * self.code.k - self.neurons * self.inputs
        beside = self.padding + self.count * self.code.parity_bits
        self.further_lines = -(-beside // self.inputs)

    @property
    def cells(self) -> int:
        """Cells that the words take."""
        return self.count * self.code.n

    def stored(self, signs: Signs) -> Signs:
        """Return the weights with the cells of the further bit lines, -1 (LRS) or +1 (HRS).

        Parameters
        ----------
        signs : int8 array, shape (neurons, inputs)

        Returns
        -------
        int8 array, shape (neurons + further_lines, inputs)
        """
        signs = np.ascontiguousarray(signs)
        parity = self._parity(signs)[:, np.newaxis]
        is_one = unpack_rows(parity, columns=self.code.parity_bits)
        beside = np.full(self.further_lines * self.inputs, -1, dtype=np.int8)
        beside[self.padding : self.padding + is_one.size][is_one.reshape(-1)] = 1
        stored = np.empty((self.neurons + self.further_lines, self.inputs), dtype=np.int8)
        stored[: self.neurons] = signs
        stored[self.neurons :] = beside.reshape(self.inputs, self.further_lines).T
        return stored

    def parity_ones(self, signs: Signs) -> int:
        """Return how many parity bits are 1 with these weights, (neurons, inputs)."""
        ones = np.bitwise_count(self._parity(np.ascontiguousarray(signs)))
        return int(ones.sum(dtype=np.int64))

    def _parity(self, signs: Signs) -> NDArray[np.uint64]:
        from rramsim.crossbar.code_kernels import add_parity

        parity = np.zeros(self.count, dtype=np.uint64)
        columns = self.code.columns
        parts = 1
        if self.neurons % (self.code.k * self.interleave) == 0:
            # No word lies on two word lines, so these can be shared out.
            parts = min(cores(), -(-signs.size // _FEWEST_CELLS_TO_SHARE))
        edges = [self.inputs * part // parts for part in range(parts + 1)]

        def work(lines: tuple[int, int]) -> None:
            add_parity(signs, *lines, self.interleave, columns, parity)

        share(work, list(pairwise(edges)))
        return parity

    def decode(self, drawn: Flips) -> Flips:
        """Return the weights that are wrong after decoding.

        Parameters
        ----------
        drawn : int64 array or uint64 array
            Wrong cells of the stored matrix: flat positions, or a mask (see `wrong_cells`).

        Returns
        -------
        int64 array or uint64 array
            Wrong weights in (neurons, inputs), in the same form.
        """
        from rramsim.crossbar.code_kernels import toggle_bits

        stored = np.broadcast_to(np.int8(0), (self.neurons + self.further_lines, self.inputs))
        wrong = as_positions(drawn, stored)
        turned = self._turned(wrong)
        if drawn.ndim == 2:
            mask = np.ascontiguousarray(drawn[: self.neurons]).astype(np.uint64, copy=True)
            toggle_bits(mask, turned, self.inputs)
            return mask
        weights = wrong[: np.searchsorted(wrong, self.neurons * self.inputs)]
        return np.setxor1d(weights, turned, assume_unique=True)

    def decode_chips(self, drawn: Masks) -> Masks:
        """Return the weights that are wrong after decoding, of many chips.

        Parameters
        ----------
        drawn : uint64 array, shape (chips, neurons + further_lines, words)
            A mask for each chip.
        """
        from rramsim.crossbar.code_kernels import decode_syndromes, decode_up_to

        decoded = np.empty((len(drawn), self.neurons, drawn.shape[2]), dtype=np.uint64)
        code, inputs, further = self.code, self.inputs, self.further_lines
        if isinstance(code, Hsiao):
            word = code.parity_bits, self.interleave, *self._sorted_columns(code)
            decode_syndromes(drawn, inputs, self.count, *word, further, decoded)
        else:
            lengths = code.k, code.parity_bits, self.interleave, code.corrected
            decode_up_to(drawn, inputs, self.count, *lengths, further, decoded)
        return decoded

    @staticmethod
    def _sorted_columns(code: Hsiao) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        order = np.argsort(code.columns)
        return code.columns[order], order.astype(np.int64)

    def _turned(self, wrong: NDArray[np.int64]) -> NDArray[np.int64]:
        from rramsim.crossbar.code_kernels import turn_by_syndrome, turn_up_to

        turned = np.empty(wrong.size, dtype=np.int64)
        code = self.code
        shape = self.neurons, self.inputs, self.further_lines
        if isinstance(code, Hsiao):
            columns = self._sorted_columns(code)
            syndromes = np.zeros(self.count, dtype=np.uint64)
            word = code.parity_bits, self.interleave
            count = turn_by_syndrome(wrong, *shape, *word, *columns, syndromes, turned)
        else:
            errors = np.zeros(self.count, dtype=np.uint16)
            lengths = code.k, code.parity_bits, self.interleave, code.corrected
            count = turn_up_to(wrong, *shape, *lengths, errors, turned)
        return turned[:count]


@dataclass(frozen=True)
class DecodedFaults:
    """The weights that are wrong after the words they lie in were decoded.

    Parameters
    ----------
    faults : FaultModel
        Of the cells, those of parity bits and padding included.
    coded : Coded
    """

    faults: FaultModel
    coded: Coded

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Flips:
        """Draw one layer of one chip (see `FaultModel`)."""
        words = Words(signs.shape, self.coded)
        return words.decode(wrong_cells(self.faults, words.stored(signs), seed))

    @property
    def drawn_from(self) -> FaultModel:
        """The model that draws the cells."""
        return self.faults

    def draw_chips(self, signs: Signs, seeds: ChipSeeds) -> Masks:
        """Draw a small layer of many chips, whose parity bits are the same."""
        words = Words(signs.shape, self.coded)
        cells = draws_chips(self.faults)
        assert cells is not None
        return words.decode_chips(cells.draw_chips(words.stored(signs), seeds))

    def identity(self) -> Mapping[str, object]:
        """Return the code and the model of the cells, fit for JSON."""
        return {"model": str(self.coded), "faults": self.faults.identity()}

    def mean_ber(self, hrs_share: float) -> float:
        """Return the expected share of wrong weights, of cells that err on their own.

        Parity bits are 1 as often as 0. A word lies along a row: NaN where its cells err together.
        """
        if isinstance(self.faults, CorrelatedFaults) and self.faults.ties_rows:
            return math.nan
        of_weights = mean_ber(self.faults, hrs_share)
        if math.isnan(of_weights):
            return math.nan
        return self.coded.code.residual(of_weights, mean_ber(self.faults, 0.5))

    @property
    def deterministic(self) -> bool:
        """Whether every chip has the same wrong cells."""
        return is_deterministic(self.faults)


@dataclass(frozen=True)
class ProtectedFaults:
    """Faults of weights that are protected; `protect` makes it.

    Parameters
    ----------
    faults : FaultModel
        Of the cells.
    protection : Protection
    asked : str
        How the protection was named, where measurements gave what the name leaves open; empty:
        as it is.
    """

    faults: FaultModel
    protection: Protection
    asked: str = ""

    def __post_init__(self) -> None:
        check_model(self.faults)
        if isinstance(self.faults, ProtectedFaults):
            raise InputError(
                f"The faults are protected by {self.faults.protection} already; give those of the "
                "cells."
            )
        # What cannot be used is refused here, and not when the first chip is drawn.
        _ = self.residual

    @cached_property
    def residual(self) -> FaultModel:
        """The fault model of the weights as they are read."""
        return self.protection.read_through(self.faults)

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Flips:
        """Draw one layer of one chip (see `FaultModel`)."""
        return wrong_cells(self.residual, signs, seed)

    @property
    def drawn_from(self) -> FaultModel:
        """The model that draws the weights."""
        return self.residual

    def draw_chips(self, signs: Signs, seeds: ChipSeeds) -> Masks:
        """Draw a small layer of many chips (see `draw_small`)."""
        weights = draws_chips(self.residual)
        assert weights is not None
        return weights.draw_chips(signs, seeds)

    def identity(self) -> Mapping[str, object]:
        """Return the protection and the model of the cells, fit for JSON."""
        return {
            "model": "protected",
            "protection": str(self.protection),
            "faults": self.faults.identity(),
        }

    def mean_ber(self, hrs_share: float) -> float:
        """Return the expected share of wrong weights, NaN where the model of the cells is mute."""
        return mean_ber(self.residual, hrs_share)

    @property
    def deterministic(self) -> bool:
        """Whether every chip has the same wrong weights."""
        return is_deterministic(self.residual)


def protect(faults: ChipFaults, protection: Protection | str) -> ChipFaults:
    """Return the faults of weights that are protected against those of their cells.

    Parameters
    ----------
    faults : FaultModel or LayerFaults
        Which cells go wrong.
    protection : str
        ``"none"``; ``"2T2R"``, two cells a weight, also ``"2T2R(offset=0.05, correlation=0.2)"``
        or with a BER known by itself, ``"2T2R(ber=1e-4)"``; ``"secded(72,64)"`` or a SECDED code of
        another length (bits of a word, of its data); ``"bch(78,64,2)"`` (the third number: wrong
        bits corrected), both also with ``interleave=8``; ``"verify(5)"``, up to 5 pulses until a
        cell passes, with ``level=1.5`` (times the reference) and ``read_spread=0.1``, the standard
        deviation of ln R from read to read. 2T2R without a BER and verify need `PopulationFaults`.

    Returns
    -------
    FaultModel or LayerFaults
        With the protection ``"none"``, `faults` itself.

    Raises
    ------
    InputError
        If the protection is unknown, or takes more than is known of the cells.

    Examples
    --------
    >>> import rramsim
    >>> protected = rramsim.protect(rramsim.IidFaults(0.01), "secded(72,64)")
    >>> f"{protected.mean_ber(hrs_share=0.5):.2e}"
    '5.34e-03'
    """
    chosen = parse(protection) if isinstance(protection, str) else protection
    if not hasattr(chosen, "read_through"):
        raise refused("protection", protection, ACCEPTED)
    if isinstance(faults, LayerFaults):
        return LayerFaults(tuple(_protected(model, chosen) for model in faults.models))
    return _protected(faults, chosen)


def on_their_own(faults: FaultModel) -> FaultModel:
    """Return faults at the same error rates of cells that err on their own, not with their lines.

    Those of cells of which none errs with another are given back as they are.
    """
    if isinstance(faults, CorrelatedFaults):
        return faults.marginal
    if not (isinstance(faults, ProtectedFaults) and isinstance(faults.faults, CorrelatedFaults)):
        return faults
    if isinstance(faults.residual, CorrelatedFaults):
        return faults.residual.marginal
    return replace(faults, faults=faults.faults.marginal)


def _protected(faults: FaultModel, protection: Protection) -> FaultModel:
    check_model(faults)
    if isinstance(protection, Unprotected):
        return faults
    if has_fresh_reads(faults):
        raise InputError(
            f"{protection}: takes cells whose read noise is frozen, and that of these is fresh at "
            "every image; protect the faults that they are made of."
        )
    return ProtectedFaults(faults, protection)


def protection_of(faults: ChipFaults) -> str:
    """Return the protection of a fault model, of each layer once where they differ."""
    models = faults.models if isinstance(faults, LayerFaults) else (faults,)
    names = [
        (model.asked or str(model.protection))
        if isinstance(model, ProtectedFaults)
        else str(Unprotected())
        for model in models
    ]
    return ", ".join(dict.fromkeys(names))


def programming_pulses(faults: ChipFaults, layers: Sequence[Signs]) -> Pulses:
    """Return what it takes to program the weights of a network once, under their protection.

    Parameters
    ----------
    faults : FaultModel or LayerFaults
        What `protect` gives, or unprotected.
    layers : sequence of int8 array, shape (neurons, inputs)
        The weights of each layer, -1 or +1.

    Examples
    --------
    >>> signs = np.ones((128, 10), dtype=np.int8)
    >>> programming_pulses(protect(IidFaults(0.01), "secded(72,64)"), [signs]).cells_per_weight
    1.125
    """
    models = by_layer(faults, len(layers))
    total = Pulses(0, 0, 0, 0.0, 0.0)
    for model, signs in zip(models, layers, strict=True):
        if isinstance(model, ProtectedFaults):
            total += model.protection.pulses(model.faults, signs)
        else:
            total += Unprotected().pulses(model, signs)
    return total


def parse(text: str) -> Protection:
    """Return the protection that a text names; see `protect`.

    Raises
    ------
    InputError
        If there is none of that name, or its numbers cannot be.

    Examples
    --------
    >>> str(parse("SECDED( 72, 64 )")), str(parse("verify(5, read_spread=0.1)"))
    ('secded(72,64)', 'verify(5, read_spread=0.1)')
    """
    found = re.fullmatch(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*", text)
    kind = _KINDS.get(found[1].lower()) if found else None
    if found is None or kind is None:
        raise refused("protection", text, ACCEPTED)
    pieces = [piece.strip() for piece in (found[2] or "").split(",")] if found[2] else []
    numbers = [piece for piece in pieces if "=" not in piece]
    options = [
        tuple(part.strip() for part in piece.split("=", 1)) for piece in pieces if "=" in piece
    ]
    names = [name for name, _ in options]
    if (
        len(numbers) != len(kind.numbers)
        or len(set(names)) < len(names)
        or not set(names) <= set(kind.options)
    ):
        raise refused("protection", text, kind.form)
    given = {
        name: _number_in(text, value, name)
        for name, value in [*zip(kind.numbers, numbers, strict=True), *options]
    }
    for name in (*kind.numbers, "interleave"):
        if name in given:
            given[name] = _whole(text, given[name], name)
    return kind.make(given)


# The comma of "secded(72,64)" is no separator.
_OUTSIDE_PARENTHESES = re.compile(r",(?![^()]*\))")


def parse_all(texts: Iterable[str]) -> list[Protection]:
    """Return the protections that texts name, several in one with commas between them; each once.

    Examples
    --------
    >>> [str(one) for one in parse_all(["none, secded(72,64)", "2T2R, none"])]
    ['none', 'secded(72,64)', '2T2R']
    """
    names = [name for text in texts for name in _OUTSIDE_PARENTHESES.split(text)]
    return list({str(one): one for one in map(parse, names)}.values())


@dataclass(frozen=True)
class _Kind:
    """How a protection is written, and what makes it."""

    numbers: tuple[str, ...]
    options: tuple[str, ...]
    make: Callable[[dict[str, Any]], Protection]

    @property
    def form(self) -> str:
        """What a message says is accepted."""
        name = next(name for name, kind in _KINDS.items() if kind is self)
        written = name.upper() if name[0].isdigit() else name
        parts = [*self.numbers, *(f"{option}=..." for option in self.options)]
        optional = f" ({', '.join(self.options)} may be left out)" if self.options else ""
        return (f"{written}({', '.join(parts)})" if parts else written) + optional


def _code(make: Callable[..., Code]) -> Callable[[dict[str, Any]], Protection]:
    def made(given: dict[str, Any]) -> Protection:
        interleave = given.pop("interleave", 1)
        return Coded(make(*given.values()), interleave)

    return made


def _verified(given: dict[str, Any]) -> Protection:
    spread = given.pop("read_spread", math.nan)
    spreads = {"read_spread_lrs": spread, "read_spread_hrs": spread} | {
        name: given.pop(name) for name in ("read_spread_lrs", "read_spread_hrs") if name in given
    }
    return Verified(given["pulses"], given.get("level", 1.0), **spreads)


_KINDS: dict[str, _Kind] = {
    "none": _Kind((), (), lambda given: Unprotected()),
    "2t2r": _Kind((), ("ber", "offset", "correlation"), lambda given: Pairs(**given)),
    "secded": _Kind(("n", "k"), ("interleave",), _code(Hsiao)),
    "bch": _Kind(("n", "k", "corrected"), ("interleave",), _code(Bch)),
    "verify": _Kind(
        ("pulses",), ("level", "read_spread", "read_spread_lrs", "read_spread_hrs"), _verified
    ),
}


def _number_in(text: str, value: str, name: str) -> float:
    try:
        converted = float(value)
    except ValueError:
        converted = math.nan
    if not math.isfinite(converted):
        raise InputError(f"protection is {shown(text)}; {name} must be a number.")
    return converted


def _whole(text: str, value: float, name: str) -> int:
    if not value.is_integer():
        raise InputError(f"protection is {shown(text)}; {name} must be a whole number.")
    return int(value)
