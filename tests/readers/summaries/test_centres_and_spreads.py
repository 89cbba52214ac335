"""Tables of means or medians with a spread: of which quantity each is, or what has to be said."""

import math

import pytest

from rramsim.errors import InputError

LN10 = math.log(10.0)


def summaries(read, content):
    return [
        (one.condition, one.state, one.readings, one.basis, one.centre, one.spread)
        for one in read(content).summaries
    ]


@pytest.mark.parametrize(
    ("headers", "values", "basis", "centre", "spread"),
    [
        ("median (kOhm),sigma(ln R)", "5.2,0.2", "median and sigma of ln R", 5200, 0.2),
        ("Median [kΩ],σ_ln", "5.2,0.2", "median and sigma of ln R", 5200, 0.2),
        ("R_median (ohm),std lnR", "5200,0.2", "median and sigma of ln R", 5200, 0.2),
        ("median (kOhm),sigma(log10 R)", "5.2,0.1", "median and sigma of ln R", 5200, 0.1 * LN10),
        ("median (kOhm),sigma (decades)", "5.2,0.1", "median and sigma of ln R", 5200, 0.1 * LN10),
        ("geometric mean (kOhm),sd ln R", "5.2,0.2", "median and sigma of ln R", 5200, 0.2),
        ("arithmetic mean (kOhm),sd ln R", "5.2,0.2", "mean and sigma of ln R", 5200, 0.2),
        ("mean ln(R/ohm),sigma(ln R)", "8.5,0.2", "mean of ln R and sigma of ln R", 8.5, 0.2),
        (
            *("mu log10(R/kOhm),sigma log10 R", "0.7,0.1", "mean of ln R and sigma of ln R"),
            *(0.7 * LN10 + math.log(1e3), 0.1 * LN10),
        ),
        ("mean (kOhm),std (kOhm)", "5.2,900m", "", 0, 0),
        ("mean (kOhm),std (Ohm)", "5.2,900", "mean and standard deviation", 5200, 900),
        (
            "Mittelwert (kOhm),Standardabweichung (kOhm)",
            "5.2,0.9",
            "mean and standard deviation",
            5200,
            900,
        ),
        ("R moyenne (kΩ),écart-type (kΩ)", "5.2,0.9", "mean and standard deviation", 5200, 900),
        ("mean ± sd (kOhm)", "5.2 ± 0.9", "mean and standard deviation", 5200, 900),
        ("R mean +/- std [kOhm]", "5.2+/-0.9", "mean and standard deviation", 5200, 900),
        ("mean (sd) (kOhm)", "5.2 (0.9)", "mean and standard deviation", 5200, 900),
        ("median (kOhm),IQR (kOhm)", "5.2,1.2", "median and interquartile range", 5200, 1200),
        ("mean (kOhm),3 sigma (kOhm)", "5.2,3", "mean and standard deviation", 5200, 1000),
        ("mean (kOhm),2σ (kOhm)", "5.2,3", "mean and standard deviation", 5200, 1500),
        ("mean ± 3σ (kOhm)", "5.2 ± 3", "mean and standard deviation", 5200, 1000),
        ("median (kOhm),3-sigma (ln R)", "5.2,0.6", "median and sigma of ln R", 5200, 0.2),
        (
            *("mean (kOhm),std (kOhm),median (kOhm),sigma(ln R)", "6,1,5.2,0.2"),
            *("median and sigma of ln R", 5200, 0.2),
        ),
    ],
)
def test_a_centre_and_a_spread_are_what_their_headers_say(
    read, headers, values, basis, centre, spread
):
    content = f"condition,state,n,{headers}\nA,LRS,64,{values}\nA,HRS,64,{values}\n"
    if not basis:
        with pytest.raises(InputError, match=r"row 2, column 'std \(kOhm\)': '900m' is not a num"):
            read(content)
        return
    lrs, hrs = summaries(read, content)
    assert lrs[:4] == ("A", "LRS", 64, basis)
    assert hrs[:4] == ("A", "HRS", 64, basis)
    assert lrs[4:] == pytest.approx((centre, spread))


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ("mu,sigma", "column 'sigma': it is not certain whether this is of ln R, of log10 R or of"),
        ("median (kOhm),sigma", "'sigma (log10 R)' in decades, 'std (kOhm)' of R itself"),
        ("median (kOhm),sigma(log R)", "column 'sigma(log R)': it is not certain whether"),
        ("mean (kOhm),std", "column 'std': it is not certain whether this is of ln R"),
        ("mean (kOhm),sigma(ln R)", "a mean may be the arithmetic or the geometric one"),
        (
            "mean ln R,sigma(ln R)",
            "needs its base and the unit of the resistance, such as 'mean ln",
        ),
        ("mean,std (kOhm)", "column 'mean': no unit of resistance is named"),
        ("mean (kOhm),-1 sigma (kOhm)", "this is not a spread but its square, or a resistance"),
        ("mean (kOhm),σ² (kOhm)", "this is not a spread but its square, or a resistance so"),
        ("mean (kOhm),σ (%)", "this is a spread relative to a mean. Give the spread itself"),
        ("mean (kOhm),CV (%)", "this is a spread relative to a mean. Give the spread itself"),
        ("arithmetic mean (kOhm),IQR (kOhm)", "a mean and an interquartile range are of two logn"),
        ("mean (kOhm),IQR (kOhm)", "give the median, 'median (kOhm)', or the standard deviation"),
        ("mean (kOhm),SEM (kOhm)", "a standard error says how well a mean is known"),
    ],
)
def test_what_is_not_certain_is_asked(read, headers, message):
    with pytest.raises(InputError) as error:
        read(f"condition,state,{headers}\nA,LRS,5,0.2\nA,HRS,300,0.4\n")
    assert message in str(error.value)
    assert str(error.value).startswith("cells.csv, row 1, column ")


