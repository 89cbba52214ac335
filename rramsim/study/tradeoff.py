"""The order of a study's stages: devices, networks, chips, trade-off, report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim import schema
from rramsim.crossbar.drawn_faults import Planted
from rramsim.crossbar.faults import FaultModel, check_model
from rramsim.crossbar.tiles import Placement, TileShape
from rramsim.decision.join import error_free_accuracy, join
from rramsim.decision.recommend import recommend
from rramsim.decision.requirements import ber_budgets, judge
from rramsim.errors import InputError, device_name, on_progress, refused
from rramsim.files import write_text
from rramsim.images.catalogue import load_images
from rramsim.images.image_set import ImageSet
from rramsim.measurements import Measured
from rramsim.montecarlo.collect import ThisProcess, Workers
from rramsim.montecarlo.reestimate import Reestimates
from rramsim.montecarlo.replicates import StudyNetworks
from rramsim.progress import OnProgress, silent
from rramsim.report.provenance import Provenance
from rramsim.report.tradeoff.exports import tradeoff_csv, tradeoff_json
from rramsim.report.tradeoff.findings import Findings, ShownChip
from rramsim.report.tradeoff.rows import origins
from rramsim.study.inputs import Readings, given_readings, study_inputs, use_of_cells
from rramsim.study.result_folder import (
    ResultFolder,
    claim,
    in_use,
    keep_former,
    sha256_of,
    write_dataset,
)
from rramsim.study.settings import Study, make_study
from rramsim.study.stages.chips import Chips
from rramsim.study.stages.costs import (
    PulsesOf,
    inference_energies,
    programming_of,
    pulses_dataset,
    pulses_in,
    pulses_of,
)
from rramsim.study.stages.devices import Devices, FaultsOf, characterize_devices
from rramsim.study.stages.life import Lives, lives_of, pairs_scored
from rramsim.study.stages.networks import load_models, train_networks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import xarray as xr
    from markupsafe import Markup

    from rramsim.decision.recommendation import Recommendation


@dataclass(frozen=True, eq=False, repr=False)
class TradeoffResult:
    """The trade-off of a study: what each network reaches on each condition, and at what cost.

    Attributes
    ----------
    findings : Findings
        What the report shows.
    folder : Path
        Where all results lie.
    former_report : Path or None
        The report that was there before, if it said something else; it is kept.

    Examples
    --------
    >>> import rramsim, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = rramsim.tradeoff(
    ...         conditions="table1", out=folder, network="64-16-10", training_bers=[0.0],
    ...         curve_bers=[0.1], epochs=1, chips=2, protections=["none"], reestimate=False,
    ...     )
    >>> result.table[["condition", "training_ber"]].values.tolist()
    [['very strong', 0.0], ['strong', 0.0], ['weak', 0.0]]
    """

    findings: Findings
    folder: Path
    former_report: Path | None = None

    @property
    def table(self) -> pd.DataFrame:
        """A row for each network on each condition; units are in the names of the columns."""
        import pandas as pd

        return pd.DataFrame(tradeoff_json(self.findings)["points"])

    @property
    def recommendation(self) -> Recommendation:
        """The point recommended, and why."""
        return self.findings.recommendation

    @property
    def tradeoff(self) -> xr.Dataset:
        """Accuracy, energy and endurance by training BER and condition (schema "tradeoff")."""
        return self.findings.tradeoff

    @property
    def accuracy(self) -> xr.Dataset:
        """Accuracy of each network against the BER (schema "accuracy")."""
        return self.findings.accuracy

    @property
    def conditions(self) -> xr.Dataset:
        """The programming conditions (schema "conditions")."""
        return self.findings.conditions

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the data, a sentence each."""
        return (*origins(self.findings), *self.findings.notes)

    @property
    def report_path(self) -> Path:
        """The report, an HTML page."""
        return self.folder / "report.html"

    def to_json(self) -> str:
        """Return the points as JSON, as ``rramsim tradeoff --json`` prints them."""
        return json.dumps(tradeoff_json(self.findings), indent=2, allow_nan=False)

    def text(
        self,
        *,
        width: int = 110,
        styled: bool = False,
        quiet: bool = False,
        verbose: bool = False,
    ) -> str:
        """Return the table, the notes and last the recommendation as text.

        Parameters
        ----------
        width : int
            Characters a line.
        styled : bool
            Whether titles are bold, as a terminal shows them.
        quiet : bool
            Whether only the recommendation and the path of the report are shown.
        verbose : bool
            Whether all notes are shown where they are many.
        """
        from rramsim.report.tradeoff.terminal import text

        return text(
            self.findings,
            self.report_path,
            former=self.former_report,
            width=width,
            styled=styled,
            quiet=quiet,
            verbose=verbose,
        )

    def __repr__(self) -> str:
        """Return what is recommended, and where the report is, in a line."""
        chosen = self.recommendation
        word = "recommended" if chosen.met else "nearest, not enough"
        points = self.tradeoff["accuracy"].size
        return (
            f"TradeoffResult({word}: {chosen.condition!r}, trained at BER {chosen.training_ber:g}; "
            f"{points} point{'' if points == 1 else 's'}; {self.report_path})"
        )

    def _repr_html_(self) -> str:
        from rramsim.report.html import tables_html
        from rramsim.report.tradeoff.terminal import points_table

        points = points_table(self.findings)
        reason = f"Recommended: {self.recommendation.reason}"
        return tables_html([replace(points, remark=f"{reason} {points.remark}".strip())])


