"""Metering, budgeting and recording of energy. Knows nothing of tuning or training."""

from .budget import EnergyBudget
from .meter import EnergyMeter, Window
from .reading import ComponentReading, Reading
from .source import Kind, PowerSource, Scope, Source, SourceInfo

__all__ = [
    "ComponentReading",
    "EnergyBudget",
    "EnergyMeter",
    "Kind",
    "PowerSource",
    "Reading",
    "Scope",
    "Source",
    "SourceInfo",
    "Window",
]
