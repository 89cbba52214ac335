"""A fit: measured cells, all that they tell of each programming condition, and its files."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.crossbar.correlated import CorrelatedFaults
from rramsim.crossbar.drawn_faults import DrawnFaults, drawn_faults, is_bound
from rramsim.crossbar.faults import IidFaults
from rramsim.crossbar.from_conditions import (
    ReadNoise,
    SharedSpread,
    fresh_reads,
    protected_condition,
)
from rramsim.crossbar.protection import parse
from rramsim.crossbar.transient import TransientReads
from rramsim.device.examination import Examination, Question
from rramsim.device.examine import aged, examine, with_pictures
from rramsim.device.inference_energy import CircuitEnergies, Life, inference_energy
from rramsim.errors import InputError, file_path, number, on_progress, plain, refused, text_or_none
from rramsim.files import write_text
from rramsim.measurements import Measured
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.inference_reads import reads_of_network, reads_of_shape
from rramsim.network.model_files import SavedNetwork, load_network
from rramsim.network.shape import NetworkShape
from rramsim.progress import OnProgress, silent
from rramsim.report.provenance import Provenance
from rramsim.schema import spelled_as
from rramsim.study.inputs import (
    Readings,
    given_readings,
    named_condition,
    quantity,
    reading_table,
    readings_of,
    stated_conditions,
    use_of_cells,
)
from rramsim.study.reading import ReadingTable, quantity_text
from rramsim.study.result_folder import in_use, write_dataset, write_provenance
from rramsim.units import ELECTRON_VOLT

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from rramsim.crossbar.faults import FaultModel
    from rramsim.images.image_set import ImageSet
    from rramsim.plotting.panels import Canvas

_NETWORKS = "a network that train gives, the path of a model file, or layers (784-512-10)"
READ_NOISE = ("frozen", "fresh")
"""How cells are read from image to image."""

_BER_COLUMNS = ("ber", "ber_low", "ber_high", "ber_basis", "ber_bound", "ber_extrapolated")


@dataclass(frozen=True, eq=False, repr=False)
class FitResult:
    """What measured cells tell of each programming condition.

    Attributes
    ----------
    measured : Measured
        The readings, without conditions that lack a state.
    examination : Examination
        Everything they tell.
    provenance : Provenance
        What the fit was made from.

    Examples
    --------
    >>> import rramsim
    >>> result = rramsim.fit("hirtzlin2019-reconstructed", conditions="table1")
    >>> result
    FitResult(6,144 readings of conditions very strong, strong, weak)
    >>> float(result.conditions["set_energy"].sel(condition="strong"))
    1.1e-11
    >>> axes = result.plot("reference")
    """

    measured: Measured
    examination: Examination
    provenance: Provenance

    @property
    def readings(self) -> xr.Dataset:
        """The readings (schema "readings")."""
        return self.measured.readings

    @property
    def conditions(self) -> xr.Dataset:
        """Every condition read or stated (schema "conditions")."""
        return self.examination.products["conditions"]

    @property
    def populations(self) -> xr.Dataset:
        """The lognormal fits (schema "populations")."""
        return self.examination.products["populations"]

    @property
    def ber(self) -> pd.DataFrame:
        """The bit-error rate of each condition with its interval: a row each."""
        names = ["reference_resistance", *_BER_COLUMNS]
        table: pd.DataFrame = self.conditions[names].to_dataframe()
        return table.astype({"ber_extrapolated": bool})

    @property
    def endurance(self) -> xr.Dataset | None:
        """Endurance by the readings (schema "endurance"); None where no cell was followed."""
        return self.examination.products.get("endurance")

    @cached_property
    def aging(self) -> xr.Dataset | None:
        """Error rates over cycles and time (schema "aging"); None where neither is known.

        Examples
        --------
        >>> import rramsim
        >>> rramsim.fit("hirtzlin2019-reconstructed").aging is None
        True
        """
        known = self.examination.products.get("aging")
        if known is not None or not self.readings.sizes["reading"]:
            return known
        analysis = aged(self.examination)
        return None if analysis is None else analysis.dataset

    def faults(
        self,
        condition: str,
        protection: str = "none",
        *,
        correlated: bool | Mapping[str, Any] = False,
        tile: tuple[int, int] = (128, 128),
        read_noise: str = "frozen",
        read_spread: float | tuple[float, float] | None = None,
    ) -> FaultModel:
        """Return the bit errors of chips programmed under a condition, for `evaluate`.

        Parameters
        ----------
        condition : str
            Its name.
        protection : str
            How weights are protected, as in `protect`. 2T2R has the BER that the fit gives for
            it, and ``"verify(5)"`` takes the spread of reads from cells that were read more than
            once.
        correlated : bool or mapping
            Whether cells err with their rows, columns and dies (`CorrelatedFaults`), by the parts
            that these have in the variance of the readings; what these do not tell apart, such as
            dies where there is one, has none. Or standard deviations of ln R by name:
            ``{"sigma_column": 0.1, "sigma_row": (0.05, 0.1), "sense_offset": 0.02}``.
        tile : (int, int)
            Word lines and bit lines of a tile, whose cells share these.
        read_noise : str
            ``"frozen"``: a chip has the same wrong cells at every image. ``"fresh"``: cells near
            the reference are wrong at some images and right at others (`TransientReads`).
        read_spread : float or (float, float), optional
            Standard deviation of ln R from read to read of one cell, for fresh noise; one for both
            states, or of LRS and of HRS. Default: what the readings tell, of cells that were read
            more than once. Cells that were programmed anew between readings differ by that, too.

        Raises
        ------
        InputError
            If there is no such condition or protection, or the readings do not tell what the
            protection, correlated cells or fresh reads need.

        Examples
        --------
        >>> import rramsim
        >>> fit = rramsim.fit("hirtzlin2019-reconstructed")
        >>> [f"{fit.faults('weak', name).mean_ber(0.5):.2g}" for name in ("none", "2T2R")]
        ['0.033', '0.0076']
        """
        row = named_condition(self.conditions, condition)
        variance = self.examination.products.get("variance")
        faults = protected_condition(
            row,
            self.populations,
            parse(protection),
            variance=variance,
            shared=_shared(correlated, tile),
        )
        noise = _read_noise(read_noise, read_spread)
        if noise is None:
            return faults
        return fresh_reads(faults, row, noise, populations=self.populations, variance=variance)

    def rates_left_open(self, condition: str, protection: str = "none") -> DrawnFaults | None:
        """Return the error rates that the cells behind a condition allow, for `read_back`.

        Parameters
        ----------
        condition, protection : str
            See `faults`.

        Returns
        -------
        DrawnFaults or None
            Draws of the rates of LRS and HRS (of cells, or of pairs or verified cells), each as
            likely as the others; None where there is no interval, or only a bound.

        Raises
        ------
        InputError
            As of `faults`.

        Examples
        --------
        >>> import rramsim
        >>> rates = rramsim.fit("hirtzlin2019-reconstructed").rates_left_open("weak")
        >>> rates.bers(lrs_share=0.5).shape
        (4096,)
        """
        drawn = drawn_faults(
            named_condition(self.conditions, condition),
            parse(protection),
            populations=self.populations,
            counted=self.examination.products.get("counted"),
            variance=self.examination.products.get("variance"),
        )
        return drawn if isinstance(drawn, DrawnFaults) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know to judge the numbers, a sentence each."""
        return self.provenance.notes

    @cached_property
    def _pictured(self) -> Examination:
        """The examination with what figures show, derived when the first one is drawn."""
        return with_pictures(self.examination)

    def table(
        self,
        *,
        width: int = 170,
        styled: bool = False,
        quiet: bool = False,
        verbose: bool = False,
    ) -> str:
        """Return every table and note as text, and last what was found.

        Parameters
        ----------
        width : int
            Characters a line; a table that is wider is wrapped or split.
        styled : bool
            Whether sentences are wrapped and titles bold, as a terminal shows them.
        quiet : bool
            Whether to show only what was found, in sentences.
        verbose : bool
            Whether to show all notes where they are many, and how the intervals were computed.
        """
        from rramsim.report.fit.terminal import text

        return text(self.examination, width=width, styled=styled, quiet=quiet, verbose=verbose)

    def to_json(self) -> str:
        """Return the answer as JSON, as ``rramsim fit --json`` prints it."""
        from rramsim.report.fit.sections import fit_answer

        return json.dumps(fit_answer(self.examination), indent=2, allow_nan=False)

    def to_netcdf(self, path: Path | str) -> None:
        """Write the conditions with their provenance; `rramsim tradeoff` takes the file."""
        write_dataset(file_path(path), self.conditions, self.provenance)

    def plot(self, name: str = "populations", ax: Canvas = None) -> Any:
        """Draw one figure of the report, in a new figure or on axes of yours.

        Parameters
        ----------
        name : str
            ``"populations"``, and as far as the readings allow ``"reference"``, ``"cycles"``,
            ``"cycling-ber"``, ``"retention"``, ``"aging"``, ``"variability"`` and ``"array"``.
        ax : matplotlib.axes.Axes, Figure or sequence of Axes, optional
            Where to draw.

        Returns
        -------
        matplotlib.axes.Axes, or an array of them
            One for each panel.
        """
        from rramsim.report.fit.sections import fit_plots

        plots = fit_plots(self.examination)
        if name not in plots:
            plots = fit_plots(self._pictured)
        if name not in plots:
            self._check_populations()
            raise InputError(
                f"plot {name!r}: these readings can be drawn as {', '.join(map(repr, plots))}."
            )
        return plots[name](ax=ax)

    def draw(self, path: Path | str) -> None:
        """Draw the populations as the format of the suffix: .svg, .png or .pdf."""
        from rramsim.plotting.populations import plot_populations
        from rramsim.plotting.style import figure_of, write_figure

        self._check_populations()
        write_figure(figure_of(plot_populations, self), file_path(path))

    def _check_populations(self) -> None:
        if not self.populations.sizes["condition"]:
            raise InputError(
                "no populations can be drawn: the files hold lives of cells, counts or "
                "percentiles, and no readings."
            )

    def inference_energy(
        self,
        network: SavedNetwork | FoldedNetwork | str | Path,
        *,
        read_pulse: tuple[float, float] | str | None = None,
        protection: str = "none",
        pixel_bits: int | None = None,
        images: ImageSet | str | None = None,
        reuse: bool = False,
        sense_energy: float | str | None = None,
        popcount_energy: float | str | None = None,
        other_energy: float | str | None = None,
        energy_source: str = "",
        reprogrammings: float = 0.0,
        inferences: float | None = None,
    ) -> xr.Dataset:
        """Return what an inference costs on each condition, what a life costs, and which least.

        Energies are numbers in joule, or texts with a unit. Those of the circuits around the cells
        have no default: unknown ones are left out, and what is left is said to be a bound.

        Parameters
        ----------
        network : SavedNetwork, FoldedNetwork, path or str
            What `train`, `import_module` or `load_network` give, a model file, or layers such as
            ``"784-512-512-10"`` of a network that is not trained yet (half of its weights are
            then taken to be -1).
        read_pulse : (float, float) or str, optional
            Volt (over the cell) and seconds of the pulse that reads a cell, or
            ``"0.2 V, 10 ns"``. Default: that of the fit.
        protection : str
            ``"none"``, or ``"2T2R"``: a weight is two cells, and a read discharges both.
        pixel_bits : int, optional
            Bit planes of the pixels: the first layer is read for each. Default: those of the
            images the network was trained on.
        images : ImageSet or str, optional
            These images, where they are not found by their name any more.
        reuse : bool
            Whether the rows of a convolution that were read are latched, so that it is read once
            an image and not once a place.
        sense_energy, popcount_energy, other_energy : float or str, optional
            Of a sense amplifier for a read, of XNOR and count for a bit, of all else for an
            inference.
        energy_source : str
            Where these are from, in words.
        reprogrammings : float
            How often the weights are programmed again.
        inferences : float, optional
            Images classified over the life: gives its energy.

        Returns
        -------
        xarray.Dataset
            Product "inference_energy".

        Raises
        ------
        InputError
            If there is no read pulse, or something cannot be used.

        Examples
        --------
        >>> import rramsim
        >>> fit = rramsim.fit("hirtzlin2019-reconstructed", conditions="table1")
        >>> network, pulse = "784-4096-4096-10", "0.2 V, 10 ns"
        >>> energy = fit.inference_energy(network, read_pulse=pulse, pixel_bits=1)
        >>> energy["inferences_per_programming"].round().to_series().to_dict()
        {'very strong': 1444.0, 'strong': 513.0, 'weak': 386.0}
        """
        place = network if isinstance(network, str | Path) else "the network"
        network = _loaded(network)
        pulse = use_of_cells(read_pulse=_pulse_text(read_pulse))
        read = self.examination.read if read_pulse is None else pulse
        if read.read_voltage is None or read.read_time is None:
            raise InputError(
                "the energy of a read takes the voltage and the time of its pulse, --read-pulse "
                '"0.2 V, 10 ns" or read_pulse.'
            )
        circuits = CircuitEnergies(
            sense=_joule(sense_energy, "sense_energy"),
            popcount=_joule(popcount_energy, "popcount_energy"),
            other=_joule(other_energy, "other_energy"),
            source=text_or_none(energy_source, "energy_source") or "",
        )
        life = Life(
            number(reprogrammings, "reprogrammings"),
            None if inferences is None else number(inferences, "inferences"),
        )
        return inference_energy(
            self.conditions,
            self.populations,
            _reads(network, place, pixel_bits=pixel_bits, images=images, reuse=reuse),
            read=read,
            circuits=circuits,
            life=life,
            protection=protection,
        )

    def report(self, folder: Path | str) -> Path:
        """Write the report, its figures and its tables, and return the path of the page."""
        from rramsim.plotting.style import figure_of
        from rramsim.report.fit.page import FILES, render_fit
        from rramsim.report.fit.sections import fit_plots, fit_tables
        from rramsim.report.html import files_beside, write_figures

        folder, examination = file_path(folder, "folder"), self._pictured
        tables = fit_tables(examination)
        sources = [digest for _, digest in self.provenance.sources]
        with in_use(folder, {"report.html", *FILES, *tables}, sources):
            # First: by it a folder is known as one of results.
            provenance = write_provenance(folder, self.provenance)
            for name, text in tables.items():
                write_text(folder / name, text)
            write_dataset(folder / "conditions.nc", self.conditions, provenance)
            write_dataset(folder / "populations.nc", self.populations, provenance)
            figures = {name: figure_of(plot) for name, plot in fit_plots(examination).items()}
            drawn = write_figures(figures, folder / "figures")
            page = folder / "report.html"
            beside = files_beside(folder, FILES)
            write_text(page, render_fit(examination, drawn, provenance, beside))
        return page

    def __repr__(self) -> str:
        """Return the size of the fit in a line."""
        names = ", ".join(self.conditions["condition"].values.astype(str))
        return f"FitResult({self.readings.sizes['reading']:,} readings of conditions {names})"

    def _repr_html_(self) -> str:
        from rramsim.report.fit.terminal import short_tables
        from rramsim.report.html import tables_html

        return tables_html(short_tables(self.examination))


