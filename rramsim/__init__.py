"""From measured RRAM resistances to the energy-accuracy trade-off of a binarized network.

All of rramsim in a notebook, by the names below. Each is loaded when it is first used, so that
``import rramsim`` costs nothing; rooms inside rramsim import from each other, never from here.
"""

from importlib import import_module as _import
from typing import TYPE_CHECKING

from rramsim.version import __version__ as __version__

if TYPE_CHECKING:
    from rramsim.crossbar.correlated import CorrelatedFaults as CorrelatedFaults
    from rramsim.crossbar.faults import FaultModel as FaultModel
    from rramsim.crossbar.faults import IidFaults as IidFaults
    from rramsim.crossbar.faults import LayerFaults as LayerFaults
    from rramsim.crossbar.faults import MappedFaults as MappedFaults
    from rramsim.crossbar.faults import PopulationFaults as PopulationFaults
    from rramsim.crossbar.faults import StateFaults as StateFaults
    from rramsim.crossbar.protection import protect as protect
    from rramsim.crossbar.transient import TransientReads as TransientReads
    from rramsim.decision.recommend import recommend as recommend
    from rramsim.device.bit_errors.fitted_rates import bit_error_rate as bit_error_rate
    from rramsim.errors import InputError as InputError
    from rramsim.images.catalogue import load_images as load_images
    from rramsim.montecarlo.replicates import mean_over_trainings as mean_over_trainings
    from rramsim.montecarlo.stopping import StoppingRule as StoppingRule
    from rramsim.network.importing.module import import_module as import_module
    from rramsim.network.model_files import load_network as load_network
    from rramsim.network.model_files import save_network as save_network
    from rramsim.network.training.train import train as train
    from rramsim.network.training.train import train_replicates as train_replicates
    from rramsim.plotting.accuracy import plot_accuracy as plot_accuracy
    from rramsim.plotting.populations import plot_populations as plot_populations
    from rramsim.plotting.tradeoff import plot_tradeoff as plot_tradeoff
    from rramsim.readers.conditions import read_conditions as read_conditions
    from rramsim.readers.measurements import read_measurements as read_measurements
    from rramsim.readers.shipped.datasets import datasets as datasets
    from rramsim.statistics.lognormal import fit_lognormal as fit_lognormal
    from rramsim.statistics.weibull import fit_weibull as fit_weibull
    from rramsim.study.compare import compare as compare
    from rramsim.study.evaluate import evaluate as evaluate
    from rramsim.study.fit import FitResult as FitResult
    from rramsim.study.fit import fit as fit
    from rramsim.study.real_chips.chip_report import report_chip as report_chip
    from rramsim.study.real_chips.error_map import read_error_map as read_error_map
    from rramsim.study.real_chips.export import export_tiles as export_tiles
    from rramsim.study.real_chips.read_back import read_back as read_back
    from rramsim.study.settings import Study as Study
    from rramsim.study.tradeoff import TradeoffResult as TradeoffResult
    from rramsim.study.tradeoff import tradeoff as tradeoff

_NAMES_OF = {
    "crossbar.correlated": "CorrelatedFaults",
    "crossbar.faults": "FaultModel IidFaults LayerFaults MappedFaults PopulationFaults StateFaults",
    "crossbar.protection": "protect",
    "crossbar.transient": "TransientReads",
    "device.bit_errors.fitted_rates": "bit_error_rate",
    "decision.recommend": "recommend",
    "errors": "InputError",
    "images.catalogue": "load_images",
    "montecarlo.replicates": "mean_over_trainings",
    "montecarlo.stopping": "StoppingRule",
    "network.importing.module": "import_module",
    "network.model_files": "load_network save_network",
    "network.training.train": "train train_replicates",
    "plotting.accuracy": "plot_accuracy",
    "plotting.populations": "plot_populations",
    "plotting.tradeoff": "plot_tradeoff",
    "readers.conditions": "read_conditions",
    "readers.measurements": "read_measurements",
    "readers.shipped.datasets": "datasets",
    "statistics.lognormal": "fit_lognormal",
    "statistics.weibull": "fit_weibull",
    "study.compare": "compare",
    "study.evaluate": "evaluate",
    "study.fit": "FitResult fit",
    "study.real_chips.chip_report": "report_chip",
    "study.real_chips.error_map": "read_error_map",
    "study.real_chips.export": "export_tiles",
    "study.real_chips.read_back": "read_back",
    "study.settings": "Study",
    "study.tradeoff": "TradeoffResult tradeoff",
}
_HOMES = {name: module for module, names in _NAMES_OF.items() for name in names.split()}

__all__ = sorted(_HOMES)


if not TYPE_CHECKING:  # else any name would pass a type checker

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'rramsim' has no attribute {name!r}")
        value = getattr(_import(f"rramsim.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
