from .api import Result as Result
from .api import StudyResult as StudyResult
from .api import Table as Table
from .api import analyse as analyse
from .api import compare as compare
from .api import disclose as disclose
from .api import export as export
from .api import figures as figures
from .api import import_table as import_table
from .api import load_best as load_best
from .api import load_table as load_table
from .api import project as project
from .api import replay as replay
from .api import report as report
from .api import study as study
from .api import tune as tune
from .benchmarks.audit import audit as audit
from .benchmarks.comparison.experiment import Experiment as Experiment
from .benchmarks.comparison.recorder import Recorder as Recorder
from .energy import EnergyBudget as EnergyBudget
from .energy import EnergyMeter as EnergyMeter
from .energy import Reading as Reading
from .energy.carbon import intensity as intensity
from .energy.metered import metered as metered
from .errors import BudgetError as BudgetError
from .errors import ConfigurationError as ConfigurationError
from .errors import DataError as DataError
from .errors import MeterError as MeterError
from .errors import OutputError as OutputError
from .errors import PerjouleError as PerjouleError
from .errors import UnknownNameError as UnknownNameError
from .models.callbacks.keras import KerasCallback as KerasCallback
from .models.callbacks.keras_energy import KerasEnergyCallback as KerasEnergyCallback
from .models.callbacks.lightning import LightningCallback as LightningCallback
from .models.callbacks.lightning_energy import LightningEnergyCallback as LightningEnergyCallback
from .models.callbacks.scikit_learn import fit_once as fit_once
from .models.callbacks.scikit_learn import partial_fit_epochs as partial_fit_epochs
from .models.callbacks.transformers import TransformersCallback as TransformersCallback
from .models.callbacks.transformers_energy import (
    TransformersEnergyCallback as TransformersEnergyCallback,
)
from .models.callbacks.xgboost import XGBoostCallback as XGBoostCallback
from .models.metric import Metric as Metric
from .models.trial import Trial as Trial
from .tuners.pending import ask_batch as ask_batch
from .tuners.strategy import Strategy as Strategy
from .tuners.strategy import Told as Told
from .tuners.strategy import Work as Work

__version__: str
