"""What `rramsim evaluate` gives a machine: JSON, and the files of `-o`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rramsim.cli.options import check_suffix
from rramsim.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from rramsim.schema import Record

_WHERE_KNOWN = (
    *("half_width", "images_chosen"),
    *("training_seed", "fold", "folds", "layer", "thresholds", "read_noise"),
)


class ErrorMap(str):
    """The file that says which weights of a chip are wrong."""


class BoundedCondition(str):
    """The name of a condition whose BER is only bounded; chips have the BER of the bound."""


Asked = float | str
"""What the chips of a row have: a BER, the name of a programming condition, or an `ErrorMap`."""

Found = Mapping["Path", "xr.Dataset"]
"""What was found for each model file, as the product "evaluation"."""


def as_json(found: Found, asked: Sequence[Asked]) -> str:
    """Return the points as JSON, a BER each; of several networks by network and by recipe."""
    networks = {file: _network_json(result, asked) for file, result in found.items()}
    if len(found) == 1:
        (answer,) = networks.values()
    else:
        answer = {
            "models": [{"file": str(file), **one} for file, one in networks.items()],
            "recipes": [_recipe_json(one, asked) for one in recipes_in(found) if len(one) > 1],
        }
    return json.dumps(answer, indent=2, allow_nan=False)


def _network_json(result: xr.Dataset, asked: Sequence[Asked]) -> dict[str, Any]:
    from rramsim.schema import records

    attrs = result.attrs
    points = [
        {
            **_asked(one),
            **_protection(result, row, one),
            **({"shared": row["shared"] or None} if "shared" in row else {}),
            "accuracy_mean": row["accuracy"],
            "accuracy_low": row.number("accuracy_low"),
            "accuracy_high": row.number("accuracy_high"),
            "accuracy_p05": row.number("accuracy_p05"),
            "maps": row["chips"],
            "images_per_chip": row["images_per_chip"],
            **({"half_width_reached": is_settled(row)} if "half_width_reached" in row else {}),
            "method": row["method"],
            **({"neurons": list(map(_neurons, row.by("layer")))} if "neurons" in row else {}),
        }
        for one, row in zip(asked, records(result, "faults"), strict=True)
    ]
    certificate = {}
    if "certified_share" in result:
        shares = [
            {"flips": row["flips"], "certified_share": row["certified_share"]}
            for row in records(result, "flips")
        ]
        certificate["certificate"] = {
            "last_layer_weights": attrs["last_layer_weights"],
            "points": shares,
        }
    return {
        "points": points,
        **certificate,
        "network_id": attrs["network_id"],
        "training_ber": attrs.get("training_ber"),
        "images": attrs["images"],
        "images_id": attrs["images_id"],
        "test_images": attrs["test_images"],
        "seed": attrs["seed"],
        "version": attrs["rramsim_version"],
        **{name: attrs[name] for name in _WHERE_KNOWN if name in attrs},
    }


def is_protected(result: xr.Dataset) -> bool:
    """Return whether the weights of any chips were protected."""
    return "protection" in result and bool((result["protection"] != "none").any())


def is_settled(row: Record) -> bool:
    """Return whether a mean is known to within the half width that was asked for."""
    return bool(row["half_width_reached"] == 1)


def _asked(one: Asked) -> dict[str, Any]:
    if isinstance(one, ErrorMap):
        return {"error_map": str(one)}
    return {"condition": one} if isinstance(one, str) else {"ber": one}


def _protection(result: xr.Dataset, row: Record, asked: Asked) -> dict[str, Any]:
    """Return what a protection takes and leaves, of chips of a condition or where any have one."""
    if isinstance(asked, ErrorMap):
        return {"ber": row.number("test_ber")}
    if not (is_protected(result) or isinstance(asked, str)):
        return {}
    # Of several trainings each has a residual BER of its own, since their weights differ.
    residual: dict[str, Any] = {}
    if "training" not in row:
        bound = "upper" if isinstance(asked, BoundedCondition) else None
        residual = {"residual_ber": row.number("test_ber"), "residual_ber_bound": bound}
    names = ("cells_per_weight", "pulses_per_weight")
    return {
        "protection": row["protection"],
        **residual,
        **{name: row.number(name) for name in names},
    }


def _neurons(row: Record) -> dict[str, Any]:
    return {
        "layer": row["layer"],
        "neurons": row["neurons"],
        "constant_share_mean": row["constant_share"],
        "constant_share_low": row.number("constant_share_low"),
        "constant_share_high": row.number("constant_share_high"),
        "always_plus_share_mean": row["always_plus_share"],
        "always_minus_share_mean": row["always_minus_share"],
        "method": row["constant_share_method"],
    }


def _recipe_json(replicates: Found, asked: Sequence[Asked]) -> dict[str, Any]:
    from rramsim.montecarlo.replicates import mean_over_trainings
    from rramsim.schema import records

    mean = mean_over_trainings(replicates.values())
    points = [
        {
            **_asked(one),
            **_protection(mean, row, one),
            "accuracy_mean": row["accuracy"],
            "accuracy_low": row["accuracy_low"],
            "accuracy_high": row["accuracy_high"],
            "accuracy_sd": row["accuracy_sd"],
            "method": row["method"],
        }
        for one, row in zip(asked, records(mean, "faults"), strict=True)
    ]
    return {
        "files": list(map(str, replicates)),
        "trainings": len(replicates),
        "training_ber": mean.attrs.get("training_ber"),
        "points": points,
    }


def recipes_in(found: Found) -> list[dict[Path, xr.Dataset]]:
    """Return what was found by recipe, in the order met."""
    from rramsim.montecarlo.replicates import by_recipe

    return by_recipe(found, lambda result: str(result.attrs.get("training_recipe", "")))


def check_output(
    path: Path, models: Sequence[Path], *, certificate: bool = False, neurons: bool = False
) -> None:
    """Refuse a file that cannot hold what is asked, before anything is scored.

    Raises
    ------
    InputError
        If its suffix is none that is written, a dataset is asked for of several recipes, or the
        file would leave out what else is asked for.
    """
    check_suffix(path, (".csv", ".nc"), option="-o")
    is_dataset = path.suffix.lower() == ".nc"
    if neurons and not (is_dataset and len(models) == 1):
        raise InputError(
            f"-o {path}: holds no neurons (--neurons); accepted are a dataset (.nc) of one "
            "network, or --json in place of -o."
        )
    if not is_dataset or len(models) == 1:
        return
    if certificate:
        raise InputError(
            f"-o {path}: a dataset of several networks holds no certificates; accepted are a "
            "table (.csv), a dataset of one network, or --json in place of -o."
        )
    from rramsim.network.model_files import load_network

    recipes = {load_network(model).training_recipe or str(model) for model in models}
    if len(recipes) > 1:
        raise InputError(
            f"-o {path}: a dataset holds networks of one recipe, which differ by seed or fold "
            f"alone, and these are of {len(recipes)}. Accepted are those of one, or a table (.csv)."
        )


def write(path: Path, found: Found, asked: Sequence[Asked]) -> None:
    """Write what was found as a table (``.csv``), or as a dataset of one recipe (``.nc``)."""
    from rramsim.files import write_dataset, write_text
    from rramsim.montecarlo.replicates import mean_over_trainings
    from rramsim.report.text_table import csv_text

    if path.suffix.lower() == ".csv":
        write_text(path, csv_text(_with_certificates(list(_rows(found, asked)), found)))
        return
    first, *others = found.values()
    dataset = mean_over_trainings(found.values()) if others else first
    write_dataset(path, dataset)


def _rows(found: Found, asked: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    """Yield a row for each network and BER, then one for each recipe of several and BER.

    Where there are certificates, each network has a row for each of their numbers of flips, too.
    """
    from rramsim.montecarlo.replicates import mean_over_trainings
    from rramsim.schema import records

    for file, result in found.items():
        known = _training(file, result)
        for one, row in zip(asked, records(result, "faults"), strict=True):
            more = known | _protection(result, row, one)
            of_chips = {name: row[name] for name in ("chips", "images_per_chip")}
            yield _row("network", row, **_asked(one), **of_chips, **more)
    for replicates in recipes_in(found):
        if len(replicates) > 1:
            mean = mean_over_trainings(replicates.values())
            known = {"training_ber": mean.attrs.get("training_ber"), "trainings": len(replicates)}
            for one, row in zip(asked, records(mean, "faults"), strict=True):
                more = known | _protection(mean, row, one)
                yield _row("mean over trainings", row, **_asked(one), **more)


def _training(file: Path, result: xr.Dataset) -> dict[str, Any]:
    names = ("training_ber", "training_seed", "fold")
    return {"file": str(file), **{name: result.attrs.get(name) for name in names}}


def _with_certificates(rows: list[dict[str, Any]], found: Found) -> list[dict[str, Any]]:
    """Return rows, and below them one for each network and number of flips that is certified."""
    from rramsim.schema import records

    names = ("flips", "certified_share")
    certificates = [
        {"of": "certificate", **_training(file, result), **{name: row[name] for name in names}}
        for file, result in found.items()
        if "certified_share" in result
        for row in records(result, "flips")
    ]
    if not certificates:
        return rows
    return [{name: row.get(name) for name in (*rows[0], *names)} for row in (*rows, *certificates)]


def _row(of: str, row: Record, **known: Any) -> dict[str, Any]:
    names = (
        *("file", "training_ber", "training_seed", "fold", "trainings"),
        *("chips", "images_per_chip", "ber"),
    )
    numbers = ("accuracy", "accuracy_low", "accuracy_high", "accuracy_sd", "accuracy_p05")
    of_protection = ("protection", "residual_ber", "cells_per_weight", "pulses_per_weight")
    more = of_protection if "protection" in known else ()
    of_condition = tuple(name for name in ("condition", "error_map") if name in known)
    return {
        "of": of,
        **{name: known.get(name) for name in (*of_condition, *names, *more)},
        **{name: row.number(name) if name in row else None for name in numbers},
        "method": row["method"],
    }