def fit(
    measured: Readings,
    *,
    reading: ReadingTable | Mapping[str, Any] | None = None,
    conditions: xr.Dataset | str | Path | None = None,
    reference: float | str | None = None,
    reference_spread: float = 0.0,
    offset: float = 0.0,
    lrs_share: float = 0.5,
    read_pulse: tuple[float, float] | str | None = None,
    target_ber: float | None = None,
    ber_limit: float | None = None,
    use_temperature: float | str | None = None,
    activation_energy: float | str | None = None,
    at_time: float | str | Sequence[float | str] | None = None,
    bake: tuple[str, str] | str | None = None,
    columns: str | Sequence[str] | None = None,
    read_voltage: float | str | None = None,
    map: str | Sequence[str] | Mapping[str, str] | None = None,
    states: str | Mapping[str, str] | None = None,
    file_name: str | None = None,
    over_range: float | str | None = None,
    floor: float | str | None = None,
    condition_from: str | Sequence[str] | None = None,
    repeats: str | None = None,
    cycles: str | None = None,
    encoding: str | None = None,
    sheets: str | Sequence[str] | None = None,
    progress: OnProgress | None = None,
) -> FitResult:
    """Fit lognormal populations and derive BER, energy and endurance of each condition.

    Quantities are numbers in SI units, or texts with a unit such as ``"25 kOhm"``.

    Parameters
    ----------
    measured : Measured, FitResult, pandas.DataFrame, path, or list of paths
        What `read_measurements` gives or takes, or a fit whose readings to fit again.
    reading : mapping, optional
        What the files do not say of themselves, as one table: the options from `columns` on, as
        they stand in a study file. What is also given by name comes first.
    conditions : xarray.Dataset or path, optional
        What is known beside the readings: a conditions file, the name of a shipped one, or what
        `read_conditions` gives.
    reference : float or str, optional
        Reference of the sense amplifiers. Default: the one stated, else the best one.
    reference_spread, offset : float
        Standard deviations of ln(reference), and of a sense amplifier's offset in ln R.
    lrs_share : float
        Share of the cells in use that are in LRS.
    read_pulse : (float, float) or str, optional
        Volt and seconds of the pulse that reads a cell, or ``"0.2 V, 10 ns"``: gives the energy
        of a read.
    target_ber : float, optional
        How many cells would show this BER?
    ber_limit : float, optional
        After how many cycles, and after what time, is this BER reached?
    use_temperature : float or str, optional
        After what time is the limit reached at this temperature, by Arrhenius' law?
    activation_energy : float or str, optional
        In joule, or with its unit, ``"1 eV"``: known from elsewhere, it carries times from the
        temperatures at which cells were held to `use_temperature`.
    at_time : float or str, or sequence of these, optional
        In s, or with its unit: which resistances and which BER do the lines of drift give then?
        Default: ``"10 years"``.
    bake : (str, str) or str, optional
        Two conditions that are the same cells before and after a bake.
    columns, read_voltage, map, states, file_name, over_range, floor : optional
        As in `read_measurements`, for files and tables that are read here; so are
        `condition_from`, `repeats`, `cycles`, `encoding` and `sheets`.
    progress : callable, optional
        Told how far each stage is.

    Returns
    -------
    FitResult

    Raises
    ------
    InputError
        If a file or an option cannot be used.

    Examples
    --------
    >>> result = fit("hirtzlin2019-reconstructed", conditions="table1")
    >>> result.ber["ber_basis"].to_dict()
    {'very strong': 'fitted', 'strong': 'fitted', 'weak': 'fitted'}
    """
    texts = {
        "reference": quantity_text(reference, "ohm", name="reference"),
        "read_pulse": _pulse_text(read_pulse),
        "use_temperature": quantity_text(use_temperature, "K", name="use_temperature"),
        "activation_energy": quantity_text(activation_energy, "J", name="activation_energy"),
        "bake": _bake_text(bake),
    }
    at_times = _time_texts(at_time)
    reference_spread = number(reference_spread, "reference_spread", "a number from 0 on")
    offset = number(offset, "offset", "a number from 0 on")
    lrs_share = number(lrs_share, "lrs_share", "a number between 0 and 1")
    target_ber, ber_limit = _ber(target_ber, "target_ber"), _ber(ber_limit, "ber_limit")
    read = use_of_cells(
        reference=texts["reference"],
        reference_spread=reference_spread,
        offset=offset,
        lrs_share=lrs_share,
        read_pulse=texts["read_pulse"],
    )
    table = reading_table(
        reading,
        columns=columns,
        read_voltage=read_voltage,
        map=map,
        states=states,
        file_name=file_name,
        over_range=over_range,
        floor=floor,
        condition_from=condition_from,
        repeats=repeats,
        cycles=cycles,
        encoding=encoding,
        sheets=sheets,
    )
    tell = on_progress(progress) or silent
    given = given_readings(measured, name="measured")
    tell("reading files", 0, 1)
    readings, files = readings_of(given, table)
    stated, sources = stated_conditions(conditions, lrs_share=lrs_share)
    tell("reading files", 1, 1)
    question = Question(
        target_ber=target_ber,
        ber_limit=ber_limit,
        use_temperature=quantity(texts["use_temperature"], "temperature", name="use_temperature"),
        activation_energy=_electron_volts(texts["activation_energy"]),
        at_times=tuple(
            second
            for text in at_times
            if (second := quantity(text, "time", name="at_time")) is not None
        ),
        bake=_two_conditions(texts["bake"], readings),
    )
    tell("fitting cells", 0, 1)
    examination = examine(readings, stated, read=read, question=question)
    tell("fitting cells", 1, 1)
    options = {
        **table.model_dump(),
        "map": list(table.map) or None,
        "sheets": list(table.sheets) or None,
        "conditions": str(conditions) if isinstance(conditions, str | Path) else None,
        "reference": texts["reference"],
        "reference_spread": reference_spread or None,
        "offset": offset or None,
        "lrs_share": None if lrs_share == 0.5 else lrs_share,
        "read_pulse": texts["read_pulse"],
        "target_ber": target_ber,
        "ber_limit": ber_limit,
        "bake": texts["bake"],
        "use_temperature": texts["use_temperature"],
        "activation_energy": texts["activation_energy"],
        "at_time": at_times or None,
    }
    paths = given if isinstance(given, list) else None
    provenance = Provenance(
        recipe=_recipe(paths, options),
        options=options,
        sources=(*files, *sources),
        origin=readings.origin,
        notes=tuple(str(note) for note in (*readings.notes, *examination.notes)),
        command=_recipe(
            None if paths is None else [Path(one).name for one in paths],
            {**options, "conditions": options["conditions"] and Path(options["conditions"]).name},
        ),
    )
    return FitResult(readings, examination, provenance)