def tradeoff(
    measurements: Readings | None = None,
    conditions: xr.Dataset | str | Path | None = None,
    *,
    out: str | Path,
    study: Study | str | Path | None = None,
    images: ImageSet | str | None = None,
    faults: FaultsOf | FaultModel | None = None,
    workers: Workers | None = None,
    device: str = "cpu",
    progress: OnProgress | None = None,
    **settings: Any,
) -> TradeoffResult:
    """Find which programming condition is good enough for a binarized network.

    Networks are trained, chips of each condition are drawn and scored, and all results are
    written to a folder, with a report. Interrupted, the same call goes on.

    Parameters
    ----------
    measurements : Measured, pandas.DataFrame, path or list of paths, optional
        What `read_measurements` gives or takes. With neither these nor conditions, the shipped
        populations and conditions of the paper are used.
    conditions : xarray.Dataset or path, optional
        What `read_conditions` gives, or a conditions file, or the name of a shipped one.
    out : path
        Folder of the report and of all results.
    study : Study or path, optional
        Settings, or a study file; what is given here by name wins.
    images : ImageSet or str, optional
        An image set, its name, or a folder.
    faults : callable or FaultModel, optional
        Gives the fault model of a condition's chips from its row of the conditions, instead of
        the condition's BER; or the fault model of all conditions. It may be of a class of your
        own (see `FaultModel`).
    workers : Workers, optional
        Who scores the chips; this process by default.
    device : str
        What scores them, ``"cpu"`` or ``"cuda"``; the results are the same.
    progress : callable, optional
        Told how far each stage is.
    **settings
        Any setting of a study file (`Study`), such as ``tolerance`` or ``training_bers``; those of
        its tables `reading` and `use` by their own names, such as ``reference="25 kOhm"``.

    Returns
    -------
    TradeoffResult

    Raises
    ------
    InputError
        If an input cannot be used, or `out` holds the results of another study or is in use.

    Examples
    --------
    >>> import rramsim, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = rramsim.tradeoff(
    ...         conditions="table1", out=folder, network="64-16-10", training_bers=[0.0],
    ...         curve_bers=[0.1], epochs=1, chips=2,
    ...     )
    ...     result.report_path.exists()
    True
    """
    if not isinstance(out, str | Path):
        raise refused("out", out, "the path of a folder")
    if not isinstance(study, Study | str | Path | None):
        raise refused("study", study, "a Study, or the path of a study file")
    if workers is not None and not hasattr(workers, "chips_per_item"):
        raise refused("workers", workers, "Workers")
    given = None if measurements is None else given_readings(measurements, name="measurements")
    files = given if isinstance(given, list) else None
    in_memory = None if isinstance(given, list) else given
    stated = None if isinstance(conditions, str | Path) else conditions
    image_set = images if isinstance(images, ImageSet) else None
    chosen = make_study(
        Path(study) if isinstance(study, str) else study,
        measurements=files if in_memory is None else ["readings in memory"],
        conditions="conditions in memory" if stated is not None else _text(conditions),
        images=image_set.name if image_set else _text(images),
        **settings,
    )
    return run_study(
        chosen,
        Path(out),
        on_progress(progress),
        workers,
        device=device_name(device),
        measured=in_memory,
        stated=stated,
        images=image_set,
        faults_of=_faults_of(faults),
        commented=_commented(study),
    )


