"""Codes against their definition, enumeration of all error patterns, and independent numbers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.crossbar.codes import Bch, Hsiao, residual_bounds
from rramsim.errors import InputError


def all_columns(code):
    return [*code.columns.tolist(), *(1 << bit for bit in range(code.parity_bits))]


def test_the_72_64_code_has_hsiao_s_columns():
    columns = Hsiao(72, 64).columns
    assert len(set(columns.tolist())) == 64
    assert np.bincount(np.bitwise_count(columns)).tolist() == [0, 0, 0, 56, 0, 8]
    ones = [int(sum(column >> row & 1 for column in columns.tolist())) for row in range(8)]
    assert ones == [26] * 8  # as even as they can be


@pytest.mark.parametrize("code", [Bch(15, 7, 2), Bch(15, 5, 3), Bch(78, 64, 2), Bch(85, 64, 3)])
def test_a_bch_code_tells_all_patterns_it_corrects_apart(code):
    columns = all_columns(code)
    syndromes = [
        np.bitwise_xor.reduce(list(pattern))
        for errors in range(1, code.corrected + 1)
        for pattern in itertools.combinations(columns, errors)
    ]
    assert len(set(syndromes)) == len(syndromes)
    assert 0 not in syndromes


@pytest.mark.parametrize(
    ("n", "corrected", "ber", "low", "high"),
    [
        (78, 2, 1e-3, 2.78e-6, 4.63e-6),
        (78, 2, 1e-2, 1.80e-3, 2.92e-3),
        (78, 2, 3.3e-2, 2.40e-2, 3.62e-2),
        (85, 3, 1e-3, 8.97e-8, 1.57e-7),
        (85, 3, 1e-2, 5.25e-4, 9.01e-4),
        (85, 3, 3.3e-2, 1.74e-2, 2.83e-2),
        (72, 1, 0.0, 0.0, 0.0),
        (72, 1, 1.0, 1.0, 1.0),
    ],
)
def test_the_bounds_are_those_of_the_binomial(n, corrected, ber, low, high):
    assert residual_bounds(n, corrected, ber) == pytest.approx((low, high), rel=4e-3)


def test_a_word_of_the_8_4_code_is_left_wrong_where_another_bit_is_too():
    low, _ = residual_bounds(8, 1, 3.3e-2)
    assert low == pytest.approx(3.3e-2 * (1 - (1 - 3.3e-2) ** 7), rel=1e-12)
    assert low == pytest.approx(6.9e-3, rel=2e-3)
    assert Hsiao(8, 4).residual(9.7e-5, 9.7e-5) == pytest.approx(6.6e-8, rel=5e-3)


@pytest.mark.parametrize(
    ("ber", "residual"), [(1e-3, 6.88e-5), (3e-3, 5.81e-4), (1e-2, 5.32e-3), (3.3e-2, 3.21e-2)]
)
def test_secded_leaves_what_a_decoder_of_1_2_million_words_left(ber, residual):
    assert Hsiao(72, 64).residual(ber, ber) == pytest.approx(residual, rel=0.01)


@pytest.mark.parametrize("code", [Hsiao(8, 4), Hsiao(9, 4), Bch(10, 2, 2)])
@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.03, 0.03), (0.2, 0.05), (0.5, 0.5), (1.0, 1.0)])
def test_the_residual_rate_is_that_of_all_error_patterns(code, rates):
    columns = all_columns(code)
    chance = [rates[0]] * code.k + [rates[1]] * code.parity_bits
    expected = 0.0
    for pattern in itertools.product((0, 1), repeat=code.n):
        syndrome = 0
        for is_wrong, column in zip(pattern, columns, strict=True):
            syndrome ^= column * is_wrong
        read = list(pattern)
        if isinstance(code, Bch):
            read = [0] * code.n if sum(pattern) <= code.corrected else read
        elif syndrome in columns:
            read[columns.index(syndrome)] ^= 1
        weight = math.prod(p if bit else 1 - p for bit, p in zip(pattern, chance, strict=True))
        expected += weight * sum(read[: code.k]) / code.k
    assert code.residual(*rates) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@given(st.floats(0, 0.5), st.sampled_from([Hsiao(72, 64), Hsiao(39, 32), Bch(78, 64, 2)]))
def test_the_residual_rate_lies_between_the_bounds(ber, code):
    low, high = residual_bounds(code.n, code.corrected, ber)
    assert low * (1 - 1e-9) <= code.residual(ber, ber) <= high * (1 + 1e-9)


def test_a_tiny_rate_leaves_its_square():
    # All of it is double errors, which are used as they are read.
    assert Hsiao(72, 64).residual(1e-9, 1e-9) == pytest.approx(71e-18, rel=1e-6, abs=0)
    assert Bch(78, 64, 2).residual(1e-9, 1e-9) == pytest.approx(
        math.comb(77, 2) * 1e-27, rel=1e-6, abs=0
    )


@pytest.mark.parametrize(
    ("make", "numbers", "message"),
    [
        (Hsiao, (71, 64), "64 bits of data need 8 parity bits, and 7 are left; accepted: sec"),
        (Hsiao, (72, 8), "64 parity bits; at most 11 are accepted"),
        (Hsiao, (64, 72), "a word of 64 bits with 72 of data"),
        (Hsiao, (2000, 1900), "at most 1,024"),
        (Bch, (79, 64, 2), "there is no such BCH code"),
        (Bch, (79, 64, 2), "accepted: bch(78,64,2)"),
        (Bch, (78, 64, 0), "corrects 0 bits; a number from 1 to 14"),
        (Bch, (1024, 10, 99), "there is no such BCH code"),
    ],
)
def test_a_code_that_cannot_be_is_refused_with_one_that_can(make, numbers, message):
    with pytest.raises(InputError) as refused:
        make(*numbers)
    assert message in str(refused.value)
