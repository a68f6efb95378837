"""Two processes that begin in one folder at once: one gets it, the other changes nothing."""

import subprocess
import sys

import yaml

import perjoule

PAIRS = 20
COMMAND = (
    *(sys.executable, "-m", "perjoule", "compare", "--dataset", "synthetic:8x8x1:3:90"),
    *("--strategies", "random", "--meter", "model", "--workers", "1", "--out", "run"),
    *("--budget", "unlimited", "--trials", "2"),
)


def test_two_at_once(tmp_path, share_of, tally):
    faults = {"not_one_winner": 0, "overwritten": 0, "trials_of_both": 0, "silent_losers": 0}
    for number in range(share_of(PAIRS)):
        folder = tmp_path / str(number)
        folder.mkdir()
        pair = [
            subprocess.Popen(
                [*COMMAND, "--seeds", str(seeds)],
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for seeds in (1, 2)
        ]
        errors = [process.communicate(timeout=120)[1] for process in pair]
        codes = [process.returncode for process in pair]
        if sorted(codes) != [0, 2]:
            faults["not_one_winner"] += 1
            continue
        lost = errors[codes.index(2)]
        faults["silent_losers"] += not ("is in use by" in lost or "exists already" in lost)
        stated = yaml.safe_load((folder / "run" / "experiment.yaml").read_text())["experiment"]
        faults["overwritten"] += stated["seeds"] != codes.index(0) + 1
        trials = perjoule.load_table(folder / "run").trials
        faults["trials_of_both"] += len(trials) != 2 * stated["seeds"]
    tally("pairs that begin at once", share_of(PAIRS), **faults)
