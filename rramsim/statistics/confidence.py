"""How far the ends of an interval reach, and what counting shows."""

from __future__ import annotations

import math

from scipy.special import ndtri, stdtrit
from scipy.stats import beta

CONFIDENCE = 0.95
"""Confidence of every interval rramsim gives, two-sided."""


NORMAL_END = float(ndtri(0.5 + CONFIDENCE / 2.0))
"""How many standard errors such an interval reaches on either side."""


def standard_errors(degrees_of_freedom: float = math.inf) -> float:
    """Return how many standard errors a 95 % interval reaches on either side.

    Parameters
    ----------
    degrees_of_freedom : float
        Of Student's t; infinite for a normal estimate whose error is known. A standard error
        taken from k clusters has k - 1.

    Examples
    --------
    >>> round(standard_errors(), 2), round(standard_errors(4), 2)
    (1.96, 2.78)
    """
    if math.isinf(degrees_of_freedom):
        return NORMAL_END
    return float(stdtrit(degrees_of_freedom, 0.5 + CONFIDENCE / 2.0))


def clopper_pearson(errors: float, readings: float) -> tuple[float, float]:
    """Return the ends of the two-sided 95 % Clopper-Pearson interval, NaN without readings."""
    if not readings > 0:
        return math.nan, math.nan
    tail = (1.0 - CONFIDENCE) / 2.0
    # Sums of weights may overshoot a whole count by rounding.
    correct = max(readings - errors, 0.0)
    low = float(beta.ppf(tail, errors, correct + 1.0)) if errors > 0 else 0.0
    high = float(beta.isf(tail, errors + 1.0, correct)) if correct > 0 else 1.0
    return low, high


def smallest_countable(readings: float) -> float:
    """Return the error rate that `readings` without an error rule out at 95 %, one-sided.

    The rule of three: -ln(0.05) / n, which is about 3 / n.
    """
    return -math.log(1.0 - CONFIDENCE) / readings if readings > 0 else math.nan
