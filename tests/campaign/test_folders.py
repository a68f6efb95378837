"""Damaged run folders: whatever was done to a file, no number is wrong without a word."""

import json
import math
import random
import shutil
import time

import pytest
import yaml

import perjoule
from perjoule.benchmarks.audit import audit
from perjoule.benchmarks.comparison.heartbeat import SignOfLife
from perjoule.errors import PerjouleError

from ..full_disk import trained_joules
from .tiny import TINY

CASES = 300
MOST_S = 10.0
SHAPES = [[], None, "x", {}, 3, -1.5, 1e300, 10**400, True, math.nan, "\0", [[]], {"a": 1}]
SIGN_J = 0.125


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Whole run folders: of a comparison, a search, a killed one, a study."""
    path = tmp_path_factory.mktemp("whole")
    perjoule.compare(out=path / "compared", strategies=["random", "tpe"], **TINY)
    options = {name: value for name, value in TINY.items() if name not in ("seeds", "budget")}
    perjoule.tune("random", "unlimited", out=path / "searched", **options)
    killed = shutil.copytree(path / "searched", path / "killed")
    (killed / "inflight").mkdir()
    sign = SignOfLife("random-0", number=0, trial=4, params=None, energy_j=SIGN_J)
    (killed / "inflight" / "random-0.0.json").write_bytes(sign.to_text())
    return {each.name: each for each in sorted(path.iterdir())}


def shaped(rng, value):
    """The same plain data with something of a wrong shape, or missing, or besides, somewhere."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        name = rng.choice(list(value))
        how = rng.random()
        if how < 0.15:
            return {key: each for key, each in value.items() if key != name}
        if how < 0.25:
            return {**value, "unheard of": rng.choice(SHAPES)}
        return {**value, name: shaped(rng, value[name])}
    if isinstance(value, list) and value and rng.random() < 0.6:
        at = rng.randrange(len(value))
        return [*value[:at], shaped(rng, value[at]), *value[at + 1 :]]
    return rng.choice([each for each in SHAPES if each != value])


def reshape(rng, file):
    if file.suffix == ".jsonl":
        lines = file.read_text().splitlines()
        at = rng.randrange(len(lines))
        lines[at] = json.dumps(shaped(rng, json.loads(lines[at])))
        file.write_text("".join(line + "\n" for line in lines))
    elif file.suffix == ".json":
        file.write_text(json.dumps(shaped(rng, json.loads(file.read_text()))))
    elif file.suffix == ".yaml":
        file.write_text(yaml.safe_dump(shaped(rng, yaml.safe_load(file.read_text()))))
    else:
        file.write_bytes(rng.randbytes(100))


def cut(rng, file):
    file.write_bytes(file.read_bytes()[: rng.randrange(file.stat().st_size)])


def flip(rng, file):
    content = bytearray(file.read_bytes())
    for _ in range(rng.choice((1, 1, 3))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    file.write_bytes(content)


def hole(rng, file):
    content = bytearray(file.read_bytes())
    at = rng.randrange(len(content))
    content[at : at + 200] = bytes(min(200, len(content) - at))
    file.write_bytes(content)


def relines(rng, file):
    """Lines doubled, removed, swapped, moved, or the last ones cut off."""
    lines = file.read_bytes().splitlines(keepends=True)
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.choice(("double", "remove", "swap", "move", "end", "again"))
    if how == "double":
        lines.insert(at, lines[at])
    elif how == "remove":
        del lines[at]
    elif how == "swap":
        lines[at], lines[to] = lines[to], lines[at]
    elif how == "move":
        lines.insert(to, lines.pop(at))
    elif how == "end":
        del lines[at:]
    else:
        lines += lines
    file.write_bytes(b"".join(lines))


def remove(rng, file):
    file.unlink()


def forbid(rng, file):
    file.chmod(0)


def make_folder(rng, file):
    file.unlink()
    file.mkdir()


DAMAGES = [cut, flip, hole, relines, relines, remove, reshape, reshape, make_folder, forbid]


def total_j(table):
    return table.trials["energy_j"].sum(skipna=False)


def resume(folder):
    go_on = perjoule.compare if folder.name.startswith("compared") else perjoule.tune
    with trained_joules() as joules:
        return total_j(go_on(out=folder, resume=True).table) - math.fsum(joules)


def replay(folder):
    table = perjoule.load_table(folder)
    perjoule.replay(table, strategies=["random"], budget="1 mJ per run", seeds=1, workers=1)
    return total_j(table)


def audited(folder):
    audit([folder])


def best(folder):
    perjoule.load_best(folder)


DOORS = {
    "report": lambda folder: total_j(perjoule.report(folder).table),
    "table": lambda folder: total_j(perjoule.load_table(folder)),
    "resume": resume,
    "replay": replay,
    "audit": audited,
    "project": lambda folder: perjoule.project(folder) and None,
    "best": best,
}


@pytest.mark.filterwarnings("ignore")
def test_damaged_folders(folders, tmp_path, share_of, tally):
    truth = {name: total_j(perjoule.load_table(folder)) for name, folder in folders.items()}
    faults = {"tracebacks": [], "wrong_totals": [], "hangs": [], "many_lines": []}
    numbers = random.Random(15).sample(range(CASES), share_of(CASES))
    for number in numbers:
        rng = random.Random(number)
        name = rng.choice(list(folders))
        whole, folder = folders[name], tmp_path / f"{name}-{number}"
        files = sorted(f for f in whole.rglob("*") if f.is_file() and f.suffix != ".html")
        # The ledger first of all, since it is the truth.
        ledger = whole / "ledger.jsonl"
        file = ledger if rng.random() < 0.4 else rng.choice([f for f in files if f.stat().st_size])
        damage = rng.choice(DAMAGES)
        if damage is remove and file.parent.name == "inflight":
            damage = cut  # nothing else knows of a sign of life
        for door in rng.sample(list(DOORS), 3):
            shutil.copytree(whole, folder)
            damage(random.Random(number), folder / file.relative_to(whole))
            case = f"{number} {door}: {damage.__name__} {file.relative_to(whole.parent)}"
            began_s = time.process_time()  # of a busy machine
            try:
                told_j = DOORS[door](folder)
            except PerjouleError as error:
                if "\n" in str(error):
                    faults["many_lines"].append(case)
            except Exception as error:  # noqa: BLE001 - it is counted
                faults["tracebacks"].append(f"{case}: {error!r}"[:600])
            else:
                true_j = truth[name] + (SIGN_J if (name, door) == ("killed", "resume") else 0.0)
                if told_j is not None and not math.isclose(told_j, true_j, rel_tol=1e-9):
                    faults["wrong_totals"].append(f"{case}: {told_j} for {true_j}")
            if time.process_time() - began_s > MOST_S:
                faults["hangs"].append(case)
            shutil.rmtree(folder)
    print(*(case for cases in faults.values() for case in cases), sep="\n")
    tally("damaged run folders", len(numbers), **{n: len(cases) for n, cases in faults.items()})
