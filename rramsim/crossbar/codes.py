"""Error-correcting codes: which parity bits belong to a word, and how many bits stay wrong.

A word of n bits holds k bits of data and n - k parity bits. Both codes are shortened and
systematic: the parity bits are the sum (modulo 2) of the columns of the data bits that are 1, and
a parity bit has a column of its own with a single 1. The syndrome of what is read is the sum of the
columns of the bits that are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py, xlogy

from rramsim.errors import InputError

LONGEST_WORD = 1024
"""Most bits of a word."""

MOST_PARITY_BITS = 64
"""Most parity bits of a word: a column is one number."""

# Enough for the longest word; all syndromes are gone through for the exact residual rate.
_MOST_SECDED_PARITY = 11
_MOST_FIELD = 14  # GF(2**14) is more than the longest word needs
# The primitive polynomial of least weight for each field GF(2**m), as in S. Lin and D. J.
# Costello, "Error Control Coding", 2nd ed. 2004, table 2.7. Bit i is the coefficient of x**i.
_PRIMITIVE = {
    3: 0b1011,
    4: 0b10011,
    5: 0b100101,
    6: 0b1000011,
    7: 0b10001001,
    8: 0b100011101,
    9: 0b1000010001,
    10: 0b10000001001,
    11: 0b100000000101,
    12: 0b1000001010011,
    13: 0b10000000011011,
    14: 0b100010001000011,
}

Columns = NDArray[np.uint64]


def residual_bounds(n: int, corrected: int, ber: float) -> tuple[float, float]:
    """Return the least and the greatest share of bits that a code can leave wrong.

    With i wrong bits among the n of a word, i binomial, a word of more than t wrong bits is left
    as it is read, or the decoder turns up to t further ones:
    ``sum over i > t of (i / n) b(i)`` and ``sum over i > t of (min(i + t, n) / n) b(i)``.

    Parameters
    ----------
    n : int
        Bits of a word.
    corrected : int
        t, the wrong bits that are always corrected.
    ber : float
        Of each bit on its own, 0 to 1.

    Examples
    --------
    >>> [f"{bound:.2e}" for bound in residual_bounds(78, 2, 1e-2)]
    ['1.80e-03', '2.92e-03']
    """
    wrong = np.arange(corrected + 1, n + 1)
    chance = _binomial(n, ber)[wrong]
    low, high = wrong / n @ chance, np.minimum(wrong + corrected, n) / n @ chance
    return float(low), float(high)


def _binomial(n: int, rate: float) -> NDArray[np.float64]:
    """Return the chance of 0 to n successes among n."""
    i = np.arange(n + 1)
    # Whole numbers: their binomial coefficients are exact before the logarithm.
    ways = np.array([math.log(math.comb(n, one)) for one in range(n + 1)])
    chance: NDArray[np.float64] = np.exp(ways + xlogy(i, rate) + xlog1py(n - i, -rate))
    return chance


@dataclass(frozen=True)
class Hsiao:
    """A code that corrects one wrong bit of a word and detects two (SECDED).

    Its columns are distinct and have an odd number of ones: those with a single 1 for the parity
    bits, then those of three ones, of five and so on for the data, and within a weight those that
    keep the rows even. (72, 64) has 8 columns of weight 1, 56 of weight 3 and 8 of weight 5
    (M. Y. Hsiao, "A class of optimal minimum odd-weight-column SEC-DED codes", IBM Journal of
    Research and Development 14, 1970, 395-401).

    A syndrome of 0 changes nothing, one that equals a column turns that bit, and any other is
    detected: the word is used as it is read.

    Parameters
    ----------
    n, k : int
        Bits of a word, and of its data.

    Examples
    --------
    >>> code = Hsiao(72, 64)
    >>> f"{code.residual(1e-3, 1e-3):.2e}"
    '6.90e-05'
    """

    n: int
    k: int

    corrected = 1

    def __post_init__(self) -> None:
        _check_lengths(str(self), self.n, self.k)
        needed = next(
            count for count in range(2, LONGEST_WORD) if 2 ** (count - 1) - count >= self.k
        )
        if self.parity_bits < needed:
            raise InputError(
                f"{self}: {self.k} bits of data need {needed} parity bits, and {self.parity_bits} "
                f"are left; accepted: secded({self.k + needed},{self.k})."
            )
        if self.parity_bits > _MOST_SECDED_PARITY:
            raise InputError(
                f"{self}: {self.parity_bits} parity bits; at most {_MOST_SECDED_PARITY} are "
                f"accepted, and {needed} are enough: secded({self.k + needed},{self.k})."
            )

    def __str__(self) -> str:
        """Return the code as a person names it."""
        return f"secded({self.n},{self.k})"

    @property
    def parity_bits(self) -> int:
        """Parity bits of a word, n - k."""
        return self.n - self.k

    @property
    def columns(self) -> Columns:
        """The columns of the data bits; bit i of a column is its row i."""
        return np.array(_hsiao_columns(self.k, self.parity_bits), dtype=np.uint64)

    def residual(self, data_ber: float, parity_ber: float) -> float:
        """Return the share of data bits that are wrong after decoding, where all err on their own.

        Of data bit j with column h_j, error rate p and syndrome S_j of all others,
        ``p P(S_j != 0) + (1 - p) P(S_j = h_j)``. A bit that errs with rate p_i contributes its
        column to S with that rate, so the distribution of S is a product in the characters of
        GF(2)**r: ``P(S = s) = 2**-r sum over u of (-1)**(u.s) prod over i of (1 - 2 p_i)**(u.h_i)``
        (the identity of F. J. MacWilliams).

        Parameters
        ----------
        data_ber, parity_ber : float
            Error rates of the data bits and of the parity bits, 0 to 1.
        """
        columns = self.columns
        u = np.arange(2**self.parity_bits, dtype=np.uint64)
        odd = np.bitwise_count(u[:, np.newaxis] & columns[np.newaxis, :]) & 1
        # Exponents, not a product of all factors: there are but two different rates.
        data_ones, parity_ones = odd.sum(axis=1, dtype=int), np.bitwise_count(u).astype(int)
        of_parity = (1.0 - 2.0 * parity_ber) ** parity_ones
        factor = 1.0 - 2.0 * data_ber
        others = of_parity[:, np.newaxis] * factor ** (data_ones[:, np.newaxis] - odd)
        none = others.mean(axis=0)
        this = (np.where(odd, -1.0, 1.0) * others).mean(axis=0)
        exact = float((data_ber * (1.0 - none) + (1.0 - data_ber) * this).mean())
        if data_ber != parity_ber:
            return min(max(exact, 0.0), 1.0)
        # Of tiny rates little is left of the difference of sums near 1. Two wrong bits stay as they
        # are read; of more, the decoder may turn one that is right.
        low, _ = residual_bounds(self.n, self.corrected, data_ber)
        high = low + float(_binomial(self.n, data_ber)[3:].sum()) / self.k
        return min(max(exact, low), high)


@lru_cache(maxsize=32)
def _hsiao_columns(k: int, parity_bits: int) -> tuple[int, ...]:
    columns: list[int] = []
    rows = np.zeros(parity_bits, dtype=int)
    for weight in range(3, parity_bits + 1, 2):
        every = list(combinations(range(parity_bits), weight))
        if len(every) <= k - len(columns):
            chosen = every
        else:
            chosen = list(_evenly(every, rows.copy(), count=k - len(columns)))
        for ones in chosen:
            rows[list(ones)] += 1
            columns.append(sum(1 << row for row in ones))
        if len(columns) == k:
            break
    return tuple(columns)


def _evenly(
    every: list[tuple[int, ...]], rows: NDArray[np.int_], *, count: int
) -> Iterator[tuple[int, ...]]:
    """Yield so many of the columns, each time the first that adds to the emptiest rows."""
    among = np.array(every)
    for _ in range(count):
        place = int((rows[among] ** 2).sum(axis=1).argmin())
        chosen = tuple(among[place].tolist())
        rows[list(chosen)] += 1
        among = np.delete(among, place, axis=0)
        yield chosen


@dataclass(frozen=True)
class Bch:
    """A code that corrects up to `corrected` wrong bits of a word (BCH, binary and primitive).

    It is the code of the least field GF(2**m) whose generator polynomial, the least common
    multiple of the minimal polynomials of a, a**3, ..., a**(2 t - 1), has n - k as its degree
    (R. C. Bose and D. K. Ray-Chaudhuri, "On a class of error correcting binary group codes",
    Information and Control 3, 1960, 68-79), shortened to n bits. A word with more wrong bits is
    used as it is read.

    Parameters
    ----------
    n, k : int
        Bits of a word, and of its data.
    corrected : int
        t.

    Examples
    --------
    >>> f"{Bch(78, 64, 2).residual(1e-3, 1e-3):.2e}"
    '2.78e-06'
    """

    n: int
    k: int
    corrected: int

    def __post_init__(self) -> None:
        _check_lengths(str(self), self.n, self.k)
        if not 1 <= self.corrected <= self.parity_bits:
            raise InputError(
                f"{self}: corrects {self.corrected} bits; a number from 1 to {self.parity_bits}, "
                "its parity bits, is needed."
            )
        if _field_of(self) == 0:
            needed = _parity_needed(self.k, self.corrected)
            fitting = f"accepted: bch({self.k + needed},{self.k},{self.corrected})"
            raise InputError(
                f"{self}: there is no such BCH code: to correct {self.corrected} of {self.k} bits "
                f"of data takes {needed} parity bits or, in a larger field, more; {fitting}."
                if needed
                else f"{self}: there is no such BCH code; accepted: bch(78,64,2), bch(85,64,3)."
            )
        if self.parity_bits > MOST_PARITY_BITS:
            raise InputError(
                f"{self}: {self.parity_bits} parity bits; at most {MOST_PARITY_BITS} are accepted."
            )

    def __str__(self) -> str:
        """Return the code as a person names it."""
        return f"bch({self.n},{self.k},{self.corrected})"

    @property
    def parity_bits(self) -> int:
        """Parity bits of a word, n - k."""
        return self.n - self.k

    @property
    def columns(self) -> Columns:
        """The columns of the data bits: x**(n - k + i) modulo the generator polynomial."""
        return np.array(_bch_columns(self), dtype=np.uint64)

    def residual(self, data_ber: float, parity_ber: float) -> float:
        """Return the share of data bits that are wrong after decoding, where all err on their own.

        A data bit stays wrong where t or more of the others of its word are wrong.

        Parameters
        ----------
        data_ber, parity_ber : float
            Error rates of the data bits and of the parity bits, 0 to 1.
        """
        others = np.convolve(
            _binomial(self.k - 1, data_ber), _binomial(self.parity_bits, parity_ber)
        )
        return float(data_ber * min(others[self.corrected :].sum(), 1.0))


Code = Hsiao | Bch


def _check_lengths(name: str, n: int, k: int) -> None:
    if not 1 <= k < n <= LONGEST_WORD:
        raise InputError(
            f"{name}: a word of {n} bits with {k} of data; 1 or more of data, and more bits in the "
            f"word, at most {LONGEST_WORD:,}, are needed."
        )


def _field_of(code: Bch) -> int:
    """Return the m of the least field whose generator has as many parity bits; 0: none has."""
    fields = (m for m in _PRIMITIVE if 2**m - 1 >= code.n)
    degrees = ((m, _generator(m, code.corrected).bit_length() - 1) for m in fields)
    return next((m for m, degree in degrees if degree == code.parity_bits), 0)


def _parity_needed(k: int, corrected: int) -> int:
    """Return the least parity bits of a BCH code for so much data; 0: none is long enough."""
    for m in _PRIMITIVE:
        degree = _generator(m, corrected).bit_length() - 1
        if k + degree <= min(2**m - 1, LONGEST_WORD) and degree <= MOST_PARITY_BITS:
            return degree
    return 0


@lru_cache(maxsize=64)
def _generator(m: int, corrected: int) -> int:
    """Return the generator polynomial of the BCH code of a field, bit i the coefficient of x**i."""
    order = 2**m - 1
    powers = [1]
    for _ in range(order - 1):
        following = powers[-1] << 1
        powers.append(following ^ _PRIMITIVE[m] if following >> m else following)
    logarithm = {value: power for power, value in enumerate(powers)}
    roots: set[int] = set()
    generator = 1
    for first in range(1, min(2 * corrected, order), 2):
        if first in roots:
            continue
        conjugates = sorted({first * 2**i % order for i in range(m)})
        roots.update(conjugates)
        # The minimal polynomial, the product of (x + a**c); its coefficients end up as 0 or 1.
        minimal = [1]
        for conjugate in conjugates:
            shifted = [0, *minimal]
            for place, value in enumerate(minimal):
                if value:
                    shifted[place] ^= powers[(logarithm[value] + conjugate) % order]
            minimal = shifted
        generator = _times(generator, sum(value << place for place, value in enumerate(minimal)))
    return generator


def _times(one: int, other: int) -> int:
    """Return the product of two polynomials over GF(2)."""
    product = 0
    for place in range(other.bit_length()):
        if other >> place & 1:
            product ^= one << place
    return product


@lru_cache(maxsize=32)
def _bch_columns(code: Bch) -> tuple[int, ...]:
    generator = _generator(_field_of(code), code.corrected)
    columns = []
    rest = 1
    for power in range(1, code.n):
        rest <<= 1
        if rest >> code.parity_bits:
            rest ^= generator
        if power >= code.parity_bits:
            columns.append(rest)
    return tuple(columns)
