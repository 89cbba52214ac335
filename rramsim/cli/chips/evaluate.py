"""`rramsim evaluate`: the accuracy of a trained network at given bit-error rates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from rramsim.cli import options
from rramsim.cli.app import command
from rramsim.cli.options import Device, DeviceOption, check_suffix
from rramsim.errors import InputError, refused

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.crossbar.faults import ChipFaults
    from rramsim.montecarlo.stopping import StoppingRule

_EXAMPLE = """
The accuracy at three BERs, each over 50 chips:

    rramsim evaluate network.safetensors --ber 0 --ber 0.01 --ber 0.1 --chips 50

The share of hidden neurons that never change their value:

    rramsim evaluate network.safetensors --ber 0 --ber 0.1 --neurons

Thresholds re-estimated for each BER:

    rramsim evaluate network.safetensors --ber 0 --ber 0.1 --reestimate

The share of images that stay right whichever weights of the last layer are flipped:

    rramsim evaluate network.safetensors --certificate

Weights without and with protection (docs/protections.md):

    rramsim evaluate network.safetensors --ber 0.01 --protect "none, secded(72,64)"

Chips of a measured condition, with cells correlated as in the measurements:

    rramsim evaluate network.safetensors --condition "55 uA" --measurements cells.csv --correlated

The mean over the networks of `rramsim train --trainings 5`:

    rramsim evaluate networks/*-seed-*.safetensors --ber 0 --ber 0.1

Read noise that differs from image to image:

    rramsim evaluate network.safetensors --ber 0.01 --read-noise fresh --read-spread 0.3

One real chip, from reads of the cells that `rramsim export` listed:

    rramsim evaluate network.safetensors --read-back reads.csv --tiles tiles --reference "25 kOhm"

The report of that chip, compared with 100 chips of its programming condition:

    rramsim evaluate network.safetensors --read-back reads.csv --tiles tiles --reference "25 kOhm"
    --condition "55 uA" --measurements cells.csv --chips 100 --report report
"""


@command(
    _EXAMPLE,
    "MODEL... --ber P [OPTIONS]",
    "MODEL... --condition NAME --measurements FILE [OPTIONS]",
    "MODEL --read-back FILE [OPTIONS]",
    "MODEL --error-map FILE [OPTIONS]",
)
def evaluate(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            help="Model files, of `rramsim train` or imported. Networks that differ only by seed "
            "or fold are also averaged.",
        ),
    ],
    ber: Annotated[
        list[float] | None,
        typer.Option(
            metavar="P",
            help="Bit-error rate, 0 to 1. Repeatable. May be left out with --certificate.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Instead of --ber: a programming condition of --measurements or --conditions. "
            "Repeatable. Without it, all of them.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    measurements: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Measured resistances: a file, a folder of files, or a shipped set. Repeatable.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    conditions: options.Conditions = None,
    error_map: Annotated[
        list[Path] | None,
        typer.Option(
            "--error-map",
            metavar="FILE",
            help="Instead of --ber: which weights are wrong, as a CSV file with the columns layer, "
            "neuron and input, or what -o writes of a chip that was read back. Repeatable, one "
            "file a chip.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    images: options.ImagesOfModel = None,
    reference: options.Reference = None,
    correlated: options.Correlated = False,
    correlated_by: options.CorrelatedBy = None,
    tile: Annotated[
        str | None,
        typer.Option(
            metavar="WxB",
            help="Word lines by bit lines of a tile, for correlated cells; 128x128 if not given.",
            rich_help_panel=options.USE,
        ),
    ] = None,
    protections: options.Protect = None,
    read_noise: Annotated[
        str,
        typer.Option(
            "--read-noise",
            metavar="frozen|fresh",
            help="frozen: a chip has the same wrong cells for every image. fresh: cells near the "
            "reference are drawn anew for every image, with --read-spread or the spread of the "
            "measurements.",
            rich_help_panel=options.USE,
        ),
    ] = "frozen",
    read_spread: Annotated[
        float | None,
        typer.Option(
            "--read-spread",
            metavar="S",
            min=0.0,
            help="Standard deviation of ln R from read to read of one cell, for fresh read noise. "
            "With --ber, and for conditions without populations, in units of the spread of all "
            "cells.",
            rich_help_panel=options.USE,
        ),
    ] = None,
    chips: Annotated[
        int,
        typer.Option(
            "--chips",
            metavar="N",
            min=1,
            help="Number of chips for each BER or condition.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = 20,
    half_width: Annotated[
        float | None,
        typer.Option(
            "--half-width",
            metavar="D",
            help="Score no more chips, from 30 on, once the mean is known to within this share of "
            "the images at 95 %, such as 0.001; --chips is then the most.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    images_per_chip: Annotated[
        str | None,
        typer.Option(
            "--images-per-chip",
            metavar="N|auto",
            help="Score each chip on N of the test images, drawn for it, and estimate the mean by "
            "the difference to the network without errors on the same images: faster where chips "
            "differ much. The 5th-percentile chip is unknown then. auto, with --half-width: as "
            "many as suit the chips of each BER. Without it, all images.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Put errors into this layer only, counted from 1. Without it, into all layers.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    reestimate: Annotated[
        bool,
        typer.Option(
            "--reestimate",
            help="Re-estimate the batch norm for each BER, from training images on other chips, "
            "so that the thresholds fit chips with that BER. The weights do not change.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = False,
    neurons: Annotated[
        bool,
        typer.Option(
            "--neurons",
            help="Also show, for each hidden layer, the share of neurons whose value is the same "
            "on all test images.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = False,
    certificate: Annotated[
        bool,
        typer.Option(
            "--certificate",
            help="Also show the share of test images that stay right whichever weights of the "
            "last layer are flipped, up to a number, with all other layers free of errors: exact, "
            "for the worst case. The network needs a hidden layer, and no averages before the "
            "last layer.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = False,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=2**64 - 1,
            help="Seed of everything that is drawn.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = 1,
    device: DeviceOption = Device.CPU,
    read_back: Annotated[
        Path | None,
        typer.Option(
            "--read-back",
            metavar="FILE|DIR",
            help="Instead of --ber: what was read from one real chip, as a CSV file with the "
            "columns layer, tile, word_line, bit_line and bit or resistance, a netCDF file as "
            "`rramsim export` writes it, or a folder of them. With --condition, its errors are "
            "tested against those of the condition, and its accuracy is compared with that of "
            "--chips chips of the condition.",
            rich_help_panel=options.REAL,
        ),
    ] = None,
    tiles: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of `rramsim export`, needed if the reads are in another folder.",
            rich_help_panel=options.REAL,
        ),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            metavar="as-programmed|worst",
            help="Count cells that were not read as right (as-programmed) or as wrong (worst). "
            "Without it, missing cells are refused.",
            rich_help_panel=options.REAL,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Also write the accuracies: FILE.csv, a table with a row for each network and "
            "BER, each mean and each number of flips of a certificate, or FILE.nc, a dataset of "
            "one network or recipe. For a chip that was read back: FILE.csv, its wrong weights, "
            "or FILE.nc, all that was counted.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write a report of the chip that was read back: report.html with maps of its "
            "errors, figures and tables.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also draw the wrong cells of the chip that was read back: .svg, .png or .pdf.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure the accuracy of a trained network on chips with bit errors.

    For each BER, chips are drawn whose weights are flipped at random, and each chip is scored on
    all test images. The interval is that of the mean over chips, for this one set of test images.
    For several networks of one recipe, the mean over trainings is shown with its own interval.

    With -o, counts are saved during the run: after an interruption, run the same command to
    continue.
    """
    from rramsim.cli.chips import answer, text
    from rramsim.cli.chips import read_back as real_chip
    from rramsim.cli.endings import GOES_ON, say_if_interrupted
    from rramsim.cli.runs import shown_progress

    # What is mistyped is told before anything is loaded.
    is_condition = bool(measurements or conditions)
    if condition and not is_condition:
        raise InputError(
            "--condition: where it was measured or stated is needed, such as --measurements "
            "cells.csv or --conditions energies.toml."
        )
    of_chip = {"--tiles": tiles, "--reference": reference, "--missing": missing, "--plot": plot}
    of_chip["--report"] = report
    if read_back is not None:
        others = {
            **{"--ber": ber, "--error-map": error_map, "--protect": protections},
            **{"--layer": layer, "--tile": tile},
            **{"--correlated": correlated, "--correlated-by": correlated_by},
            **{"--neurons": neurons, "--certificate": certificate, "--reestimate": reestimate},
            "--read-noise": read_noise != "frozen",
            "--read-spread": read_spread is not None,
            **{"--images-per-chip": images_per_chip, "--half-width": half_width is not None},
        }
        real_chip.check(models, condition or [], is_condition, output, others)
        check_suffix(plot, (".svg", ".png", ".pdf"), option="--plot")
        chip, sources = _scored(
            models[0],
            read_back,
            condition or [],
            measurements or [],
            conditions,
            tiles=tiles,
            reference=reference,
            missing=missing or "error",
            chips=chips,
            images=images,
            seed=seed,
            device=device.value,
        )
        if report is not None:
            files = [Path(one) for one in measurements or []]
            typed: dict[str, Any] = {
                **{"--read-back": read_back, "--tiles": tiles, "--reference": reference},
                **{"--missing": missing, "--measurements": files, "--condition": condition},
                "--conditions": Path(conditions) if conditions else None,
                "--chips": chips if condition else None,
                **{"--images": images, "--seed": seed},
            }
            real_chip.write_report(chip, report, models[0], typed, sources)
        real_chip.tell(chip, output=output, plot=plot, as_json=as_json, quiet=quiet)
        if report is not None and not as_json:
            typer.echo(f"The report is {report / 'report.html'}")
        return
    if measurements:
        del of_chip["--reference"]
    real_chip.refuse_without_reads(of_chip)
    if output is not None:
        answer.check_output(output, models, certificate=certificate, neurons=neurons)
    given = {"--ber": ber, "conditions": is_condition, "--error-map": error_map}
    _check_one_of(given, may_be_none=certificate)
    if certificate and reestimate:
        raise InputError(
            "--certificate and --reestimate were both given; the certificate is of one network, "
            "and --reestimate makes another one for each BER. Give one of the two."
        )
    together = _Together(options.correlated(correlated, correlated_by) or False, _tile(tile))
    _check_together(together, tile, is_condition=is_condition, is_ber=not error_map)
    rule = _rule(chips, half_width)
    some = _images_per_chip(images_per_chip)
    from rramsim.study import evaluate as study

    asked, faults = (
        _mapped(error_map, models, protections, read_noise)
        if error_map
        else _asked(
            ber,
            protections or ["none"],
            together,
            (read_noise, read_spread),
            names=condition or [],
            measurements=measurements or [],
            conditions=conditions,
            reference=reference,
        )
    )
    kept = None if output is None else output.with_name(f"{output.name}.tallies.csv")
    say_if_interrupted(GOES_ON if kept else "with -o FILE what was counted is kept.")
    with shown_progress(quiet=quiet) as progress:
        found = study.evaluate_files(
            models,
            faults,
            chips=chips,
            rule=rule,
            images_per_chip=some,
            images=images,
            seed=seed,
            reestimate=reestimate,
            layer=layer,
            neurons=neurons,
            certificate=certificate,
            device=device.value,
            tallies=kept,
            progress=progress,
        )
    if output is not None and kept is not None:
        answer.write(output, found, asked)
        kept.unlink(missing_ok=True)
    if as_json:
        typer.echo(answer.as_json(found, asked))
    else:
        text.print_tables(found, asked, quiet=quiet, verbose=verbose)


def _rule(chips: int, half_width: float | None) -> StoppingRule | None:
    if half_width is None:
        return None
    from rramsim.montecarlo.stopping import FIRST_LOOK, StoppingRule

    if not 0.0 < half_width < 1.0:
        raise InputError(
            f"--half-width is {half_width:g}; accepted: a share of the images above 0 and below 1, "
            "such as 0.001."
        )
    if chips < FIRST_LOOK:
        raise InputError(
            f"--half-width needs --chips {FIRST_LOOK} or more, and --chips is {chips}: "
            "whether the mean is known so well is seen after that many chips first. Give the most "
            "chips that may be scored, such as --chips 10000."
        )
    return StoppingRule(chips, half_width)


def _images_per_chip(text: str | None) -> int | str | None:
    if text is None or text == "auto":
        return text
    if not (text.isascii() and text.isdigit() and len(text) < len("1000000000")):
        accepted = "a number of test images from 1 on, or auto"
        raise refused("images_per_chip", text, accepted)
    return int(text)


def _check_one_of(given: dict[str, Any], *, may_be_none: bool) -> None:
    """Refuse two answers to which errors chips have, or none."""
    names = [name for name, value in given.items() if value]
    if len(names) > 1:
        raise InputError(f"{' and '.join(names[:2])} were both given; give one of the two.")
    if not (names or may_be_none):
        raise InputError("--ber: a bit-error rate is needed, such as --ber 0.01.")


def _mapped(
    files: list[Path], models: list[Path], protections: list[str] | None, read_noise: str
) -> tuple[list[float | str], list[ChipFaults]]:
    """Return the error maps that are asked for, and the faults of their chips."""
    from rramsim.cli.chips.answer import ErrorMap
    from rramsim.study.real_chips.error_map import read_error_map

    if read_noise != "frozen":
        raise InputError(
            "--error-map and --read-noise were both given: the weights of a map stay wrong at "
            "every image. Give one of the two."
        )
    if len(models) != 1:
        raise InputError(f"--error-map: is of one network, and {len(models)} models were given.")
    if protections:
        raise InputError(
            "--error-map and --protect were both given: a map is of weights as they are read, "
            "so of what a protection leaves. Give one of the two."
        )
    return [ErrorMap(file) for file in files], [read_error_map(file, models[0]) for file in files]


class _Together(NamedTuple):
    """How cells are correlated: as in the readings, as given, or not."""

    correlated: bool | dict[str, Any]
    tile: tuple[int, int]


def _tile(text: str | None) -> tuple[int, int]:
    from rramsim.study.real_chips.export import tile_shape

    shape = tile_shape(text or "128x128")
    return shape.word_lines, shape.bit_lines


def _check_together(
    together: _Together, tile: str | None, *, is_condition: bool, is_ber: bool
) -> None:
    """Refuse what cells share where none are drawn, or where no readings tell it."""
    if together.correlated is False:
        if tile:
            raise InputError("--tile: is for correlated cells, with --correlated.")
        return
    if not (is_condition or is_ber):
        raise InputError("--error-map: its cells err as the map says, and not by --correlated.")
    if together.correlated is True and not is_condition:
        raise InputError(
            "--correlated: takes what cells share from --measurements; with --ber give it, such as "
            "--correlated-by sigma_column=0.3, as parts of a spread of 1."
        )


def _asked(
    ber: list[float] | None,
    protections: list[str],
    together: _Together,
    reads: tuple[str, float | None],
    *,
    names: list[str],
    measurements: list[str],
    conditions: str | None,
    reference: str | None,
) -> tuple[list[float | str], list[ChipFaults]]:
    """Return the BERs or conditions that are asked for, and the faults of their chips.

    `reads` is how cells are read from image to image: frozen or fresh, and the spread of reads.
    """
    from rramsim.cli.chips.answer import BoundedCondition
    from rramsim.crossbar.correlated import CorrelatedFaults
    from rramsim.crossbar.faults import IidFaults
    from rramsim.crossbar.from_conditions import SharedSpread
    from rramsim.crossbar.protection import parse_all, protect
    from rramsim.study.fit import read_anew

    named = parse_all(protections)
    if measurements or conditions:
        from rramsim.study.fit import condition_faults

        known = condition_faults(
            names,
            [str(way) for way in named],
            measurements=measurements,
            conditions=conditions,
            reference=reference,
            **together._asdict(),
            read_noise=reads[0],
            read_spread=reads[1],
        )
        return (
            [BoundedCondition(name) if bound else name for (name, _), (_, bound) in known.items()],
            [model for model, _ in known.values()],
        )
    bers = ber or [0.0]
    asked: list[float | str] = [one for _ in named for one in bers]
    models: list[IidFaults | CorrelatedFaults] = [IidFaults(one) for one in bers]
    if isinstance(together.correlated, dict):
        shared = SharedSpread(together.correlated, together.tile)
        given = {**(shared.given or {}), "tile": shared.tile}
        models = [CorrelatedFaults(IidFaults(one), **given) for one in bers]
    faults = [read_anew(one, *reads) for one in models]
    return asked, [protect(one, way) for way in named for one in faults]


def _scored(
    model: Path,
    reads: Path,
    condition: list[str],
    measurements: list[str],
    conditions: str | None,
    *,
    tiles: Path | None,
    chips: int,
    **how: Any,
) -> tuple[xr.Dataset, tuple[tuple[str, str], ...]]:
    """Return what was found of a real chip, and what was read of the condition to compare with.

    Without a condition there is no comparison.
    """
    from rramsim.study.real_chips.read_back import protection_of_tiles, read_back

    if not condition:
        return read_back(model, reads, tiles=tiles, **how), ()
    from rramsim.study.fit import expected_errors

    expected, rates, sources = expected_errors(
        condition[0],
        protection_of_tiles(reads, tiles),
        measurements=measurements,
        conditions=conditions,
    )
    chip = read_back(
        model, reads, tiles=tiles, expected=expected, rates_left_open=rates, chips=chips, **how
    )
    return chip.assign_attrs(condition=condition[0]), sources