def _commented(study: Study | str | Path | None) -> str:
    """Return the SHA-256 of a study file that is not as rramsim writes it, "" of any other."""
    if study is None or isinstance(study, Study):
        return ""
    digest = sha256_of(Path(study))
    try:
        written = make_study(Path(study)).toml()
    except InputError:
        # Only with the settings that are given beside it is it a study.
        return digest
    return "" if digest == hashlib.sha256(written.encode()).hexdigest() else digest


def _faults_of(faults: FaultsOf | FaultModel | None) -> FaultsOf | None:
    if faults is None or callable(faults):
        return faults
    check_model(faults)
    return lambda condition: faults


def _text(name: Any) -> str | None:
    return None if name is None else str(name)


def run_study(
    study: Study,
    out: Path,
    progress: OnProgress | None = None,
    workers: Workers | None = None,
    *,
    device: str = "cpu",
    measured: Measured | pd.DataFrame | None = None,
    stated: xr.Dataset | None = None,
    images: ImageSet | None = None,
    faults_of: FaultsOf | None = None,
    commented: str = "",
) -> TradeoffResult:
    """Run a study to its report; what `out` already holds of it is not done again.

    Parameters
    ----------
    study : Study
        What to do.
    out : Path
        The output folder. Every result is written to it as soon as it is there.
    progress : callable, optional
        Told how far each stage is.
    workers : Workers, optional
        Who scores the chips; this process by default. The results do not depend on it.
    device : str
        What they are scored on, ``"cpu"`` or ``"cuda"``. Nor do they depend on this.
    measured, stated, images
        In memory, instead of those that the study names.
    faults_of : callable, optional
        Gives the faults of a condition, instead of its BER.
    commented : str
        SHA-256 of the study file where a person wrote it: it is not replaced.

    Returns
    -------
    TradeoffResult

    Raises
    ------
    InputError
        If an input cannot be used, `out` belongs to another study, holds files of the user, is in
        use by another process or cannot be written, or this process is to score and does not have
        the device.
    """
    from rramsim.report.tradeoff.page import FILES

    progress = progress or silent
    if workers is None and device != "cpu":
        from rramsim.network.folded.sums import check_device

        # Now, and not after the networks are trained.
        check_device(device)
    devices = devices_of(
        study, measured=measured, stated=stated, faults_of=faults_of, on_progress=progress
    )
    planted = _planted(study, devices)
    in_memory = images
    images = load_images(study.images) if images is None else images
    models = load_models(study, images)
    given = {"readings": measured, "conditions": stated, "images": in_memory, "faults": faults_of}
    command = _command([name for name, value in given.items() if value is not None])
    inputs = _inputs(devices, images, models)
    sources = [*inputs.values(), *filter(None, [commented])]
    with in_use(out, {"report.html", *FILES}, sources):
        folder = claim(out, settings=study.text(), inputs=inputs)
        write_text(folder.path / "study.toml", study.toml())
        provenance = folder.record_provenance(_provenance(study, devices, images, command))
        _write_devices(folder, devices, provenance)
        # Workers have the device, this process need not.
        trainer = device if workers is None else "cpu"
        networks = models or train_networks(
            study, images, folder, device=trainer, on_progress=progress
        )
        return _on_chips(
            folder,
            study,
            devices,
            planted,
            images,
            networks,
            provenance,
            workers=ThisProcess() if workers is None else workers,
            device=device,
            progress=progress,
        )


def _on_chips(
    folder: ResultFolder,
    study: Study,
    devices: Devices,
    planted: Mapping[tuple[str, str], Planted],
    images: ImageSet,
    networks: StudyNetworks,
    provenance: Provenance,
    *,
    workers: Workers,
    device: str,
    progress: OnProgress,
) -> TradeoffResult:
    """Score the networks on chips, and write the trade-off and its report."""
    chips = Chips(
        study,
        networks,
        tallies=folder.tallies,
        thresholds=Reestimates(folder.thresholds),
        workers=workers,
        device=device,
        on_progress=progress,
    )
    findings = _findings(folder, study, devices, planted, images, networks, chips, provenance)
    progress("writing the report", 0, 1)
    former = _write_findings(folder, findings)
    progress("writing the report", 1, 1)
    return TradeoffResult(findings, folder.path, former)


