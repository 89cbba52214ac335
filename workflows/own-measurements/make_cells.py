"""Write cells.csv, a synthetic stand-in for a tester's export: kΩ, a clamped and an empty cell."""

from pathlib import Path

import numpy as np

CONDITIONS = {"100 uA": (4.0, 0.2, 220.0, 0.75), "30 uA": (14.0, 0.3, 180.0, 0.7)}
"""Medians in kΩ and sigmas of ln R, LRS then HRS."""

CELLS = 256


def main() -> None:
    """Write the file beside this script."""
    rng = np.random.default_rng(20190403)
    lines = ["# origin: synthetic", "condition,state,cell,R (kOhm)"]
    for name, (lrs, lrs_sigma, hrs, hrs_sigma) in CONDITIONS.items():
        for state, median, sigma in (("LRS", lrs, lrs_sigma), ("HRS", hrs, hrs_sigma)):
            resistances = median * np.exp(sigma * rng.standard_normal(CELLS))
            lines += [f"{name},{state},{cell},{r:.4g}" for cell, r in enumerate(resistances)]
    # What testers do write: a cell over the meter's range, and one that was not read.
    lines[3 + CELLS] = "100 uA,HRS,1,OVLD"
    lines[10] = "100 uA,LRS,8,"
    Path(__file__).with_name("cells.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
