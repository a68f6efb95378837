"""Candidates of one shape, trained as one stack."""

from .paying import pays as pays
from .shapes import fusable_shape as fusable_shape
from .shapes import shaping as shaping
from .together import train_together as train_together
