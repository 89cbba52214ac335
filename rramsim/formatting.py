"""Numbers as a person reads them: unit prefixes, powers of ten, bounds and intervals in words."""

import math
import unicodedata
from collections.abc import Callable, Sequence

from rramsim.interval import Interval

UNKNOWN = "unknown"

_PREFIXES = {
    -18: "a",
    -15: "f",
    -12: "p",
    -9: "n",
    -6: "µ",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
    12: "T",
}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# A no-break space keeps a number and its unit on one line of a narrow page.
_SPACE = "\N{NO-BREAK SPACE}"
_YEAR = 365.25 * 86400.0  # s
_MOST_DECIMALS = 8
_LEAST_PLAIN = 0.999e-6
_BOUND_WORDS = {"": "", "upper": "less than ", "lower": "more than "}


def plain(value: float, digits: int = 3) -> str:
    """Return `value` with at most `digits` significant digits, and no exponent down to 1e-6.

    >>> plain(13.754), plain(12345.0), plain(0.00012), plain(-4.3e-17, 2), plain(-0.0)
    ('13.8', '12300', '0.00012', '-4.3×10⁻¹⁷', '0')
    """
    if math.isnan(value):
        return UNKNOWN
    rounded = float(f"{value:.{digits - 1}e}") + 0.0
    if 0.0 < abs(rounded) < _LEAST_PLAIN:
        # A row of zeros is hard to count.
        return power(value, digits)
    exponent = math.floor(math.log10(abs(rounded))) if rounded else 0
    text = f"{rounded:.{max(digits - 1 - exponent, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(value: float, unit: str, digits: int = 3) -> str:
    r"""Return a value in SI units with the prefix that reads best.

    >>> quantity(11e-12, "J"), quantity(7400.0, "Ω"), quantity(float("nan"), "J")
    ('11\xa0pJ', '7.4\xa0kΩ', 'unknown')
    """
    if math.isnan(value):
        return UNKNOWN
    if value == 0 or math.isinf(value):
        return f"{value:.0f}{_SPACE}{unit}"
    rounded = float(f"{value:.{digits - 1}e}")
    # The tiny addition keeps log10(1000.0) and its like from falling just short of a whole number.
    exponent = 3 * math.floor((math.log10(abs(rounded)) + 1e-12) / 3)
    exponent = min(max(exponent, min(_PREFIXES)), max(_PREFIXES))
    return f"{plain(rounded / 10.0**exponent, digits)}{_SPACE}{_PREFIXES[exponent]}{unit}"


def power(value: float, digits: int = 2) -> str:
    """Return a pure number as a product with a power of ten, plain from 0.01 up to 9999.

    >>> power(9.7e-5), power(1e4), power(0.033), power(0.0), power(100.0), power(math.inf)
    ('9.7×10⁻⁵', '10⁴', '0.033', '0', '100', '∞')
    """
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞"
    if value == 0 or 0.01 <= abs(value) < 9999.5:
        return plain(value, digits if abs(value) < 1 else max(digits, 4))
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    tail = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return tail if mantissa == "1" else f"{mantissa}×{tail}"


def percent(value: float, decimals: int = 2) -> str:
    r"""Return a share in per cent with a fixed number of decimals.

    >>> percent(0.98414), percent(-1e-9)
    ('98.41\xa0%', '0.00\xa0%')
    """
    if math.isnan(value):
        return UNKNOWN
    # Adding 0 takes the sign off a share that rounds to none.
    return f"{round(100 * value, decimals) + 0.0:.{decimals}f}{_SPACE}%"


def probability(share: float) -> str:
    r"""Return a probability in per cent; none is said to be 0 or 1, and NaN is unknown.

    >>> probability(0.654), probability(0.9999), probability(2e-4)
    ('65\xa0%', 'over 99\xa0%', 'below 1\xa0%')
    """
    if math.isnan(share):
        return "unknown"
    if share > 0.99:
        return f"over {percent(0.99, 0)}"
    if share < 0.01:
        return f"below {percent(0.01, 0)}"
    return percent(share, 0)


