"""Make populations.csv: lognormal populations that have the bit-error rates of Table I.

Run it as ``python reconstruct.py``; it needs numpy and scipy, and writes the same file every
time. The README beside it says what was chosen and why.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

CELLS = 1024
SEED = 2019


class Condition(NamedTuple):
    """What was chosen for one programming condition; the HRS spread follows from the BER."""

    name: str
    median_lrs: float  # ohm
    sigma_lrs: float  # of ln R
    median_hrs: float  # ohm
    ber: float


CONDITIONS = (
    Condition("very strong", 2.2e3, 0.18, 240e3, 1e-7),
    Condition("strong", 8.8e3, 0.26, 300e3, 9.7e-5),
    Condition("weak", 21.5e3, 0.36, 150e3, 3.3e-2),
)


def bit_error_rate(sigma_hrs: float, condition: Condition) -> float:
    """Return the BER at the reference where the two densities cross, half the cells in LRS."""
    lrs = norm(np.log(condition.median_lrs), condition.sigma_lrs)
    hrs = norm(np.log(condition.median_hrs), sigma_hrs)
    crossing = brentq(lambda x: lrs.logpdf(x) - hrs.logpdf(x), lrs.mean(), hrs.mean())
    return float(lrs.sf(crossing) + hrs.cdf(crossing)) / 2.0


def sigma_hrs_of(condition: Condition) -> float:
    """Return the HRS spread at which the BER is the one asked for."""
    found = brentq(lambda s: np.log(bit_error_rate(s, condition) / condition.ber), 0.3, 1.5)
    return float(found)


def population(median: float, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Draw cells whose mean and (n-weighted) deviation of ln R are exactly the chosen ones."""
    z = rng.standard_normal(CELLS)
    z = (z - z.mean()) / z.std()
    return median * np.exp(sigma * z)


def main() -> None:
    """Write populations.csv beside this script."""
    rng = np.random.default_rng(SEED)
    lines = [
        "# origin: reconstructed",
        "# No measurement: drawn by reconstruct.py so that the bit-error rates are those of",
        "# Table I of Hirtzlin et al. 2019 (arXiv 1904.03652). See README.md.",
        "condition,state,cell,resistance [kOhm]",
    ]
    for condition in CONDITIONS:
        states = (
            ("LRS", condition.median_lrs, condition.sigma_lrs),
            ("HRS", condition.median_hrs, sigma_hrs_of(condition)),
        )
        for state, median, sigma in states:
            kiloohm = population(median, sigma, rng) / 1e3
            lines += [f"{condition.name},{state},{i},{r:.7g}" for i, r in enumerate(kiloohm)]
    target = Path(__file__).with_name("populations.csv")
    target.write_bytes(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
