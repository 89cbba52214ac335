"""Reproduce figures 3 to 5 of the paper and its claims with rramsim's own commands.

    python run.py RESULTS [--mnist DIR] [--cifar10 DIR]

Interrupted, the same command goes on. At the end ``compare.py`` sets what came out beside the
paper.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

WIDTHS = (256, 512)
WIDTH_BERS = ("0", "0.001", "0.01", "0.15")
TRAININGS = 3
CLAIMED_BERS = ("0.0", "0.05")

WIDTH_SETTINGS = """images = "mnist"
training_bers = [0.0, 0.15]
epochs = 8

[network]
hidden = ["{width}", "{width}"]
signed_pixels = true

[training]
batch_size = 256
"""


def rramsim(*arguments: object) -> str:
    """Run a command of rramsim and return what it prints."""
    command = [Path(sys.executable).with_name("rramsim"), *map(str, arguments)]
    print("rramsim", *arguments, flush=True)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def keep(path: Path, *arguments: object) -> None:
    """Write what a command prints into `path`, unless that file is there."""
    if not path.exists():
        path.write_text(rramsim(*arguments, "--json"))


def share_networks(source: Path, target: Path) -> None:
    """Copy networks of one study into the folder of another one, which then goes on from them."""
    (target / "networks").mkdir(parents=True, exist_ok=True)
    for ber in CLAIMED_BERS:
        for file in (source / "networks").glob(f"training-ber-{ber}-seed-*.*"):
            shutil.copy(file, target / "networks")


def options(*bers: str) -> list[str]:
    """Return the options of `rramsim evaluate` for these BERs."""
    return [word for ber in bers for word in ("--ber", ber)]


def train_and_score(width: int, out: Path, images: tuple[str, str]) -> None:
    """Train networks of this width plainly and with errors, as in mnist.toml, and score both."""
    out.mkdir(parents=True, exist_ok=True)
    settings = out / f"{width}.toml"
    settings.write_text(WIDTH_SETTINGS.format(width=width))
    rramsim("train", settings, *images, "--trainings", TRAININGS, "-o", out)
    for ber in ("0.0", "0.15"):
        name = f"*-784-{width}-{width}-10-*-training-ber-{ber}-seed-*.safetensors"
        scored = ("evaluate", *sorted(out.glob(name)), *options(*WIDTH_BERS), *images)
        keep(out / f"{width}-trained-at-{ber}.json", *scored, "--chips", 10)


def main() -> None:
    """Run every command, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--mnist", default="mnist")
    parser.add_argument("--cifar10", default="cifar10")
    asked = parser.parse_args()
    out, mnist = asked.results, ("--images", asked.mnist)
    images = ("--images", asked.cifar10)
    rramsim("tradeoff", HERE / "mnist.toml", *mnist, "--out", out / "mnist")
    share_networks(out / "mnist", out / "mnist-claims")
    rramsim("tradeoff", HERE / "mnist-claims.toml", *mnist, "--out", out / "mnist-claims")
    rramsim("tradeoff", HERE / "cifar10.toml", *images, "--out", out / "cifar10")
    rramsim("tradeoff", HERE / "mnist-unsigned.toml", *mnist, "--out", out / "mnist-unsigned")
    networks = sorted((out / "mnist/networks").glob("training-ber-0.3-seed-*.safetensors"))
    neurons = ("evaluate", *networks, *options("0", "0.3"), *mnist, "--chips", 10, "--neurons")
    keep(out / "mnist-neurons.json", *neurons)
    for width in WIDTHS:
        train_and_score(width, out / "widths", mnist)
    subprocess.run([sys.executable, HERE / "compare.py", out], check=True)


if __name__ == "__main__":
    main()
