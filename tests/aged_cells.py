"""Readings of cells that age by known lines, over cycles and over time."""

import itertools
import math

import numpy as np
import pandas as pd

CYCLES = (1, 100, 10_000)
TIMES = (1.0, 100.0, 1e4, 1e6)
"""s, after the last programming."""


def aged_cells(
    conditions, *, cycles=CYCLES, times=TIMES, kelvin=358.15, cells=200, seed=1, correlation=0.9
):
    """Return readings, a row each, of cells that are the same at each cycle and time.

    Parameters
    ----------
    conditions : mapping of str to (float, float, float, float)
        By name: mean and spread of ln(R / ohm) of HRS at first, and its change a decade of cycles
        and a decade of time. LRS is 9.0 with a spread of 0.3 and does not change.
    """
    draws = np.random.default_rng(seed)
    parts = []
    for name, (mu, sigma, wear, drift) in conditions.items():
        for state, lines in (("LRS", (9.0, 0.3, 0.0, 0.0)), ("HRS", (mu, sigma, wear, drift))):
            own = draws.standard_normal(cells)
            for cycle, time in itertools.product(cycles, times):
                z = correlation * own + math.sqrt(1 - correlation**2) * draws.standard_normal(cells)
                level = lines[0] + lines[2] * math.log10(cycle) + lines[3] * math.log10(time)
                parts.append(
                    pd.DataFrame(
                        {
                            **{"condition": name, "cell": np.arange(cells), "state": state},
                            **{"cycle": cycle, "time (s)": time, "temperature (K)": kelvin},
                            "R (ohm)": np.exp(level + lines[1] * z),
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True)
