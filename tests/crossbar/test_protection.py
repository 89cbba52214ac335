"""Protections against a naive decoder, their closed forms and independent numbers."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim.crossbar.codes import Hsiao
from rramsim.crossbar.faults import (
    IidFaults,
    LayerFaults,
    PopulationFaults,
    StateFaults,
    is_deterministic,
    wrong_cells,
)
from rramsim.crossbar.protection import (
    ProtectedFaults,
    Words,
    parse,
    programming_pulses,
    protect,
    protection_of,
)
from rramsim.crossbar.sampling import as_positions
from rramsim.device.bit_errors.sensing import StatePair, log_bit_error_rate_2t2r
from rramsim.errors import InputError

FALSE_ALARM = 1e-4

# Medians, spreads and references of device_data/hirtzlin2019-reconstructed/README.md.
SHIPPED = {
    "very strong": (2.2e3, 0.18, 240e3, 0.7290, 5.79e3),
    "strong": (8.8e3, 0.26, 300e3, 0.6943, 24.2e3),
    "weak": (21.5e3, 0.36, 150e3, 0.7141, 45.0081945e3),
}


def populations(name):
    lrs, sigma_lrs, hrs, sigma_hrs, reference = SHIPPED[name]
    return PopulationFaults(math.log(lrs), sigma_lrs, math.log(hrs), sigma_hrs, reference)


def seed(chip=0):
    return np.random.SeedSequence(7, spawn_key=(chip,))


def all_columns(code):
    return [*code.columns.tolist(), *(1 << bit for bit in range(code.parity_bits))]


def random_signs(*shape, hrs_share=0.5):
    return np.where(np.random.default_rng(5).random(shape) < hrs_share, 1, -1).astype(np.int8)


def wrong(model, signs, chip=0):
    return as_positions(wrong_cells(model, signs, seed(chip)), signs)


def words_of(shape, code, interleave, further):
    """Return the cells of each word, flat in the matrix with its further bit lines, one by one."""
    neurons, inputs = shape
    order = [neuron * inputs + line for line in range(inputs) for neuron in range(neurons)]
    beside = [(neurons + row) * inputs + line for line in range(inputs) for row in range(further)]
    padding = -len(order) % code.k
    order, beside = order + beside[:padding], beside[padding:]
    words = []
    while order:
        among = min(interleave, len(order) // code.k)
        taken, order = order[: among * code.k], order[among * code.k :]
        words += [taken[lane::among] for lane in range(among)]
    r = code.parity_bits
    return [[*word, *beside[r * i : r * (i + 1)]] for i, word in enumerate(words)]


def naive_decode(wrong_before, words, code):
    columns, left = all_columns(code), set(wrong_before)
    for word in words:
        errors = [place for place, cell in enumerate(word) if cell in left]
        if isinstance(code, Hsiao):
            syndrome = int(np.bitwise_xor.reduce([columns[place] for place in errors] or [0]))
            left ^= {word[columns.index(syndrome)]} if syndrome in columns else set()
        elif len(errors) <= code.corrected:
            left -= {word[place] for place in errors}
    return left


TEXTS = ["secded(8,4)", "secded(13,8)", "secded(72,64)", "bch(15,7,2)", "bch(78,64,2)"]


@settings(max_examples=60, deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    interleave=st.integers(1, 9),
    neurons=st.integers(1, 40),
    inputs=st.integers(1, 30),
    ber=st.sampled_from([0.001, 0.01, 0.1, 0.5]),
)
def test_a_chip_is_decoded_as_word_by_word(text, interleave, neurons, inputs, ber):
    coded = parse(text[:-1] + f", interleave={interleave})")
    signs = random_signs(neurons, inputs)
    words = Words(signs.shape, coded)
    stored = words.stored(signs)
    cells = words_of(signs.shape, coded.code, interleave, words.further_lines)
    assert words.cells == sum(map(len, cells))
    drawn = wrong(IidFaults(ber), stored)
    left = naive_decode(drawn.tolist(), cells, coded.code)
    expected = sorted(cell for cell in left if cell < signs.size)
    assert wrong(protect(IidFaults(ber), str(coded)), signs).tolist() == expected
    # Without faults no word has a syndrome: the parity bits are those of the weights.
    columns = all_columns(coded.code)
    flat = stored.reshape(-1)
    for word in cells:
        ones = [column for cell, column in zip(word, columns, strict=True) if flat[cell] > 0]
        assert np.bitwise_xor.reduce(ones or [0]) == 0


@pytest.mark.parametrize("shape", [(128, 40), (50, 31)])
@pytest.mark.parametrize("ber", [1e-3, 0.05])
def test_a_protected_chip_has_the_wrong_cells_of_the_unprotected_one(shape, ber):
    signs = random_signs(*shape)
    faults = StateFaults(ber, ber / 2)
    stored = Words(signs.shape, parse("secded(72,64)")).stored(signs)
    drawn = wrong(faults, stored)
    assert drawn[drawn < signs.size].tolist() == wrong(faults, signs).tolist()


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("secded(72,64)", IidFaults(1e-2)),
        ("secded(72,64, interleave=8)", IidFaults(3.3e-2)),
        ("secded(72,64)", StateFaults(0.002, 0.02)),
        ("bch(78,64,2)", IidFaults(1e-2)),
        ("bch(85,64,3)", StateFaults(0.0, 0.04)),
        ("2T2R(ber=0.003)", IidFaults(0.1)),
        ("verify(2, read_spread=0.1)", populations("weak")),
    ],
)
def test_chips_show_the_residual_rate(text, faults):
    signs, chips = random_signs(1024, 500, hrs_share=0.3), 6
    model = protect(faults, text)
    rates = [wrong(model, signs, chip).size / signs.size for chip in range(chips)]
    # Errors come in words of 64: their variance is below that many times the binomial one.
    expected = model.mean_ber(0.3)
    error = math.sqrt(8 * expected / (chips * signs.size))
    assert abs(np.mean(rates) - expected) < stats.norm.isf(FALSE_ALARM / 2) * error


def test_residual_errors_come_in_words():
    signs = random_signs(640, 200)
    counts = [wrong(protect(IidFaults(0.01), "secded(72,64)"), signs, chip) for chip in range(40)]
    sizes = np.array([cells.size for cells in counts])
    assert np.var(sizes, ddof=1) > 1.5 * sizes.mean()


def test_words_that_are_longer_than_a_layer_are_padded_and_the_padding_counted():
    signs = random_signs(3, 5)
    pulses = programming_pulses(protect(IidFaults(0.1), "secded(72,64)"), [signs])
    assert pulses.cells == 72
    assert pulses.sets + pulses.resets == 72
    assert pulses.cells_per_weight == 4.8


@pytest.mark.parametrize("text", ["secded(72,64)", "bch(78,64,2)"])
def test_without_errors_none_are_left_and_of_halves_a_half(text):
    signs = random_signs(64, 64)
    none = protect(IidFaults(0.0), text)
    assert wrong(none, signs).size == 0
    assert is_deterministic(none)
    assert none.mean_ber(0.5) == 0
    half = protect(IidFaults(0.5), text)
    assert half.mean_ber(0.5) == pytest.approx(0.5)
    assert stats.binomtest(wrong(half, signs).size, signs.size, 0.5).pvalue > FALSE_ALARM
    assert not is_deterministic(half)


@pytest.mark.parametrize(
    ("name", "ber"), [("very strong", 2.07e-10), ("strong", 9.68e-7), ("weak", 7.57e-3)]
)
def test_2t2r_of_the_shipped_sets(name, ber):
    of = populations(name)
    protected = protect(of, "2T2R")
    assert protected.mean_ber(0.2) == pytest.approx(ber, rel=2e-3)
    pair = StatePair(of.mu_lrs, of.sigma_lrs, of.mu_hrs, of.sigma_hrs)
    for options in ({}, {"offset": 0.3}, {"offset": 0.1, "correlation": 0.4}):
        text = ", ".join(f"{key}={value}" for key, value in options.items())
        by_device = log_bit_error_rate_2t2r(
            pair,
            offset_spread=options.get("offset", 0.0),
            pair_correlation=options.get("correlation", 0.0),
        )
        assert protect(of, f"2T2R({text})").mean_ber(0.5) == pytest.approx(math.exp(by_device))


@pytest.mark.parametrize(
    ("text", "ber_hrs"),
    [
        ("verify(1, read_spread=0.02)", 0.0460),
        ("verify(2, read_spread=0.02)", 3.22e-3),
        ("verify(5, read_spread=0.02)", 1.16e-3),
        ("verify(2, read_spread=0.1)", 8.4e-3),
        ("verify(5, read_spread=0.1)", 6.5e-3),
        ("verify(2, read_spread=0.2)", 1.68e-2),
        ("verify(5, read_spread=0.2)", 1.51e-2),
        ("verify(5, level=1.5, read_spread=0.02)", 1.4e-5),
        ("verify(5, level=1.5, read_spread=0.1)", 1.5e-5),
        ("verify(5, level=1.5, read_spread=0.2)", 6.2e-4),
        ("verify(1, read_spread=0)", 0.045925),
    ],
)
def test_verification_of_the_weak_hrs(text, ber_hrs):
    of = populations("weak")
    assert protect(of, text).residual.ber_hrs == pytest.approx(ber_hrs, rel=0.04, abs=0)


@pytest.mark.parametrize("reference_spread", [0.0, 0.3])
def test_verification_of_lrs_is_that_of_hrs_mirrored(reference_spread):
    of = replace(populations("weak"), reference_spread=reference_spread)
    ln_reference = math.log(of.reference_resistance)
    mirrored = PopulationFaults(
        2 * ln_reference - of.mu_hrs,
        of.sigma_hrs,
        2 * ln_reference - of.mu_lrs,
        of.sigma_lrs,
        of.reference_resistance,
        of.reference_spread,
    )
    text = "verify(3, level=1.2, read_spread_lrs=0.05, read_spread_hrs=0.15)"
    swapped = "verify(3, level=1.2, read_spread_lrs=0.15, read_spread_hrs=0.05)"
    one, other = protect(of, text).residual, protect(mirrored, swapped).residual
    assert one.ber_lrs == pytest.approx(other.ber_hrs, rel=1e-9)
    assert one.ber_hrs == pytest.approx(other.ber_lrs, rel=1e-9)


def test_verification_against_cells_programmed_one_by_one():
    of, reads, cells = populations("weak"), 0.2, 400_000
    rng, reference = np.random.default_rng(3), math.log(SHIPPED["weak"][-1])
    x = rng.normal(of.mu_hrs, of.sigma_hrs, cells)
    for _ in range(2):
        again = x < reference + math.log(1.3)
        x[again] = rng.normal(of.mu_hrs, of.sigma_hrs, again.sum())
    errors = int((x + rng.normal(0, reads, cells) < reference).sum())
    ber = protect(of, f"verify(3, level=1.3, read_spread={reads})").residual.ber_hrs
    assert stats.binomtest(errors, cells, ber).pvalue > FALSE_ALARM


def test_what_programming_takes():
    signs = [random_signs(128, 10, hrs_share=0.25), random_signs(10, 128)]
    weights = 2560
    hrs = sum(int((one > 0).sum()) for one in signs)
    joule = 4e-12, 5e-12  # SET, RESET
    none = programming_pulses(populations("weak"), signs)
    assert none.energy(*joule) == pytest.approx((weights - hrs) * 4e-12 + hrs * 5e-12)
    assert (none.cells_per_weight, none.pulses_per_weight, none.most_pulses) == (1, 1, 1)
    pairs = programming_pulses(protect(populations("weak"), "2T2R"), signs)
    assert (pairs.cells_per_weight, pairs.pulses_per_weight) == (2, 2)
    assert pairs.energy(*joule) == pytest.approx(weights * 9e-12)
    code = programming_pulses(protect(IidFaults(0.1), "secded(72,64)"), signs)
    stored = [Words(one.shape, parse("secded(72,64)")).stored(one) for one in signs]
    in_hrs = sum(int((one > 0).sum()) for one in stored)
    assert (code.cells, code.pulses_per_weight, code.resets) == (2880, 1.125, in_hrs)
    verified = programming_pulses(
        protect(populations("weak"), "verify(5, level=1.5, read_spread=0.1)"),
        [-(signs[0] ** 2) * -1],
    )
    assert verified.pulses_per_weight == pytest.approx(1.152, abs=5e-4)  # all weights are +1
    assert verified.verifying_reads == pytest.approx(verified.resets)
    assert (verified.cells_per_weight, verified.most_pulses) == (1, 5)
    # By hand: about 5 pJ and 1.15 reads.
    assert verified.energy(math.nan, 5e-12) / 1280 == pytest.approx(5.76e-12, rel=1e-3)


def test_the_energy_is_unknown_where_that_of_a_pulse_is():
    pulses = programming_pulses(protect(populations("weak"), "2T2R"), [random_signs(4, 4)])
    assert math.isnan(pulses.energy(math.nan, 5e-12))


@pytest.mark.parametrize(
    "text",
    [
        "none",
        "2T2R",
        "2T2R(ber=0.001)",
        "2T2R(offset=0.1, correlation=0.3)",
        "secded(72,64)",
        "secded(39,32, interleave=4)",
        "bch(78,64,2)",
        "verify(5, level=1.5, read_spread=0.1)",
        "verify(5, read_spread_lrs=0.05, read_spread_hrs=0.1)",
    ],
)
def test_a_protection_is_written_as_it_is_read(text):
    assert str(parse(text)) == text
    assert str(parse(f"  {text.upper()} ".replace("SPREAD", "spread").lower())) == text


def test_an_unknown_protection_is_refused_with_the_names():
    with pytest.raises(InputError) as refused:
        parse("hamming(7,4)")
    assert str(refused.value) == (
        "protection is 'hamming(7,4)'; accepted: none, 2T2R, secded(72,64), bch(78,64,2), "
        "verify(5)."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "accepted: none, 2T2R"),
        ("secded(72)", "accepted: secded(n, k, interleave=...)"),
        ("secded(72,64,interleave=0)", "interleave is 0; a whole number from 1"),
        ("secded(72.5,64)", "n must be a whole number"),
        ("bch(a,64,2)", "n must be a number"),
        ("verify(0)", "accepted are 1 to 1,000 pulses"),
        ("verify(5, level=0.5)", "level is 0.5; accepted: a number from 1 on"),
        ("verify(5, level=1.5, level=2)", "accepted: verify(pulses, "),
        ("2T2R(ber=2)", "ber is 2.0; accepted: a number from 0 to 1"),
        ("2T2R(ber=0.1, offset=1)", "give one of the two"),
        ("none(1)", "accepted: none."),
    ],
)
def test_numbers_that_cannot_be_are_refused(text, message):
    with pytest.raises(InputError) as refused:
        parse(text)
    assert message in str(refused.value)


def test_what_is_not_known_of_the_cells_is_not_assumed():
    with pytest.raises(InputError, match=r"2T2R compares .* IidFaults has bit-error rates only"):
        protect(IidFaults(0.01), "2T2R")
    with pytest.raises(InputError, match=r"spread of ln R from one read .* verify\(5, read_spread"):
        protect(populations("weak"), "verify(5)")
    with pytest.raises(InputError, match="protected by secded"):
        protect(protect(IidFaults(0.1), "secded(72,64)"), "secded(72,64)")


def test_no_protection_is_the_model_itself_and_layers_are_protected_one_by_one():
    faults = IidFaults(0.01)
    assert protect(faults, "none") is faults
    layers = LayerFaults((protect(faults, "secded(8,4)"), faults))
    assert protection_of(layers) == "secded(8,4), none"
    assert protection_of(protect(LayerFaults((faults, faults)), "secded(8,4)")) == "secded(8,4)"


def test_a_protected_model_survives_pickling_and_has_an_identity_of_its_own():
    model = protect(StateFaults(0.01, 0.02), "bch(78,64,2, interleave=4)")
    assert model.identity() == {
        "model": "protected",
        "protection": "bch(78,64,2, interleave=4)",
        "faults": {"model": "state", "ber_lrs": 0.01, "ber_hrs": 0.02},
    }
    again = pickle.loads(pickle.dumps(model))
    assert isinstance(again, ProtectedFaults)
    signs = random_signs(30, 30)
    assert wrong(again, signs).tolist() == wrong(model, signs).tolist()


def test_faults_along_a_word_line_are_shared_by_its_words_parity_included():
    class BrokenLine:
        """The first word line is broken."""

        def draw(self, signs, seed):
            return np.arange(signs.shape[0]) * signs.shape[1]

        def identity(self):
            return {"model": "broken line"}

    signs = random_signs(64, 8)
    # 72 wrong bits of 72: even rows cancel, and every weight of the line stays wrong or is turned.
    left = wrong(protect(BrokenLine(), "bch(78,64,2)"), signs)
    assert left.tolist() == (np.arange(64) * 8).tolist()
    assert math.isnan(protect(BrokenLine(), "bch(78,64,2)").mean_ber(0.5))