def _ber(value: object, name: str) -> float | None:
    return None if value is None else number(value, name, "a number above 0 and below 0.5")


def _pulse_text(pulse: object) -> str | None:
    accepted = 'a voltage and a time, such as (0.2, 1e-8) or "0.2 V, 10 ns"'
    parts = plain(pulse)
    if parts is None or isinstance(parts, str):
        return parts
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        raise refused("read_pulse", pulse, accepted)
    volt = quantity_text(parts[0], "V", name="the voltage of read_pulse")
    second = quantity_text(parts[1], "s", name="the time of read_pulse")
    if volt is None or second is None:
        raise refused("read_pulse", pulse, accepted)
    return f"{volt}, {second}"


def _joule(value: float | str | None, name: str) -> float:
    """Return an energy in J, NaN for none."""
    joule = quantity(quantity_text(value, "J", name=name), "energy", name=name)
    return math.nan if joule is None else joule


def _loaded(
    network: SavedNetwork | FoldedNetwork | str | Path,
) -> SavedNetwork | FoldedNetwork | str:
    """Return a network, read if it is a file; or its layers, if that is all that is given."""
    if isinstance(network, str) and _is_layers(network):
        return network
    if isinstance(network, str | Path):
        network = load_network(network)
    if not isinstance(network, SavedNetwork | FoldedNetwork):
        raise refused("network", network, _NETWORKS)
    return network


