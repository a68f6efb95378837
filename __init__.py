"""Which hyperparameter search finds the most accurate network for the fewest joules?

    import perjoule

    result = perjoule.compare(strategies=["random", "tpe"], budget="200 J")
    print(result.analysis.headline)

The public names stand in ``__init__.pyi``, each once. Importing this package loads neither torch
nor Optuna: a name's module is loaded when the name is first used.
"""

import lazy_loader

from .models._torchvision_operators import prepare as _prepare_torchvision
from .version import __version__ as __version__

_prepare_torchvision()  # a user's own `import torchvision` may follow, or one of a library
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
