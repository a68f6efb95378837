"""Turn run folders into tables that a search can be replayed on.

    perjoule compare experiment.yaml --out runs/digits    # random search, epochs fixed
    python benchmarks/performance/recording.py runs/digits benchmarks/recorded/digits

Keeps the complete and the failed trials, and of these what a replay reads; of files of data the
names, not the folders they lay in. A comparison that still runs may be turned too.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import pandas as pd
import yaml

from perjoule.benchmarks.comparison.loading import read_run
from perjoule.benchmarks.performance.options import make_parser
from perjoule.benchmarks.tables.writing import write_frame

TRIAL_COLUMNS = (
    *("run", "strategy", "seed", "trial", "state", "score", "energy_j"),
    *("energy_setup_j", "energy_search_j", "energy_kind", "epochs", "flops", "n_parameters"),
)
CURVE_COLUMNS = ("run", "trial", "epoch", "energy_j", "score")
DESCRIPTION_KEYS = ("created", "space", "data", "machine", "versions", "runtime", "meter")

README = """\
# {name}: a recorded search

{n} candidates of the space of `experiment.yaml`, drawn at random, each trained for {epochs} epochs
on {data} ({train} images, {validation} to validate); {failed} of them failed.
Joules: {meter}.

- `trials.parquet`: one row per candidate, columns of the trial table (version 1).
- `curves.parquet`: one row per epoch, cumulative joules.
- `experiment.yaml`: the space, the versions and the machine.

Recorded on {date} on {machine}, perjoule {version}, torch {torch}, by

    perjoule compare EXPERIMENT.yaml --out RUN_FOLDER
    python benchmarks/performance/recording.py RUN_FOLDER {folder}

with `strategies: [random]`, `seeds: {seeds}`, `workers: {workers}`, `meter: {source}`, this space,
and a budget that was stopped by Ctrl-C. `perjoule replay` replays it.
{note}"""


def main() -> None:
    """Read a run folder, write a table folder."""
    parser = make_parser(__doc__)
    parser.add_argument("run", type=Path, help="run folder of `perjoule compare`")
    parser.add_argument("table", type=Path, help="folder to write")
    parser.add_argument("--note", default="", help="what else its README.md says, in Markdown")
    options = parser.parse_args()
    trials, curves, description = read(options.run)
    options.table.mkdir(parents=True, exist_ok=True)
    write_frame(trials, options.table / "trials.parquet")
    write_frame(curves, options.table / "curves.parquet")
    kept = {"experiment": {"dataset": dataset_name(description)}}
    kept |= {key: description[key] for key in DESCRIPTION_KEYS}
    kept["data"] = {**kept["data"], "source": PurePath(kept["data"]["source"]).name}
    (options.table / "experiment.yaml").write_text(yaml.safe_dump(kept, sort_keys=False))
    (options.table / "README.md").write_text(
        readme(options.table, trials, description, options.note)
    )
    print(f"{options.table}: {len(trials)} candidates")


def read(run: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The trials and curves that are kept, and what `experiment.yaml` holds."""
    table = read_run(run)
    assert table.curves is not None
    trials = table.trials[table.trials["state"].isin(["complete", "failed"])]
    names = [name for name in map(str, trials) if name.startswith("p.")]
    trials = trials[[*TRIAL_COLUMNS, *names]].reset_index(drop=True)
    curves = table.curves.merge(trials[["run", "trial"]], on=["run", "trial"])
    return trials, curves[list(CURVE_COLUMNS)], dict(table.description or {})


def dataset_name(description: dict[str, Any]) -> str:
    """The data set as users name it, without the folder that a file of theirs lay in."""
    kind, colon, path = description["experiment"]["dataset"].partition(":")
    return f"{kind}{colon}{PurePath(path).name}"


def readme(folder: Path, trials: pd.DataFrame, description: dict[str, Any], note: str) -> str:
    """How a table was made, in words."""
    data, experiment = description["data"], description["experiment"]
    return README.format(
        name=folder.name,
        n=len(trials),
        failed=int((trials["state"] == "failed").sum()),
        epochs=description["space"]["epochs"],
        data=dataset_name(description),
        train=data["train"],
        validation=data["validation"],
        meter="; ".join(source["detail"] for source in description["meter"]),
        date=description["created"][:10],
        machine="{cpu}, {cores} cores".format(**description["machine"]),
        source=experiment["meter"],
        workers=description["workers"],
        seeds=experiment["seeds"],
        version=description["versions"]["perjoule"],
        torch=description["versions"]["torch"],
        folder=folder.as_posix(),
        note=f"\n{note}\n" if note else "",
    )


if __name__ == "__main__":
    main()