def _reads(
    network: SavedNetwork | FoldedNetwork | str,
    place: str | Path,
    *,
    pixel_bits: int | None,
    images: ImageSet | str | None,
    reuse: bool,
) -> xr.Dataset:
    """Return how often an inference reads each weight (schema "inference_reads")."""
    if isinstance(network, str):
        shape = NetworkShape.parse(network)
        return reads_of_shape(shape, pixel_bits=_pixel_bits(place, pixel_bits), reuse=reuse)
    folded = network if isinstance(network, FoldedNetwork) else network.folded
    levels = folded.signed_levels
    if pixel_bits is None and levels is None and isinstance(network, SavedNetwork):
        # Loads torch, which nothing else of a fit needs.
        from rramsim.study.stages.networks import images_of

        levels = images_of(place, network, images).levels
    return reads_of_network(folded, pixel_bits=_pixel_bits(place, pixel_bits, levels), reuse=reuse)


def _is_layers(text: str) -> bool:
    return text[:1].isdigit() and "-" in text and "." not in text and not Path(text).exists()


def _pixel_bits(place: str | Path, given: int | None, levels: int | None = None) -> int:
    if given is not None:
        return given
    if levels is None:
        raise InputError(
            f"{place}: the number of bits of a pixel is not known; give pixel_bits "
            "(--pixel-bits), 1 for black and white, 8 for 256 shades."
        )
    return levels.bit_length()


