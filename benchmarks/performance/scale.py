"""What does a comparison take beside its training, from a thousand trials to a million?

The real driver runs random searches whose trials cost nothing: in its own process, with a
training function that returns at once (asking, telling and signs of life included), and with a
thousand simulated workers, of which one at a time comes back. Its ledger is then gone on with as
if it had been killed at its end, and its report made. Every line is a process of its own.

    python benchmarks/performance/scale.py --trials 1000 10000 100000

Overhead is all seconds of the driver's session by trials. CPU time, which feels other load less,
has the start of the comparison besides, and what simulated workers do: unpickling a job, making
up its result. Each event of the ledger waits until it is on disk: on another disk the wall
differs, and `--folder /dev/shm` leaves the disk out.

By a profile an inline trial is a fifth asking (Optuna's draw), a sixth signs of life, an eighth
readings of the meter, and a thirtieth the ledger. Not keeping a random search's results in an
Optuna study did not make its asks cheaper (0.38 ms either way), but resuming 100,000 trials: 6.0
CPU-seconds in place of 13.4.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from perjoule.benchmarks.performance.growing import Figures, report, resume, search
from perjoule.benchmarks.performance.options import make_parser, write_figures
from perjoule.benchmarks.performance.processes import call


def _done(function: Any, *arguments: Any) -> Figures:
    process = call(function, *arguments)
    out, errors = process.communicate()
    if process.returncode:
        raise SystemExit(errors)
    return json.loads(out.splitlines()[-1])


def main() -> None:
    """Measure, and print the table."""
    parser = make_parser(__doc__, json=True)
    parser.add_argument("--trials", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 1_000], help="1 is inline")
    parser.add_argument("--strategy", default="random", help="that is asked inline")
    parser.add_argument("--folder", type=Path, help="where run folders are made and removed")
    parser.add_argument("--no-report", action="store_true", help="leave resuming and reports out")
    options = parser.parse_args()
    print(
        f"{'':>12}{'':>10}  overhead, ms a trial      ledger   a job  peak    resumed   peak"
        "    report   peak"
    )
    print(
        f"{'workers':>12}{'trials':>10}{'wall':>12}{'CPU':>12}{'MB':>12}{'bytes':>8}{'MiB':>6}"
        f"{'CPU s':>11}{'MiB':>7}{'CPU s':>10}{'MiB':>7}"
    )
    found: list[Figures] = []
    for workers in options.workers:
        for trials in options.trials:
            strategy = options.strategy
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                run = str(Path(folder) / "run")
                told = _done(search, run, trials, workers, strategy)
                sent = told["sent_bytes"]
                print(
                    f"{workers:12,}{told['trials']:10,}{told['wall_ms']:12.2f}{told['cpu_ms']:12.2f}"
                    f"{told['ledger_bytes'] / 1e6:12.1f}{'-' if sent is None else f'{sent:.0f}':>8}"
                    f"{told['peak_mib']:6.0f}",
                    end="",
                    flush=True,
                )
                if not options.no_report:
                    again = shutil.copytree(run, Path(folder) / "again")
                    told["report"] = _done(report, run)
                    told["resumed"] = _done(resume, str(again), trials, workers, strategy)
                    print(
                        f"{told['resumed']['cpu_s']:11.1f}{told['resumed']['peak_mib']:7.0f}"
                        f"{told['report']['cpu_s']:10.1f}{told['report']['peak_mib']:7.0f}",
                        end="",
                    )
                print()
                found.append({"workers": workers, "strategy": strategy} | told)
    write_figures(options.json, {"figures": found})


if __name__ == "__main__":
    main()
