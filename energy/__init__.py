"""Metering, budgeting and recording of energy. Knows nothing of tuning or training."""

from .budget import EnergyBudget as EnergyBudget
from .meter import EnergyMeter as EnergyMeter
from .meter import Window as Window
from .reading import ComponentReading as ComponentReading
from .reading import Reading as Reading
from .source import Kind as Kind
from .source import PowerSource as PowerSource
from .source import Scope as Scope
from .source import Source as Source
from .source import SourceInfo as SourceInfo
