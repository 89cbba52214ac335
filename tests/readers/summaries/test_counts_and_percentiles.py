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


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ("Icc (uA),fails,total", "a table of counted errors that lacks a column 'state'"),
        ("condition,BER,bits", "a table of bit-error rates; give the errors that were counted"),
        (
            "condition,state,median (kOhm),lower 95% (kOhm),upper 95% (kOhm)",
            "a table of means or medians that lacks their spread: 'sigma",
        ),
        (
            "condition,state,median (kOhm),sigma (ln R) c2c,sigma (ln R) d2d",
            r"'sigma \(ln R\) c2c' and 'sigma \(ln R\) d2d' both hold a sigma of ln R",
        ),
    ],
)
def test_a_table_that_is_nearly_a_summary_says_what_it_lacks(read, headers, message):
    with pytest.raises(InputError, match=message):
        read(f"{headers}\nA,LRS,5,4,6\nA,HRS,50,40,60\n")


@pytest.mark.parametrize("names", [("R5", "R50", "R95"), ("5th percentile", "median", "95 %")])
def test_percentiles_go_by_more_names(read, names):
    header = ",".join(f"{name} (kOhm)" for name in names)
    lrs, hrs = read(f"Bedingung,state,{header}\nA,LRS,4,5,6\nA,HRS,40,50,60\n").summaries
    assert (lrs.condition, lrs.shares) == ("A", pytest.approx((0.05, 0.5, 0.95)))
    assert hrs.resistances == (40e3, 50e3, 60e3)


def test_columns_of_a_summary_that_are_not_used_are_named(read):
    header = "condition,state,n,median (kOhm),sigma (ln R),min (kOhm),die"
    measured = read(f"{header}\nA,LRS,9,5,.6,2,1\nA,HRS,9,50,.6,7,1\n")
    (note,) = [note for note in measured.notes if note.kind == "columns not used"]
    assert note.text == "columns not used: 'min (kOhm)', 'die'."


def test_rows_of_one_state_that_stand_twice_are_told_by_what_differs(read):
    header = "die,state,n,median (kOhm),sigma (ln R)"
    with pytest.raises(InputError, match=r"in a column 'condition' \(the rows differ in 'die'\)"):
        read(f"{header}\n1,LRS,9,5,.6\n1,HRS,9,50,.6\n2,LRS,9,5,.6\n2,HRS,9,50,.6\n")
    named = read(f"{header}\n1,LRS,9,5,.6\n1,HRS,9,50,.6\n".replace("die", "Split"))
    assert [one.condition for one in named.summaries] == ["1", "1"]


def test_readings_with_their_places_in_the_sample_stay_readings(read):
    measured = read(long_table("CDF (%)", [2 + 4 * number for number in range(25)]))
    assert measured.summaries == ()
    assert measured.readings.sizes["reading"] == 50