def devices_of(
    study: Study,
    *,
    measured: Measured | pd.DataFrame | None = None,
    stated: xr.Dataset | None = None,
    faults_of: FaultsOf | None = None,
    on_progress: OnProgress = silent,
) -> Devices:
    """Read what a study starts from and derive its conditions, with the faults of their chips.

    Parameters are those of `run_study`.

    Raises
    ------
    InputError
        If a file cannot be used, or of a condition neither BER nor faults are known.
    """
    on_progress("reading files", 0, 1)
    readings, conditions, sources = study_inputs(
        list(study.measurements) or None if measured is None else measured,
        study.conditions if stated is None else stated,
        reading=study.reading,
        lrs_share=study.use.lrs_share,
    )
    on_progress("reading files", 1, 1)
    read = use_of_cells(**study.use.model_dump())
    stage = "fitting cells" if readings is not None else "taking stated conditions"
    on_progress(stage, 0, 1)
    devices = characterize_devices(
        study, readings, conditions, sources=sources, read=read, faults_of=faults_of
    )
    on_progress(stage, 1, 1)
    return devices


def _inputs(devices: Devices, images: ImageSet, models: StudyNetworks | None) -> dict[str, str]:
    """Return the content hashes of all inputs by name; those of equal names are numbered."""
    inputs: dict[str, str] = {}
    for name, digest in devices.sources:
        before = sum(name == other for other in inputs)
        inputs[name if not before else f"{name} ({before + 1})"] = digest
    inputs[images.name] = images.content_id
    named = {} if models is None else models.by_training_ber
    return inputs | {
        f"model {ber!r}{f' ({number})' if number > 1 else ''}": saved.content_id
        for ber, several in named.items()
        for number, saved in enumerate(several, start=1)
    }


def _findings(
    folder: ResultFolder,
    study: Study,
    devices: Devices,
    planted: Mapping[tuple[str, str], Planted],
    images: ImageSet,
    networks: StudyNetworks,
    chips: Chips,
    provenance: Provenance,
) -> Findings:
    accuracy, reached, pulses = _measured(folder, chips, planted, networks, provenance)
    programming = programming_of(networks, planted, pulses)
    points = join(
        devices.conditions,
        reached,
        programming,
        error_free=error_free_accuracy(accuracy),
        inference_energy=inference_energies(
            networks,
            pulses,
            programming,
            devices.examination.products["populations"] if devices.examination else None,
            read=use_of_cells(**study.use.model_dump()),
            circuits=study.circuits.energies(),
            pixel_bits=study.circuits.pixel_bits or images.levels.bit_length(),
            reuse=study.circuits.reuse,
        ),
        inference_energy_bound="lower" if study.circuits.energies().unknown else "",
    )
    lives = lives_of(
        devices.ages(study, read=use_of_cells(**study.use.model_dump())),
        planted,
        devices.conditions,
        lifetime=study.requirements.lifetime,
        has_own_faults=devices.faults_of is not None,
    )
    if lives.ages or study.lifetime is not None:
        points = _over_life(folder, study, lives, points, planted, chips, provenance)
    table = judge(points, study.requirements)
    recommendation = recommend(table)
    tile = TileShape(word_lines=study.tile_word_lines, bit_lines=study.tile_bit_lines)
    examination = devices.examination
    products = examination.products if examination else {}
    several = networks.by_training_ber[recommendation.training_ber]
    layers = several[0].folded.layers
    largest = max(range(len(layers)), key=lambda number: layers[number].signs.size)
    faults = planted[recommendation.protection, recommendation.condition].faults
    assert faults is not None
    wrong = _shown_chip(folder, chips, recommendation.training_ber, faults, largest, provenance)
    return Findings(
        conditions=devices.conditions,
        accuracy=accuracy,
        tradeoff=table,
        recommendation=recommendation,
        budgets=ber_budgets(accuracy, study.requirements),
        network=str(several[0].folded),
        images=images.note,
        placements=tuple(Placement(layer.matrix.shape, tile) for layer in layers),
        provenance=provenance,
        chip=ShownChip(layer=largest + 1, wrong=wrong),
        test_images=sum(len(one.test_labels) for one in networks.images)
        if networks.folds
        else len(images.test_labels),
        trainings=len(networks.images),
        folds=networks.folds,
        lrs_share=study.use.lrs_share,
        read_pulse=study.use.read_pulse or "",
        unknown_circuits=tuple(study.circuits.energies().unknown),
        model_files=tuple(Path(file).name for file in study.models or ()),
        training_faults=_training_faults(networks),
        has_own_faults=devices.faults_of is not None,
        notes=(*devices.notes, *_refusals(planted), *lives.notes, *_without_times(study, lives)),
        readings=examination.measured.readings if examination else None,
        populations=products.get("populations"),
        counted=products.get("counted"),
        goodness=products.get("goodness"),
        variance=products.get("variance") if study.correlated is True else None,
        stated=devices.stated,
    )


