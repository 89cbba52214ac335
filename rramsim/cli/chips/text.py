"""What `rramsim evaluate` shows a person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rramsim.cli.chips.answer import (
    BoundedCondition,
    ErrorMap,
    is_protected,
    is_settled,
    recipes_in,
)

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from rramsim.cli.chips.answer import Asked, Found
    from rramsim.report.text_table import TextTable
    from rramsim.schema import Record


_ACCURACY = ("accuracy", "interval", "5th-percentile chip")


class _Screen(NamedTuple):
    """Where tables are shown, and sentences unless it is quiet."""

    console: Console
    is_quiet: bool

    def table(self, table: TextTable) -> None:
        from rramsim.report.terminal_table import print_table

        print_table(self.console, table)

    def sentences(self, *sentences: str) -> None:
        from rramsim.report.terminal_table import print_sentences

        if not self.is_quiet:
            print_sentences(self.console, sentences)


def print_tables(found: Found, asked: Sequence[Asked], *, quiet: bool, verbose: bool) -> None:
    """Print for each recipe the tables of its networks, the mean of several, how all were made.

    Parameters
    ----------
    found : mapping of Path to xarray.Dataset
    asked : sequence of float or str
    quiet : bool
        Whether tables are printed without sentences.
    verbose : bool
        Whether networks and images are also named by their checksums.
    """
    from rich.console import Console

    screen, recipes = _Screen(Console(), quiet), recipes_in(found)
    for replicates in recipes:
        if len(replicates) > 1:
            _print_recipe(screen, replicates, asked)
            continue
        ((file, result),) = replicates.items()
        if len(found) > 1:
            _print_name(screen, str(file))
        _print_network(screen, result, asked)
    if len(recipes) > 1:
        screen.sentences("Networks of different recipes are not averaged.")
    if verbose:
        for file, result in found.items():
            known = ", ".join(
                f"{name} {result.attrs[name]}" for name in ("network_id", "images_id")
            )
            screen.sentences(f"{file}: {known}")


def _print_network(screen: _Screen, result: xr.Dataset, asked: Sequence[Asked]) -> None:
    """Print a table of accuracies, how they were made, and what else was asked for."""
    from rramsim.report.text_table import TextTable
    from rramsim.schema import records

    rows, attrs = records(result, "faults"), result.attrs
    if isinstance(asked[0], ErrorMap):
        screen.table(_of_known_chips(asked, rows))
    else:
        if is_protected(result) or isinstance(asked[0], str):
            _print_protections(screen, asked, rows)
        which = ("protection",) if is_protected(result) else ()
        counts = _counts(rows, images=attrs["test_images"])
        table = TextTable(
            title="",
            columns=(_column(asked), *which, *_ACCURACY, *counts),
            rows=tuple(
                (_shown(one), *(row[name] for name in which), *_accuracy_texts(row, counts))
                for one, row in zip(asked, rows, strict=True)
            ),
        )
        screen.table(table)
    fold = f" (fold {attrs['fold']} of {attrs['folds']})" if "fold" in attrs else ""
    sentences = [
        f"Network {_trained(attrs)}, scored on the {attrs['test_images']} test images of "
        f"{attrs['images']}{fold}, seed {attrs['seed']}.",
        *_planted(attrs),
        *_together(asked, rows),
        *_methods(asked, [[row["method"]] for row in rows]),
        *_open_means(asked, [result]),
    ]
    screen.sentences(*sentences)
    _print_more(screen, result, asked)


def _of_known_chips(asked: Sequence[Asked], rows: Sequence[Record]) -> TextTable:
    """Return the accuracies of chips whose wrong weights are known, one chip a row."""
    from rramsim.formatting import percent, power
    from rramsim.report.text_table import TextTable

    return TextTable(
        title="",
        columns=(_column(asked), "wrong weights, share", "accuracy"),
        rows=tuple(
            (_shown(one), power(row["test_ber"]), percent(row["accuracy"]))
            for one, row in zip(asked, rows, strict=True)
        ),
    )


def _print_recipe(screen: _Screen, replicates: Found, asked: Sequence[Asked]) -> None:
    """Print the accuracies of networks of one recipe, and their mean over trainings."""
    from rramsim.formatting import percent
    from rramsim.montecarlo.replicates import mean_over_trainings
    from rramsim.report.text_table import TextTable
    from rramsim.schema import records

    mean, results = mean_over_trainings(replicates.values()), list(replicates.values())
    attrs, which = mean.attrs, "fold" if "folds" in mean.attrs else "training"
    rows = records(mean, "faults")
    protection = ("protection",) if is_protected(mean) else ()
    if protection or isinstance(asked[0], str):
        _print_protections(screen, asked, records(results[0], "faults"))
    networks = [network for row in rows for network in row.by("training")]
    counts = _counts(networks, images=int(mean["test_images"].min()))
    of_networks = TextTable(
        title="Each network, over its chips",
        columns=(
            *(_column(asked), *protection, "fold" if which == "fold" else "seed"),
            *(*_ACCURACY, *counts),
        ),
        rows=tuple(
            (
                _shown(one),
                *(row[name] for name in protection),
                str(network[which]),
                *_accuracy_texts(network, counts, "network_"),
            )
            for one, row in zip(asked, rows, strict=True)
            for network in row.by("training")
        ),
    )
    over_trainings = TextTable(
        title=f"Mean over {len(results)} trainings",
        columns=(_column(asked), *protection, "mean ± deviation", "interval of the mean"),
        rows=tuple(
            (
                _shown(one),
                *(row[name] for name in protection),
                f"{percent(row['accuracy'])} ± {percent(row['accuracy_sd'])}",
                _interval(row),
            )
            for one, row in zip(asked, rows, strict=True)
        ),
    )
    screen.table(of_networks)
    screen.table(over_trainings)
    sentences = [
        f"Networks {_trained(attrs)}, scored on {_tested(mean)}; chips of seed "
        f"{results[0].attrs['seed']}. "
        "Mean ± standard deviation between networks.",
        *_planted(results[0].attrs),
        *_together(asked, rows),
        *_methods(asked, [[row["method"]] for row in rows]),
        "Of each network alone:",
        *_methods(asked, [[one["network_method"] for one in row.by("training")] for row in rows]),
        *_open_means(asked, results),
    ]
    screen.sentences(*sentences)
    for file, result in replicates.items():
        if "neurons" in result or "certified_share" in result:
            _print_name(screen, str(file))
            _print_more(screen, result, asked)


def _print_protections(screen: _Screen, asked: Sequence[Asked], rows: Sequence[Record]) -> None:
    """Print what each protection takes, and the BER that it leaves."""
    from rramsim.formatting import plain, power
    from rramsim.report.text_table import TextTable

    table = TextTable(
        title="",
        columns=(_column(asked), "protection", "residual BER", "cells a weight", "pulses a weight"),
        rows=tuple(
            (
                _shown(one),
                row["protection"],
                f"at most {power(row['test_ber'])}"
                if isinstance(one, BoundedCondition)
                else power(row["test_ber"]),
                *(plain(row[name], 4) for name in ("cells_per_weight", "pulses_per_weight")),
            )
            for one, row in zip(asked, rows, strict=True)
        ),
    )
    screen.table(table)
    screen.sentences(
        *_bound_words(asked),
        "The residual BER is that of the weights as they are read, expected "
        "for independent cells. Pulses write every weight once; the energy and time of a "
        "decoder are not known.",
    )


def _bound_words(asked: Sequence[Asked]) -> list[str]:
    """Return what the accuracy is of a condition whose BER is only bounded."""
    bounded = dict.fromkeys(one for one in asked if isinstance(one, BoundedCondition))
    if not bounded:
        return []
    return [
        f"{', '.join(bounded)}: only an upper bound of the BER is known. The chips are "
        "simulated with this bound, the worst that the cells allow."
    ]


def _print_more(screen: _Screen, result: xr.Dataset, asked: Sequence[Asked]) -> None:
    """Print the tables of neurons and of the certificate, each if it was asked for."""
    from rramsim.schema import records

    if "neurons" in result:
        rows = records(result, "faults")
        _print_neurons(screen, asked, rows, convolutions=result.attrs["convolutions"])
    if "certified_share" in result:
        _print_certificate(screen, result)


def _print_certificate(screen: _Screen, result: xr.Dataset) -> None:
    from rramsim.formatting import percent
    from rramsim.report.text_table import TextTable
    from rramsim.schema import records

    table = TextTable(
        title="",
        columns=("flips in the last layer", "correct whichever they are"),
        rows=tuple(
            (str(row["flips"]), percent(row["certified_share"])) for row in records(result, "flips")
        ),
    )
    screen.table(table)
    screen.sentences(
        "Share of the test images that are classified correctly whichever of the "
        f"{result.attrs['last_layer_weights']} weights of the last layer are flipped, up to "
        "this number: exact for the worst case, and for chips whose other layers are free of "
        "errors. Random flips change far fewer classes."
    )


def _print_name(screen: _Screen, name: str) -> None:
    from rramsim.report.terminal_table import plain_text

    # Never broken over lines, so that it can be copied.
    screen.console.print(plain_text(name), soft_wrap=True)


def _counts(rows: Sequence[Record], *, images: int) -> dict[str, str]:
    """Return the columns of what was counted, with the names of their values.

    The images of a chip are among them where any chip was scored on fewer than all.
    """
    is_sampled = any(row["images_per_chip"] < images for row in rows)
    return {"chips": "chips", **({"images a chip": "images_per_chip"} if is_sampled else {})}


def _accuracy_texts(row: Record, counts: Mapping[str, str], prefix: str = "") -> tuple[str, ...]:
    from rramsim.formatting import percent

    accuracy, poor = (percent(row[f"{prefix}{name}"]) for name in ("accuracy", "accuracy_p05"))
    return accuracy, _interval(row, prefix), poor, *(str(row[name]) for name in counts.values())


def _trained(attrs: Mapping[str, Any]) -> str:
    trained = f" {attrs['training']}" if attrs["training"] else ", training BER unknown"
    return f"{attrs['network']}{trained}"


def _tested(mean: xr.Dataset) -> str:
    images = mean.attrs["images"]
    if "folds" in mean.attrs:
        return (
            f"{images}, divided into {mean.attrs['folds']} parts, each tested by the network that "
            "was trained on all others"
        )
    return f"the {int(mean['test_images'][0])} test images of {images}"


def _planted(attrs: Mapping[str, Any]) -> list[str]:
    sentences = []
    if attrs.get("read_noise") == "fresh":
        sentences.append(
            "Read noise is fresh for every image: each prediction is from one read, and a second "
            "read of the same image may give another prediction."
        )
    if "layer" in attrs:
        sentences.append(f"Errors are in the cells of layer {attrs['layer']} only.")
    if "thresholds" in attrs:
        sentences.append(
            "Thresholds were re-estimated for each BER, from training images on other chips."
        )
    return sentences


def _together(asked: Sequence[Asked], rows: Sequence[Record]) -> list[str]:
    """Return what the cells of each condition share with their lines and dies."""
    if "shared" not in rows[0]:
        return []
    sentences = [
        f"{_column(asked)} {_shown(one)}: {row['shared']}."
        for one, row in zip(asked, rows, strict=True)
        if row["shared"]
    ]
    return list(dict.fromkeys(sentences))


def _print_neurons(
    screen: _Screen, asked: Sequence[Asked], rows: Sequence[Record], *, convolutions: int
) -> None:
    from rramsim.formatting import accuracy, percent
    from rramsim.report.text_table import TextTable

    by_layer = [list(row.by("layer")) for row in rows]
    if not any(by_layer):
        screen.sentences("The network has no hidden layer, so no hidden neurons.")
        return
    table = TextTable(
        title="",
        columns=(_column(asked), "layer", "neurons", "never change", "always +1", "always -1"),
        rows=tuple(
            (
                *(_shown(one), f"{row['layer']}", f"{row['neurons']}"),
                accuracy(row.interval("constant_share")),
                *(percent(row[f"always_{sign}_share"]) for sign in ("plus", "minus")),
            )
            for one, layers in zip(asked, by_layer, strict=True)
            for row in layers
        ),
    )
    sentences = [
        "Hidden neurons whose value is the same on all test images: mean over the same chips of "
        "their share of the layer (interval)."
    ]
    if convolutions:
        sentences.append(
            f"In a convolution (layers 1 to {convolutions}) every filter at every place of its "
            "outputs, after pooling, is a neuron."
        )
    sentences += _methods(
        asked, [[row["constant_share_method"] for row in layers] for layers in by_layer]
    )
    screen.table(table)
    screen.sentences(*sentences)


def _methods(asked: Sequence[Asked], methods: Sequence[Sequence[str]]) -> list[str]:
    """Return each method once, after the BERs it was used at."""
    used: dict[str, list[str]] = {}
    for one, of_ber in zip(asked, methods, strict=True):
        for method in dict.fromkeys(of_ber):
            # A BER stands for several protections.
            used.setdefault(method, []).append(_shown(one))
    name = _column(asked)
    return [f"{name} {', '.join(dict.fromkeys(those))}: {text}" for text, those in used.items()]


def _open_means(asked: Sequence[Asked], results: Sequence[xr.Dataset]) -> list[str]:
    """Return where a half width was not reached, and where chips kept all images."""
    from rramsim.formatting import plain
    from rramsim.montecarlo.stopping import FIRST_LOOK
    from rramsim.schema import records

    attrs = results[0].attrs
    if "half_width" not in attrs:
        return []
    rows = [pair for one in results for pair in zip(asked, records(one, "faults"), strict=True)]
    wide = {_shown(one): row["chips"] for one, row in rows if not is_settled(row)}
    # Where the first chips are enough, nothing was chosen.
    whole = dict.fromkeys(
        _shown(one)
        for one, row in rows
        if attrs.get("images_chosen") == "auto"
        and row["images_per_chip"] == attrs["test_images"]
        and not (is_settled(row) and row["chips"] <= FIRST_LOOK)
    )
    name, points = _column(asked), plain(100 * attrs["half_width"], 4)
    sentences = []
    if wide:
        sentences.append(
            f"{name} {', '.join(wide)}: not known to within ± {points} percentage points after "
            f"{max(wide.values())} chips, the most that were allowed; give more with --chips, or "
            "a greater --half-width."
        )
    if whole:
        sentences.append(
            f"{name} {', '.join(whole)}: chips keep all images, since fewer (auto) would have "
            "saved little or would not have reached the half width."
        )
    return sentences


def _interval(row: Record, prefix: str = "") -> str:
    from rramsim.formatting import percent

    low, high = row[f"{prefix}accuracy_low"], row[f"{prefix}accuracy_high"]
    return "unknown" if math.isnan(low) else f"{100 * low:.2f} to {percent(high)}"


def _column(asked: Sequence[Asked]) -> str:
    if isinstance(asked[0], ErrorMap):
        return "error map"
    return "condition" if isinstance(asked[0], str) else "BER"


def _shown(one: Asked) -> str:
    from rramsim.formatting import power

    # A user's own number, which is not to be rounded to look like another.
    return one if isinstance(one, str) else power(one, digits=12)