def _time_texts(times: object) -> list[str]:
    """Return the times that a person asks for, each with its unit; commas part them in a text."""
    parts = plain(times)
    if parts is None:
        return []
    if isinstance(parts, str):
        parts = parts.split(",")
    each = list(parts) if isinstance(parts, list | tuple) else [parts]
    texts = [quantity_text(one, "s", name="at_time") for one in each]
    return [text.strip() for text in texts if text is not None]


def _electron_volts(text: str | None) -> float | None:
    joule = quantity(text, "energy", name="activation_energy")
    return None if joule is None else joule / ELECTRON_VOLT


def _bake_text(bake: object) -> str | None:
    if bake is None or isinstance(bake, str):
        return bake
    names = bake if isinstance(bake, list | tuple) else []
    if len(names) == 2 and all(isinstance(name, str) for name in names):
        return ",".join(names)
    raise refused("bake", bake, "the names of two conditions, before the bake and after it")


def _two_conditions(text: str | None, measured: Measured) -> tuple[str, str] | None:
    """Return the two conditions of a bake; a name may hold a comma itself."""
    if text is None:
        return None
    names = [str(name) for name in measured.readings["condition"].values]
    if not names:
        raise InputError(
            f"--bake {text!r}: a bake needs single readings of two conditions; the files hold none."
        )
    for comma in re.finditer(",", text):
        before, after = (
            spelled_as(part, names) for part in (text[: comma.start()], text[comma.end() :])
        )
        if before in names and after in names and before != after:
            return before, after
    raise InputError(
        f"--bake {text!r}: accepted are the names of two conditions with a comma between them, of "
        f"{', '.join(names)}."
    )