def test_headers_may_name_the_states_and_settings_the_conditions(read):
    content = (
        "Icc (uA),N,LRS median (kOhm),LRS sigma ln R,HRS median (kOhm),HRS sigma ln R\n"
        "20,64,9,0.3,400,0.5\n55,64,5,0.2,230,0.6\n"
    )
    assert summaries(read, content) == [
        ("Icc 20 µA", "LRS", 64, "median and sigma of ln R", 9e3, 0.3),
        ("Icc 55 µA", "LRS", 64, "median and sigma of ln R", 5e3, 0.2),
        ("Icc 20 µA", "HRS", 64, "median and sigma of ln R", 400e3, 0.5),
        ("Icc 55 µA", "HRS", 64, "median and sigma of ln R", 230e3, 0.6),
    ]
    with pytest.raises(InputError, match=r"column 'LRS sigma': it is not certain"):
        read("condition,LRS median (kOhm),LRS sigma,HRS median (kOhm),HRS sigma\nA,5,1,9,1\n")


def test_quartiles_are_percentiles_and_counts_may_stand_side_by_side(read):
    content = "state,n,q25 (kOhm),median (kOhm),Q3 (kOhm)\nLRS,9,4,5,6\nHRS,9,200,300,400\n"
    lrs, _ = read(content).summaries
    assert (lrs.shares, lrs.resistances) == ((0.25, 0.5, 0.75), (4e3, 5e3, 6e3))
    content = "condition,bits,LRS errors,HRS errors\nA,4096,3,12\n"
    assert [(one.state, one.errors, one.bits) for one in read(content).summaries] == [
        ("LRS", 3, 4096),
        ("HRS", 12, 4096),
    ]


def test_a_cell_of_two_numbers_is_no_reading_and_the_header_that_makes_it_one_is_named(read):
    with pytest.raises(InputError, match=r"row 2, column 'LRS \(kOhm\)': '5.2 ± 0.9' is a number"):
        read("condition,LRS (kOhm),HRS (kOhm)\nA,5.2 ± 0.9,230 ± 120\n")
    content = "condition,LRS mean ± sd (kOhm),HRS mean ± sd (kOhm)\nA,5.2 ± 0.9,230 ± 120\n"
    assert [one[4:] for one in summaries(read, content)] == [(5200, 900), (230e3, 120e3)]
    with pytest.raises(InputError, match=r"'5.2' was found; accepted are two numbers"):
        read(content.replace("5.2 ± 0.9", "5.2"))


def test_readings_with_their_mean_beside_stay_readings(read):
    rows = "LRS,5,5.5,0.4\nLRS,6,5.5,0.4\nHRS,300,310,9\nHRS,320,310,9\n"
    measured = read("state,R (kOhm),mean (kOhm),std (kOhm)\n" + rows)
    assert measured.summaries == ()
    assert measured.readings.sizes["reading"] == 4