def _measured(
    folder: ResultFolder,
    chips: Chips,
    planted: Mapping[tuple[str, str], Planted],
    networks: StudyNetworks,
    provenance: Provenance,
) -> tuple[xr.Dataset, xr.Dataset, PulsesOf]:
    """Return accuracies of the curves and of the points, and what programming takes.

    They are measured and counted unless the folder has them.
    """
    products = ("accuracy", "points", "pulses")
    found = folder.finished(*products)
    if found is None:
        counted = pulses_dataset(pulses_of(networks, planted))
        found = [chips.curves(), chips.on_points(planted), counted]
        folder.finish(dict(zip(products, found, strict=True)), provenance)
    accuracy, reached, counted = found
    return accuracy, reached, pulses_in(counted)


def _shown_chip(
    folder: ResultFolder,
    chips: Chips,
    training_ber: float,
    faults: FaultModel,
    layer: int,
    provenance: Provenance,
) -> npt.NDArray[np.int64]:
    """Return the wrong cells of a layer of the chip shown, drawn unless the folder has them."""
    found = folder.finished("shown_chip")
    identity = chips.identity(training_ber, faults)
    if found is None or found[0].attrs["identity"] != identity:
        wrong = chips.wrong_cells(training_ber, faults)[layer]
        attrs: dict[str, str | int | float] = {"identity": identity, "layer": layer + 1}
        found = [schema.make("shown_chip", {"wrong_weight": wrong}, attrs=attrs)]
        folder.finish({"shown_chip": found[0]}, provenance)
    return found[0]["wrong_weight"].values


def _over_life(
    folder: ResultFolder,
    study: Study,
    lives: Lives,
    points: xr.Dataset,
    planted: Mapping[tuple[str, str], Planted],
    chips: Chips,
    provenance: Provenance,
) -> xr.Dataset:
    """Return the points with their accuracy over cycles and time.

    Chips are scored only at error rates that the folder has no answers for.
    """
    fresh = judge(points, replace(study.requirements, lifetime=None))
    needed, surfaces = lives.needed(fresh), None
    if needed:
        found = folder.finished("life")
        surfaces = None if found is None else found[0]
        known = {} if surfaces is None else pairs_scored(surfaces)
        if any((mask & ~known.get(place, ~mask)).any() for place, mask in needed.items()):
            for place, mask in known.items():
                needed[place] = mask | needed.get(place, mask)
            surfaces = chips.surfaces(planted, needed)
            folder.finish({"life": surfaces}, provenance)
    return lives.joined(points, surfaces)


def _without_times(study: Study, lives: Lives) -> list[str]:
    """Return that a temperature of use carries no time, where there are none."""
    if study.use_temperature is None or any(one.drifts for one in lives.ages.values()):
        return []
    return [
        f"The temperature of use, {study.use_temperature}, changes nothing: no condition has "
        "readings of both states over time."
    ]


def _planted(study: Study, devices: Devices) -> dict[tuple[str, str], Planted]:
    """Return the chips of each condition and protection; those that none can have are left out.

    Raises
    ------
    InputError
        If a protection that the study names can be had by no condition.
    """
    planted = devices.planted(study.protections)
    for protection in study.protections:
        several = {name: one for (kind, name), one in planted.items() if kind == protection}
        if any(one.faults is not None for one in several.values()):
            continue
        if "protections" in study.model_fields_set:
            raise InputError(
                f"protections: no condition can have {protection}. {_grouped_refusals(several)}"
            )
        planted = {chips: one for chips, one in planted.items() if chips[0] != protection}
    return planted


