"""Whether the numbers of a setting were programmed, or measured with each reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Numbers that agree to this many digits are one setting, written or converted in other ways.
_DIGITS = 6
# A condition has at least this many readings, 3 of each state.
_READINGS_OF_A_CONDITION = 6
# More values than this of fewer readings each are no plan that a person wrote.
_MOST_VALUES = 20
# People choose round numbers; a meter shows four digits or more.
_ROUND_DIGITS = 3
# A meter scatters about one number; steps that a person chooses are wider or of equal counts.
_SCATTER = 1.05
_COUNTS_ALIKE = 3.0


def rounded(values: np.ndarray) -> np.ndarray:
    """Return numbers to the digits by which two settings are told apart; NaN stays NaN.

    >>> import numpy as np
    >>> rounded(np.array([5.5e-05, 5.5000001e-05, 0.0])).tolist()
    [5.5e-05, 5.5e-05, 0.0]
    """
    import numpy as np

    known = np.isfinite(values) & (values != 0)
    exponent = np.floor(np.log10(np.abs(values), where=known, out=np.zeros(len(values))))
    places = _DIGITS - 1 - exponent.astype(int)
    # Powers of ten up to 22 are exact, so equal digits come out as equal numbers.
    up, down = 10.0 ** np.clip(places, 0, 22), 10.0 ** np.clip(-places, 0, 22)
    digits: np.ndarray = np.rint(values * up / down) * down / up
    return digits


def are_programmed(values: np.ndarray) -> bool:
    """Whether the numbers of a setting are few values that were chosen, not measured at each.

    A number that was measured differs from one reading to the next: more than 20 values, or
    values of four digits and more, each in fewer than 6 readings; or more than two values within
    5 %, some of them far more frequent than others.

    Parameters
    ----------
    values : ndarray of float, shape (readings,)
        Of all readings that state the setting; NaN does not count.

    Examples
    --------
    >>> import numpy as np
    >>> are_programmed(np.repeat([20e-6, 55e-6], 24))
    True
    >>> are_programmed(55e-6 * np.random.default_rng(1).normal(1, 0.1, 48))
    False
    """
    import numpy as np

    distinct, counts = np.unique(rounded(values[np.isfinite(values)]), return_counts=True)
    if len(distinct) < 2:
        return True
    is_sparse = counts.sum() < _READINGS_OF_A_CONDITION * len(distinct)
    are_round = np.mean([_digits(value) <= _ROUND_DIGITS for value in distinct]) > 0.5
    if is_sparse and (len(distinct) > _MOST_VALUES or not are_round):
        return False
    is_narrow = distinct[0] > 0 and distinct[-1] < _SCATTER * distinct[0]
    return not (len(distinct) > 2 and is_narrow and counts.max() > _COUNTS_ALIKE * counts.min())


def _digits(value: float) -> int:
    mantissa = f"{abs(value):.{_DIGITS - 1}e}".split("e")[0]
    return len(mantissa.replace(".", "").rstrip("0"))
