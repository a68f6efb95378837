"""What the command line and Python users call: compare, tune, report, study."""

from . import figures
from .all_studies import Studies, study_all
from .comparing import Result, compare, report, tune
from .disclosing import disclose
from .networks import export, load_best
from .studies import StudyResult, study
from .tables import Table, analyse, import_table, load_table, project, replay
from .watching import follow, verdict

__all__ = [
    "Result",
    "Studies",
    "StudyResult",
    "Table",
    "analyse",
    "compare",
    "disclose",
    "export",
    "figures",
    "follow",
    "import_table",
    "load_best",
    "load_table",
    "project",
    "replay",
    "report",
    "study",
    "study_all",
    "tune",
    "verdict",
]