def points(share: float, decimals: int = 2) -> str:
    """Return a difference of shares in percentage points with a fixed number of decimals.

    >>> points(0.0096), points(-2e-7), points(-0.0002)
    ('0.96', '0.00', '−0.02')
    """
    # Adding 0 takes the sign off what rounds to none.
    return f"{round(100.0 * share, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def listed(words: Sequence[str]) -> str:
    """Return words in a row, with "and" before the last one.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def decimals_apart(value: float, limit: float, *, least: int) -> int:
    """Return how many decimals tell a value from a limit, at least `least` and at most 8.

    >>> decimals_apart(1.3, 1.0, least=2), decimals_apart(1.0004, 1.0, least=2)
    (2, 4)
    """
    limit = round(limit, _MOST_DECIMALS)
    apart = (places for places in range(least, _MOST_DECIMALS) if round(value, places) != limit)
    return next(apart, _MOST_DECIMALS)


def bounded(text: str, bound: str) -> str:
    """Return `text` said as a value (bound ``""``) or as an ``"upper"`` or ``"lower"`` bound.

    >>> bounded(power(1e4), "lower"), bounded(power(1e-6), "upper")
    ('more than 10⁴', 'less than 10⁻⁶')
    """
    return text if text == UNKNOWN else f"{_BOUND_WORDS[bound]}{text}"


def interval(value: Interval, text: Callable[[float], str] = power) -> str:
    """Return a number with as much of its interval as is known, or said as a bound.

    Parameters
    ----------
    value : Interval
    text : callable
        Says one number.

    Examples
    --------
    >>> interval(Interval(5, 4, 7)), interval(Interval(5, 4)), interval(Interval(5, high=7))
    ('5 (4 to 7)', '5 (4 or more)', '5 (up to 7)')
    >>> interval(Interval(1e4, bound="lower")), interval(Interval(100, high=1e4, bound="lower"))
    ('more than 10⁴', 'more than 100, less than 10⁴')
    """
    if value.bound == "lower" and not math.isnan(value.high):
        ends_known = zip((value.estimate, value.high), ("lower", "upper"), strict=True)
        return ", ".join(bounded(text(end), bound) for end, bound in ends_known)
    number, low, high = (text(end) for end in (value.estimate, value.low, value.high))
    ends = ""
    if number != UNKNOWN and {low, high} != {UNKNOWN}:
        ends = f" ({low} to {high})"
        if high == UNKNOWN:
            ends = f" ({low} or more)"
        elif low == UNKNOWN:
            ends = f" (up to {high})"
    return bounded(f"{number}{ends}", value.bound)


def duration(seconds: float) -> str:
    r"""Return a time as a person says it.

    >>> duration(3.15576e8).replace("\xa0", " "), duration(3.6e6).replace("\xa0", " ")
    ('10 years', '1000 h')
    >>> duration(1e4).replace("\xa0", " "), duration(-1e-3).replace("\xa0", " ")
    ('2.78 h', '−1 ms')
    """
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if seconds >= _YEAR * (1.0 - 1e-9):
        years = power(seconds / _YEAR, 3)
        return f"{years}{_SPACE}year{'' if years == '1' else 's'}"
    if seconds >= 3600.0:
        return f"{plain(seconds / 3600.0, 4 if seconds >= 3.6e6 else 3)}{_SPACE}h"
    return quantity(seconds, "s")


def span(seconds: float) -> str:
    r"""Return a time of a life, in the unit that reads best.

    >>> [span(time).replace("\xa0", " ") for time in (0.5, 600.0, 7200.0, 8.64e6, 6.3e7)]
    ['500 ms', '10 min', '2 h', '100 days', '2 years']
    """
    if seconds < 120.0 or math.isnan(seconds):
        return quantity(seconds, "s")
    for unit, length, most in (("min", 60.0, 7200.0), ("h", 3600.0, 172800.0)):
        if seconds < most:
            return f"{plain(seconds / length)}{_SPACE}{unit}"
    if seconds < _YEAR * (1.0 - 1e-9):
        return f"{plain(seconds / 86400.0)}{_SPACE}days"
    years = plain(seconds / _YEAR)
    return f"{years}{_SPACE}year{'' if years == '1' else 's'}"


def temperature(kelvin: float) -> str:
    r"""Return a temperature in degrees Celsius.

    >>> temperature(328.15), temperature(77.0)
    ('55\xa0°C', '−196.2\xa0°C')
    """
    return f"{plain(round(kelvin - 273.15, 2), 4)}{_SPACE}°C".replace("-", "−")


def bit_error_rate(ber: Interval) -> str:
    """Return a BER with its interval, or as the bound that is all one knows of it.

    >>> bit_error_rate(Interval(9.7e-5, 7e-5, 1.3e-4))
    '9.7×10⁻⁵ (7×10⁻⁵ to 1.3×10⁻⁴)'
    >>> bit_error_rate(Interval(high=1e-6, bound="upper"))
    'less than 10⁻⁶'
    """
    if ber.bound == "upper":
        return bounded(power(ber.high), ber.bound)
    return interval(ber) if ber.has_ends else power(ber.estimate)


def basis(value: Interval) -> str:
    """Return where a number is from, and whether it is extrapolated.

    >>> basis(Interval(1e-6, basis="fitted", extrapolated=True)), basis(Interval())
    ('fitted, extrapolated', 'unknown')
    """
    if not value.is_known:
        return UNKNOWN
    return f"{value.basis}, extrapolated" if value.extrapolated else value.basis


def accuracy(mean: Interval) -> str:
    r"""Return an accuracy with its interval, in per cent.

    >>> accuracy(Interval(0.984, 0.983, 0.985)).replace("\xa0", " ")
    '98.40 % (98.30 to 98.50)'
    """
    if not mean.has_ends:
        return percent(mean.estimate)
    return f"{percent(mean.estimate)} ({100 * mean.low:.2f} to {100 * mean.high:.2f})"


def times(ratio: float) -> str:
    """Return a ratio of two energies: two digits up to 10, whole numbers above.

    >>> times(270 / 25), times(6.04), times(6.7e6)
    ('11', '6', '6,700,000')
    """
    if math.isnan(ratio):
        return UNKNOWN
    text = plain(ratio, 2 if ratio < 100 else 3)
    return f"{int(text):,}" if text.isdecimal() else text


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "reading"), counted(2000, "reading")
    ('1 reading', '2,000 readings')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# Signs that turn the direction of a text: what follows is shown elsewhere than it stands.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_plain(name: str) -> bool:
    r"""Return whether a name holds only signs that are shown, and none that a terminal obeys.

    >>> is_plain("55 µA, Vreset -1.2 V"), is_plain("weak\x1b[2J")
    (True, False)
    """
    return not any(unicodedata.category(sign) in ("Cc", "Cs") or sign in _TURNING for sign in name)
