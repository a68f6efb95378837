"""What the command line and Python users call: compare, tune, report, study.

The public names stand in ``__init__.pyi``; a name's module is loaded when the name is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
