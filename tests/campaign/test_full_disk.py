"""A disk that becomes full at any moment: no trial is lost, and after a resume all is charged."""

import math
import random
import shutil
import time

import pytest

import perjoule
from perjoule.errors import PerjouleError

from ..full_disk import disk, trained_joules
from .tiny import TINY

MOMENTS = 20
MOST_S = 10.0
KINDS = {
    "compared": lambda out, **more: perjoule.compare(
        out=out, **({} if more else TINY | {"strategies": ["random", "tpe"]}), **more
    ),
    "paused": lambda out, **more: perjoule.compare(
        out=out, **({} if more else TINY | {"strategies": ["asha"]}), **more
    ),
    "searched": lambda out, **more: perjoule.tune(
        *([] if more else ["random", "1 J"]),
        out=out,
        **({} if more else {n: v for n, v in TINY.items() if n not in ("seeds", "budget")}),
        **more,
    ),
}


@pytest.mark.filterwarnings("ignore")
def test_full_disks(tmp_path, share_of, tally):
    faults = {"wrong_bills": [], "lost_trials": [], "tracebacks": [], "hangs": [], "silent": []}
    numbers = random.Random(3).sample(range(MOMENTS), share_of(MOMENTS))
    writes = {}
    for number in numbers:
        name = list(KINDS)[number % len(KINDS)]
        if name not in writes:
            with disk() as undisturbed:
                KINDS[name](tmp_path / name)
            writes[name] = undisturbed.writes
        moment = 1 + round((writes[name] - 1) * number / (MOMENTS - 1))
        out, case = tmp_path / f"full-{number}", f"{name}, write {moment} of {writes[name]}"
        began_s = time.process_time()
        with trained_joules() as joules:
            try:
                with disk(moment) as found:
                    KINDS[name](out)
                if found.writes >= moment:  # signs of life are as many as time allows
                    faults["silent"].append(case)
            except PerjouleError as error:
                if not all(each in str(error) for each in ("No space left", "--resume")):
                    faults["silent"].append(f"{case}: {error}")
            except Exception as error:  # noqa: BLE001 - it is counted
                faults["tracebacks"].append(f"{case}: {error!r}")
            begun = (out / "experiment.yaml").exists()
            result = KINDS[name](out, **({"resume": True} if begun else {}))
        if time.process_time() - began_s > 2 * MOST_S:
            faults["hangs"].append(case)
        trials = result.trials
        if not math.isclose(trials["energy_j"].sum(), math.fsum(joules), rel_tol=1e-9):
            faults["wrong_bills"].append(f"{case}: {trials['energy_j'].sum()}, {math.fsum(joules)}")
        whole = perjoule.load_table(tmp_path / name).trials
        ended = [each[each["state"].isin(["complete", "pruned"])] for each in (trials, whole)]
        if len(ended[0]) != len(ended[1]):
            faults["lost_trials"].append(case)
        shutil.rmtree(out)
    print(*(case for cases in faults.values() for case in cases), sep="\n")
    tally("full disks", len(numbers), **{n: len(cases) for n, cases in faults.items()})
