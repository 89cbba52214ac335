"""The order of a study's stages: devices, networks, chips, trade-off, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.crossbar.tiles import Placement, TileShape
from rramsim.decision.join import error_free_accuracy, join
from rramsim.decision.recommend import recommend
from rramsim.files import write_text
from rramsim.images.catalogue import load_images
from rramsim.montecarlo.collect import ThisProcess, Workers
from rramsim.montecarlo.store import TallyStore
from rramsim.progress import OnProgress
from rramsim.report.provenance import Provenance
from rramsim.report.tradeoff.exports import tradeoff_csv
from rramsim.report.tradeoff.findings import Findings, ShownChip
from rramsim.study.chips import Chips
from rramsim.study.devices import Devices, characterize_devices
from rramsim.study.networks import load_models, train_networks
from rramsim.study.result_folder import ResultFolder, claim, write_dataset
from rramsim.study.settings import Study

if TYPE_CHECKING:
    from rramsim.images.image_set import ImageSet
    from rramsim.network.model_files import SavedNetwork


def run_study(
    study: Study,
    out: Path,
    on_progress: OnProgress,
    workers: Workers | None = None,
    *,
    device: str = "cpu",
) -> Findings:
    """Run a study to its report; what `out` already holds of it is not done again.

    Parameters
    ----------
    study : Study
        What to do.
    out : Path
        The output folder. Every result is written to it as soon as it is there.
    on_progress : callable
        Told how far each stage is.
    workers : Workers, optional
        Who scores the chips; this process by default. The results do not depend on it.
    device : str
        What they are scored on, ``"cpu"`` or ``"cuda"``. Nor do they depend on this.

    Returns
    -------
    Findings
        What the report in `out` shows.

    Raises
    ------
    InputError
        If an input cannot be used, `out` belongs to another study or cannot be written, or this
        process is to score and does not have the device.
    """
    if workers is None and device != "cpu":
        from rramsim.network.folded.sums import check_device

        # Now, and not after the networks are trained.
        check_device(device)
    devices = characterize_devices(study)
    images = load_images(study.images)
    models = load_models(study, images)
    inputs = {**dict(devices.sources), images.name: images.content_id}
    inputs |= {f"model {ber!r}": saved.folded.content_id for ber, saved in models.items()}
    folder = claim(out, settings=study.text(), inputs=inputs)
    provenance = _provenance(study, devices, images)
    write_text(folder.path / "study.toml", study.toml())
    write_text(folder.path / "provenance.json", provenance.json())
    _write_devices(folder, devices, provenance)
    # Workers have the device, this process need not.
    trained_on = device if workers is None else "cpu"
    networks = models or train_networks(
        study, images, folder, device=trained_on, on_progress=on_progress
    )
    chips = Chips(
        study,
        images,
        {training_ber: saved.folded for training_ber, saved in networks.items()},
        store=TallyStore(folder.tallies),
        workers=ThisProcess() if workers is None else workers,
        device=device,
        on_progress=on_progress,
    )
    findings = _findings(study, devices, images, networks, chips, provenance)
    _write_findings(folder, findings)
    return findings


def _findings(
    study: Study,
    devices: Devices,
    images: ImageSet,
    networks: dict[float, SavedNetwork],
    chips: Chips,
    provenance: Provenance,
) -> Findings:
    accuracy = chips.curves()
    tradeoff = join(
        devices.conditions,
        chips.on_conditions(devices),
        cells={ber: _cells(saved) for ber, saved in networks.items()},
        error_free=error_free_accuracy(accuracy),
        tolerance=study.tolerance,
    )
    tile = TileShape(word_lines=study.tile_word_lines, bit_lines=study.tile_bit_lines)
    found = devices.examination
    recommendation = recommend(tradeoff)
    layers = networks[recommendation.training_ber].folded.layers
    largest = max(range(len(layers)), key=lambda number: layers[number].signs.size)
    wrong = chips.wrong_cells(
        recommendation.training_ber,
        devices.conditions.sel(condition=recommendation.condition),
        found.products["populations"] if found else None,
    )
    return Findings(
        conditions=devices.conditions,
        accuracy=accuracy,
        tradeoff=tradeoff,
        recommendation=recommendation,
        network=str(next(iter(networks.values())).folded),
        images=images.note,
        placements=tuple(Placement(layer.matrix.shape, tile) for layer in layers),
        provenance=provenance,
        chip=ShownChip(layer=largest + 1, wrong=wrong[largest]),
        assumptions=_assumptions(study, images, networks),
        notes=devices.notes,
        readings=found.measured.readings if found else None,
        populations=found.products["populations"] if found else None,
        counted=found.products["counted"] if found else None,
        stated=devices.stated,
    )


def _cells(saved: SavedNetwork) -> tuple[int, int]:
    hrs = round(saved.folded.hrs_share * saved.folded.weight_count)
    return saved.folded.weight_count - hrs, hrs


def _provenance(study: Study, devices: Devices, images: ImageSet) -> Provenance:
    return Provenance(
        recipe=study.toml(),
        options=study.model_dump(mode="json"),
        sources=(*devices.sources, (f"images {images.name}", images.content_id)),
        origin=devices.origin,
        notes=devices.notes,
        seed=study.seed,
    )


def _assumptions(
    study: Study, images: ImageSet, networks: dict[float, SavedNetwork]
) -> tuple[str, ...]:
    return (
        _of_networks(study, networks),
        "Chips are drawn at the estimated bit-error rate of a condition; its own uncertainty "
        "enters through a second set of chips at the upper end of its interval.",
        f"Half-selected and neighbouring cells are not disturbed, and a cell keeps the state it "
        f"was programmed to for all {len(images.test_labels)} test images.",
        f"For the BER and the best reference, {100 * study.use.lrs_share:g} % of cells are in LRS.",
    )


def _of_networks(study: Study, networks: dict[float, SavedNetwork]) -> str:
    if study.models:
        files = ", ".join(Path(file).name for file in study.models)
        means = [
            f" The training BER {ber:g} stands for {saved.metadata['settings']['faults']}."
            for ber, saved in networks.items()
            if saved.metadata["settings"].get("faults") not in (None, f"BER {ber!r}")
        ]
        return (
            f"The networks are those of {files}. Trained again they may differ by more than the "
            f"intervals, which are over chips only.{''.join(means)}"
        )
    return (
        f"Each network was trained once, with seed {study.seed}. Trained with another seed it "
        "may differ by more than the intervals, which are over chips only; run the study with "
        "other seeds before a close decision."
    )


def _write_devices(folder: ResultFolder, devices: Devices, provenance: Provenance) -> None:
    write_dataset(folder.path / "conditions.nc", devices.conditions, provenance)
    if devices.examination is not None:
        write_dataset(
            folder.path / "populations.nc", devices.examination.products["populations"], provenance
        )


def _write_findings(folder: ResultFolder, findings: Findings) -> None:
    from rramsim.plotting.style import save_figure
    from rramsim.report.tradeoff.figures import draw_figures
    from rramsim.report.tradeoff.page import render

    write_dataset(folder.path / "accuracy.nc", findings.accuracy, findings.provenance)
    write_dataset(folder.path / "tradeoff.nc", findings.tradeoff, findings.provenance)
    write_text(
        folder.path / "tradeoff.csv", tradeoff_csv(findings.tradeoff, findings.recommendation)
    )
    figures = draw_figures(findings)
    for name, figure in figures.items():
        save_figure(figure, folder.path / "figures" / name)
    write_text(folder.path / "report.html", render(findings, figures))
