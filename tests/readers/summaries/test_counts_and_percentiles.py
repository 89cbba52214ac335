"""Tables of counts and percentiles: what each number counts for, and of how much it is a share."""

import pytest

from rramsim.errors import InputError


def long_table(header, shares, ohms=("R (kOhm)", 4.0, 40.0)):
    name, lrs, hrs = ohms
    rows = [
        f"A,{state},100,{share},{first + number}"
        for state, first in (("LRS", lrs), ("HRS", hrs))
        for number, share in enumerate(shares)
    ]
    return "\n".join([f"condition,state,n,{header},{name}", *rows, ""])


@pytest.mark.parametrize(
    ("header", "found", "shares"),
    [
        ("percentile", (5, 50, 95), (0.05, 0.5, 0.95)),
        ("percentile", (0.05, 0.5, 0.95), (0.05, 0.5, 0.95)),
        ("percentile", (0.1, 50, 99.9), (0.001, 0.5, 0.999)),
        ("percentile (%)", (0.05, 0.5, 0.95), (0.0005, 0.005, 0.0095)),
        ("percent", (0.1, 0.5, 0.9), (0.001, 0.005, 0.009)),
        ("quantile", (0.05, 0.5, 0.9), (0.05, 0.5, 0.9)),
        ("probability (%)", (5, 50, 95), (0.05, 0.5, 0.95)),
        ("probability", (5, 50, 95), (0.05, 0.5, 0.95)),
        ("percentile (1)", (0.05, 0.5, 0.9), (0.05, 0.5, 0.9)),
        ("CDF (%)", (5, 50, 90), (0.05, 0.5, 0.9)),
    ],
)
def test_percentiles_are_shares_by_their_unit_else_by_their_numbers(read, header, found, shares):
    lrs, hrs = read(long_table(header, found)).summaries
    assert lrs.shares == pytest.approx(shares)
    assert (lrs.resistances, hrs.resistances) == ((4e3, 5e3, 6e3), (40e3, 41e3, 42e3))


def test_percentiles_below_1_that_may_be_of_100_are_asked_about(read):
    for shares in ((0.05, 0.5), (0.1, 0.5, 1)):
        with pytest.raises(
            InputError, match="may be percentages or shares of 1; write 'percentile"
        ):
            read(long_table("percentile", shares))


def test_percentiles_of_a_conductance_are_those_of_a_resistance_from_the_other_end(read):
    measured = read(long_table("percentile", (5, 50, 90), ("G (uS)", 200.0, 20.0)))
    lrs, _ = measured.summaries
    assert lrs.shares == pytest.approx((0.1, 0.5, 0.95))
    assert lrs.resistances == pytest.approx((1e6 / 202, 1e6 / 201, 1e6 / 200))


def test_resistances_so_many_sigmas_away_are_percentiles(read):
    content = "state,n,-1 sigma (kOhm),median (kOhm),+2σ (kOhm)\nLRS,9,4,5,6\nHRS,9,40,50,60\n"
    lrs, _ = read(content).summaries
    assert lrs.shares == pytest.approx((0.158655254, 0.5, 0.977249868))


@pytest.mark.parametrize(
    ("headers", "bits"),
    [("errors,bits", 8), ("errors,bits (x1e6)", 8e6), ("errors,bits (10^3)", 8e3)],
)
def test_bits_are_those_of_their_unit(read, headers, bits):
    lrs, hrs = read(f"condition,state,{headers}\nA,LRS,0,8\nA,HRS,5,8\n").summaries
    assert (lrs.errors, lrs.bits, hrs.errors, hrs.bits) == (0, bits, 5, bits)


@pytest.mark.parametrize(
    "headers", ["errors,bits (Mb)", "errors,bits (k)", "errors (%),bits", "errors,bits in Mbit"]
)
def test_counts_in_a_unit_that_is_not_certain_are_refused(read, headers):
    with pytest.raises(InputError, match="accepted are the numbers of errors and bits themselves"):
        read(f"condition,state,{headers}\nA,LRS,0,1\nA,HRS,5,8\n")