def _recipe(files: Sequence[str] | None, options: Mapping[str, Any]) -> str:
    """Return the command line that makes the report again, of readings in memory the call."""
    if files is None:
        given = [f", {name}={value!r}" for name, value in options.items() if value is not None]
        return f"rramsim.fit(<readings in memory>{''.join(given)})"
    words = ["rramsim", "fit", *files]
    for name, value in options.items():
        if value is not None:
            values = value if isinstance(value, list) else [value]
            words += [word for one in values for word in (f"--{name.replace('_', '-')}", str(one))]
    return f"{shlex.join(words)} --report DIR"


def _shared(correlated: object, tile: tuple[int, int]) -> SharedSpread | None:
    """Return what cells share; None: nothing."""
    if isinstance(correlated, Mapping):
        return SharedSpread(plain(dict(correlated)), tile)
    if not isinstance(correlated, bool):
        accepted = "True, False, or standard deviations of ln R by name"
        raise refused("correlated", correlated, accepted)
    return SharedSpread(tile=tile) if correlated else None


def _read_noise(
    read_noise: str, read_spread: float | tuple[float, float] | None
) -> ReadNoise | None:
    """Return read noise that is fresh, None where it is frozen."""
    if read_noise not in READ_NOISE:
        raise refused("read_noise", read_noise, " or ".join(READ_NOISE))
    if read_noise == "fresh":
        return ReadNoise(read_spread)
    if read_spread is not None:
        raise InputError(
            'read_spread: applies to fresh read noise only (read_noise="fresh" or --read-noise '
            "fresh)."
        )
    return None


