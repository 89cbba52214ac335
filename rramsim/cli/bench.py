"""`rramsim bench`: how fast it is, against naive PyTorch in the same run."""

from __future__ import annotations

import json
import platform
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rramsim.cli import options
from rramsim.cli.app import command

if TYPE_CHECKING:
    from rramsim.bench.results import Case, Comparison

_EXAMPLE = """
In about a minute:

    rramsim bench --quick
"""

_NAIVE = (
    "Naive: PyTorch float32, one uniform number a weight, matrix products or convolutions, batch "
    "norm and sign, at the number of images at a time that suits it best ({batch} for matrix "
    "products). bfloat16 and int8: PyTorch as a competent user would write it, only flipped "
    "weights touched, thresholds instead of batch norm; int8 by torch._int_mm with buffers kept. "
    "All are given the same flips and predictions are compared: naive ones are all equal where "
    "nothing else is said, and ! marks one that gives another class to some images. Times are "
    "medians of a map over rounds in which each takes its turn, sampling included; in brackets, "
    "how many times as long as rramsim's."
)

_NAIVE_TRAINING = (
    "Training, {workload}: rramsim in {arithmetic}; naive: PyTorch's autograd in float32, one "
    "uniform number a weight for the flips, Adam as it comes. Times are medians of iterations "
    "done in turn; 'more than plain' is what the flips add to rramsim's own plain iteration."
)


_SHOWN_FEATURES = {
    *("avx2", "avxvnni", "avx512bw", "avx512vpopcntdq", "avx512vnni", "avx512bf16"),
    *("amx-int8", "amx-bf16", "neon", "dotprod", "i8mm"),
}
"""Features of a processor that decide how fast networks are scored on it."""


@command(_EXAMPLE)
def bench(
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Measure a narrower network on fewer images.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure how fast chips are scored and networks trained here, against naive PyTorch.

    The network is 784-4096-4096-10 with random signs, on 10,000 random images; with --quick it is
    784-1024-1024-10 on 2,000. The trained one has the same layers, and its images are the shipped
    digits, enlarged. The convolutional case is the CIFAR-10 network of Courbariaux et al. 2016,
    with --quick at half its width. Iterations of a training are of the first network. It takes
    some minutes, with --quick about one.
    """
    from rramsim.cli.runs import shown_progress

    with shown_progress(quiet=quiet) as on_progress:
        from rramsim.bench.compare import FULL, QUICK, compare

        comparison = compare(QUICK if quick else FULL, partial(on_progress, "measuring"))
    if as_json:
        answer = {**comparison.as_json(), "quick": quick, "machine": _machine()}
        typer.echo(json.dumps(answer, indent=2, allow_nan=False))
    else:
        _show(comparison, quick=quick, quiet=quiet, verbose=verbose)


def _machine() -> dict[str, Any]:
    import numba
    import numpy
    import torch

    from rramsim import parallel
    from rramsim.kernels import processor
    from rramsim.version import __version__

    return {
        "cores": parallel.cores(),
        "cpu": _processor(),
        "llvm_cpu": processor().name,
        "features": sorted(processor().features & _SHOWN_FEATURES),
        "python": platform.python_version(),
        "rramsim": __version__,
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _details(comparison: Comparison, machine: dict[str, Any]) -> list[str]:
    """Return what the table only marks, and the software that was measured."""
    from rramsim.formatting import counted, power

    compared = [
        f"{case.name}, BER {power(case.ber)}: {rival.name} gives another class to "
        f"{rival.wrong:,} of {counted(rival.images, 'image')}."
        for case in comparison.cases
        for rival in case.rivals
    ]
    return [
        *compared,
        f"rramsim {machine['rramsim']}, Python {machine['python']}, numpy {machine['numpy']}, "
        f"torch with {counted(machine['torch_threads'], 'thread')}.",
    ]


def _show(comparison: Comparison, *, quick: bool, quiet: bool, verbose: bool) -> None:
    from rich.console import Console

    from rramsim.formatting import power, quantity
    from rramsim.report.terminal_table import print_sentences, print_table
    from rramsim.report.text_table import TextTable

    def seconds(value: float) -> str:
        return quantity(value, "s")

    def timed(seconds_of_way: float, case: Case) -> str:
        return f"{seconds(seconds_of_way)} ({seconds_of_way / case.rramsim_s:.3g})"

    names = [rival.name for rival in comparison.cases[0].rivals]
    rows = []
    for case in comparison.cases:
        naive = timed(case.naive_s, case) + ("" if case.identical else " DIFFERENT")
        rivals = [timed(one.seconds, case) + " !" * bool(one.wrong) for one in case.rivals]
        empty = [""] * (len(names) - len(rivals))
        rows.append((case.name, power(case.ber), seconds(case.rramsim_s), naive, *rivals, *empty))
    steps = []
    for step in comparison.training:
        more = f"{100 * comparison.over_plain(step):.0f} %" if step.ber else ""
        times = seconds(step.rramsim_s), seconds(step.naive_s), f"{step.ratio:.3g}"
        steps.append((power(step.ber), *times, more))
    sweep, pixels, machine = comparison.sweep, comparison.pixels, _machine()
    lines = [
        f"Workload{' (quick: narrower than the reference)' if quick else ''}: "
        f"{comparison.workload}.",
        _NAIVE.format(batch=comparison.naive_batch),
        f"The second layer alone: {seconds(comparison.layer_s)} by the unit "
        f"{comparison.layer_unit}, {100 * comparison.fraction_of_limit:.0f} % of the limit of its "
        f"operations on registers ({seconds(comparison.limit_s)}); PyTorch's float32 product takes "
        f"{seconds(comparison.float32_s)}.",
        f"The first layer on pixels of 8 bits: {seconds(pixels.seconds)} by the unit "
        f"{pixels.unit}, {100 * pixels.limit_s / pixels.seconds:.0f} % of the limit of its "
        "operations on registers.",
        f"A sweep of {comparison.sweep_chips} maps: {seconds(sweep.rramsim_s)}, naive "
        f"{seconds(sweep.naive_s)} (extrapolated), "
        f"ratio {sweep.ratio:.3g}.",
        _NAIVE_TRAINING.format(
            workload=comparison.training_workload, arithmetic=comparison.arithmetic
        ),
        f"{machine['cpu']} ({machine['llvm_cpu']}: {', '.join(machine['features'])}), "
        f"{machine['cores']} cores; torch {machine['torch']}, "
        f"numba {machine['numba']}.",
        *(_details(comparison, machine) if verbose else ()),
    ]
    console = Console()
    columns = ("case", "BER", "rramsim", "naive", *names)
    print_table(console, TextTable("Scoring chips", columns, tuple(rows)))
    columns = ("training BER", "rramsim, an iteration", "naive", "ratio", "more than plain")
    print_table(console, TextTable("Training", columns, tuple(steps)))
    print_sentences(console, () if quiet else lines)