def _grouped_refusals(planted: Mapping[str, Planted]) -> str:
    """Return why conditions cannot have a protection, a sentence for those of one reason."""
    names: dict[str, list[str]] = {}
    for name, one in planted.items():
        names.setdefault(one.refusal, []).append(name)
    return " ".join(f"{', '.join(several)}: {refusal}" for refusal, several in names.items())


def _refusals(planted: Mapping[tuple[str, str], Planted]) -> list[str]:
    return [
        f"{condition}: {protection} is not compared. {one.refusal}"
        for (protection, condition), one in planted.items()
        if one.refusal
    ]


def _command(in_memory: Sequence[str]) -> str:
    """Return what makes the study again: the command, or the call with what was in memory."""
    if not in_memory:
        return "rramsim tradeoff study.toml --out DIR"
    words = {"readings": "measurements", "conditions": "conditions"}
    given = [f"{words.get(name, name)}=<{name} in memory>" for name in in_memory]
    return f'rramsim.tradeoff({", ".join(given)}, study="study.toml", out="DIR")'


def _provenance(study: Study, devices: Devices, images: ImageSet, command: str) -> Provenance:
    return Provenance(
        recipe=study.toml(),
        options={
            **study.model_dump(mode="json"),
            **({} if devices.faults_of is None else {"faults": _identities(devices)}),
        },
        sources=(*devices.sources, (f"images {images.name}", images.content_id)),
        origin=devices.origin,
        notes=devices.notes,
        seed=study.seed,
        command=command,
        settings=study.with_names_alone().toml(),
    )


def _identities(devices: Devices) -> dict[str, object]:
    return {
        name: dict(model.identity())
        for name, model in zip(devices.names, devices.faults, strict=True)
    }


def _training_faults(networks: StudyNetworks) -> dict[float, str]:
    """Return the faults of trainings that their BER alone does not tell."""
    faults = {
        ber: saved.metadata["settings"].get("faults")
        for ber, (saved, *_) in networks.by_training_ber.items()
    }
    return {ber: words for ber, words in faults.items() if words not in (None, f"BER {ber!r}")}


def _write_devices(folder: ResultFolder, devices: Devices, provenance: Provenance) -> None:
    write_dataset(folder.path / "conditions.nc", devices.conditions, provenance)
    if devices.examination is not None:
        write_dataset(
            folder.path / "populations.nc", devices.examination.products["populations"], provenance
        )


def _write_figures(folder: ResultFolder, findings: Findings) -> dict[str, Markup]:
    """Return all figures; one that the folder has, drawn of the same, is not drawn again."""
    from rramsim.report.html import write_figures, written_figure
    from rramsim.report.tradeoff.figures import drawings

    figures: dict[str, Markup] = {}
    drawn: dict[str, str] = {}
    shown = drawings(findings)
    folder.keep_drawn(shown)
    for name, drawing in shown.items():
        digest = drawing.digest(findings.provenance.version)
        if folder.has_drawn(name, of=digest):
            figures[name] = written_figure(folder.path / "figures" / f"{name}.svg")
        else:
            figures |= write_figures({name: drawing.draw()}, folder.path / "figures")
            drawn[name] = digest
    if drawn:
        folder.record_drawn(drawn)
    return figures


def _write_findings(folder: ResultFolder, findings: Findings) -> Path | None:
    """Write all but the products; return where the former report is, if it said otherwise."""
    from rramsim.report.html import files_beside
    from rramsim.report.tradeoff.page import FILES, render

    write_dataset(folder.path / "tradeoff.nc", findings.tradeoff, findings.provenance)
    write_text(
        folder.path / "tradeoff.csv", tradeoff_csv(findings.tradeoff, findings.recommendation)
    )
    drawn = _write_figures(folder, findings)
    page = folder.path / "report.html"
    text = render(findings, drawn, files_beside(folder.path, FILES))
    former = keep_former(page, text)
    write_text(page, text)
    return former