def read_anew(
    faults: IidFaults | CorrelatedFaults, read_noise: str, read_spread: float | None
) -> IidFaults | CorrelatedFaults | TransientReads:
    """Return faults at a bit-error rate, whose cells are read as is asked for.

    Parameters
    ----------
    faults : IidFaults or CorrelatedFaults
    read_noise, read_spread
        See `FitResult.faults`; the spread is in units of that of all cells.

    Raises
    ------
    InputError
        If noise is fresh and its spread is not given: a bit-error rate does not tell it.
    """
    noise = _read_noise(read_noise, read_spread)
    if noise is None:
        return faults
    if noise.given is None:
        raise InputError(
            "fresh read noise: a bit-error rate does not say how far reads of one cell differ; "
            "give that in units of the spread of all cells (--read-spread 0.3), or name a "
            "condition whose readings show it."
        )
    return TransientReads(faults, noise.given)


def condition_faults(
    names: Sequence[str],
    protections: Sequence[str],
    *,
    measurements: Sequence[str],
    conditions: str | None,
    reference: str | None = None,
    correlated: bool | Mapping[str, Any] = False,
    tile: tuple[int, int] = (128, 128),
    read_noise: str = "frozen",
    read_spread: float | None = None,
) -> dict[tuple[str, str], tuple[FaultModel, bool]]:
    """Return the bit errors of chips of conditions that were measured, or only stated.

    Parameters
    ----------
    names : sequence of str
        Of the conditions; without, all.
    protections : sequence of str
        See `protect`.
    measurements : sequence of str
        Files of readings, or shipped sets; without, the conditions are those stated.
    conditions : str, optional
        A conditions file, or a shipped one.
    reference : str, optional
        Reference of the sense amplifiers, with its unit; without, the best one.
    correlated, tile, read_noise, read_spread
        See `FitResult.faults`.

    Returns
    -------
    dict
        A fault model for each protection and condition, in that order, and whether its BER is only
        an upper bound; the key is the condition and the protection.
    """
    fitted = None
    if measurements:
        fitted = fit(list(measurements), conditions=conditions, reference=reference)
    stated = fitted.conditions if fitted else stated_conditions(conditions, lrs_share=0.5)[0]
    assert stated is not None

    def faults_of(name: str, protection: str) -> FaultModel:
        if fitted is not None:
            return fitted.faults(
                name,
                protection,
                correlated=correlated,
                tile=tile,
                read_noise=read_noise,
                read_spread=read_spread,
            )
        row, shared = named_condition(stated, name), _shared(correlated, tile)
        faults = protected_condition(row, None, parse(protection), shared=shared)
        return faults if noise is None else fresh_reads(faults, row, noise)

    noise = _read_noise(read_noise, read_spread)
    chosen = names or stated["condition"].values.astype(str).tolist()
    return {
        (name, one): (
            faults_of(name, one),
            is_bound(named_condition(stated, name), parse(one)),
        )
        for one in protections
        for name in chosen
    }


def expected_errors(
    name: str, protection: str, *, measurements: Sequence[str], conditions: str | None
) -> tuple[FaultModel, DrawnFaults | None, tuple[tuple[str, str], ...]]:
    """Return what is expected of a chip of one condition.

    Parameters
    ----------
    name, protection : str
        Of the condition, and how its weights are protected.
    measurements, conditions
        See `condition_faults`.

    Returns
    -------
    faults : FaultModel
    rates : DrawnFaults or None
        Those that the cells behind the condition allow.
    sources : tuple of (str, str)
        Name and SHA-256 of what was read.
    """
    if measurements:
        fitted = fit(list(measurements), conditions=conditions)
        return (
            fitted.faults(name, protection),
            fitted.rates_left_open(name, protection),
            fitted.provenance.sources,
        )
    stated, sources = stated_conditions(conditions, lrs_share=0.5)
    assert stated is not None
    condition = named_condition(stated, name)
    drawn = drawn_faults(condition, parse(protection), populations=None)
    return (
        protected_condition(condition, None, parse(protection)),
        drawn if isinstance(drawn, DrawnFaults) else None,
        tuple(sources),
    )
