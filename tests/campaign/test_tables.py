"""Hostile tables and traces: valid files of known joules, damaged in one or two ways.

What is read of one must be the joules of the rows that are whole, or unknown, or refused.
"""

import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import perjoule
from perjoule.errors import PerjouleError

WHOLE = 500
MOST_S = 10.0
P_W = 137.25  # constant, so that the joules of a trace are it times whole seconds
PERIODS = 40

Truth = Callable[[str, float], bool]  # of which run, and how many joules: can that be right?


class Valid(NamedTuple):
    """A valid file."""

    form: str  # how it is imported; empty for a trial table
    header: list[str]
    rows: list[list[str]]
    truth: Truth


def of_runs(joules: dict[str, float]) -> Truth:
    """The joules of a run; of any, where the name is damaged."""
    return lambda run, energy_j: any(
        math.isclose(energy_j, known, rel_tol=1e-9)
        for name, known in joules.items()
        if name in run or not any(each in run for each in joules)
    )


def of_a_trace(period_s: float, watts: float = P_W) -> Truth:
    """Rows may be missing at either end, two at most, so that the time between is shorter."""
    least = PERIODS - 5
    allowed = [watts * period_s * steps for steps in range(least, PERIODS)]
    return lambda _, energy_j: any(math.isclose(energy_j, each, rel_tol=1e-6) for each in allowed)


def codecarbon(rng: random.Random) -> Valid:
    names = ["timestamp", "project_name", "run_id", "duration", "emissions", "cpu_power"]
    names += ["cpu_energy", "gpu_energy", "ram_energy", "energy_consumed", "country_name"]
    names += ["gpu_count", "gpu_model", "tracking_mode", "pue"]
    rows, joules = [], {}
    for n in range(30):
        kwh = [round(rng.uniform(1e-4, 9e-3), 9) for _ in range(3)]
        joules[f"run{n:03}x"] = sum(kwh) * 3.6e6
        cells = [f"2026-03-{n % 28 + 1:02}T10:{n:02}:00", "demo", f"run{n:03}x", "100.5", "0.0001"]
        cells += ["36.123456", *map(repr, kwh), repr(sum(kwh)), "Île-de-France"]
        rows.append([*cells, "", "", "machine", "1.0"])
    return Valid("codecarbon", names, rows, of_runs(joules))


def zeus(rng: random.Random) -> Valid:
    rows, joules = [], {}
    for n in range(30):
        parts = [round(rng.uniform(50, 500), 3) for _ in range(2)]
        joules[f"window{n:03}x"] = sum(parts)
        rows.append([f"{1_700_000_000.5 + 20 * n}", f"window{n:03}x", "10.5", *map(repr, parts)])
    header = ["start_time", "window_name", "elapsed_time", "gpu0_energy", "gpu1_energy"]
    return Valid("zeus", header, rows, of_runs(joules))


def nvidia_smi(rng: random.Random) -> Valid:
    header = ["timestamp", "index", "power.draw [W]", "utilization.gpu [%]"]
    rows = [
        [f"2026/05/04 10:00:{n:02}.000", "0", f"{P_W} W", f"{rng.randrange(100)} %"]
        for n in range(PERIODS)
    ]
    return Valid("nvidia-smi", header, rows, of_a_trace(1.0))


def wattmeter(rng: random.Random) -> Valid:
    time_name = rng.choice(["time_s", "Time (s)", "timestamp", "elapsed_s", "unix time"])
    rows = [[f"{1_700_000_000 + 2 * n}", f"{P_W}"] for n in range(PERIODS)]
    return Valid("wattmeter", [time_name, "P [W]"], rows, of_a_trace(2.0))


def counter(rng: random.Random) -> Valid:
    rows = [[f"{10 * n}", f"{P_W * n / 3.6e5:.9f}", "plug-1"] for n in range(PERIODS)]
    return Valid("wattmeter", ["time_s", "Total (kWh)", "meter"], rows, of_a_trace(10.0))


def trial_table(rng: random.Random) -> Valid:
    rows, joules = [], {}
    for n in range(60):
        energy_j = round(rng.uniform(10, 900), 4)
        strategy = ("random", "tpe")[n % 2]
        joules[f"{energy_j:.4f}"] = energy_j
        cells = [strategy, f"{n // 2 % 5}", f"{energy_j:.4f}", f"{rng.uniform(0.5, 0.99):.4f}"]
        rows.append([*cells, f"{rng.uniform(0.001, 0.1):.5f}"])
    known = set(joules.values())
    return Valid(
        "", ["strategy", "seed", "energy_j", "score", "lr"], rows, lambda _, found: found in known
    )


FORMS = (codecarbon, zeus, nvidia_smi, wattmeter, counter, trial_table)


def joined(rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    return "".join(separator.join(row) + end for row in rows)


def torn_last(text: str, rng: random.Random) -> str:
    start = text.rstrip("\n").rfind("\n") + 1
    return text[: rng.randrange(start + 1, len(text))]


def lines_of(text: str, rng: random.Random) -> tuple[list[str], int]:
    lines = text.splitlines(keepends=True)
    return lines, rng.randrange(1, len(lines))


def fragment(text: str, rng: random.Random) -> str:
    lines, at = lines_of(text, rng)
    return "".join([*lines[:at], lines[at][rng.randrange(1, len(lines[at]) - 1) :], *lines[at:]])


def cut_within(text: str, rng: random.Random) -> str:
    lines, at = lines_of(text, rng)
    cut = rng.randrange(lines[at].rfind(",")) if "," in lines[at] else 1
    lines[at] = lines[at][:cut] + "\n"
    return "".join(lines)


def merged(text: str, rng: random.Random) -> str:
    lines, at = lines_of(text, rng)
    lines[at] = lines[at].rstrip("\n")[: max(1, len(lines[at]) - rng.randrange(2, 9))]
    return "".join(lines)


def hole_before(text: str, rng: random.Random) -> str:
    lines, at = lines_of(text, rng)
    lines[at] = "\0" * rng.choice([1, 7, 4096, 200_001]) + lines[at]
    return "".join(lines)


def hole_within(text: str, rng: random.Random) -> str:
    at = rng.randrange(text.index("\n") + 2, len(text) - 2)
    return text[:at] + "\0" * rng.choice([3, 50, 4096]) + text[at + rng.randrange(40) :]


def headers_again(text: str, rng: random.Random) -> str:
    lines, _ = lines_of(text, rng)
    often = rng.choice([1, 5])
    return lines[0] + "".join(
        line + (lines[0] if n % (30 // often) == 9 else "") for n, line in enumerate(lines[1:])
    )


def open_quote(text: str, rng: random.Random) -> str:
    lines, at = lines_of(text, rng)
    return "".join([*lines[:at], '"' + lines[at], *lines[at + 1 :]])


def words(text: str, rng: random.Random) -> str:
    lines, at = lines_of(text, rng)
    cells = lines[at].rstrip("\n").split(",")
    cells[rng.randrange(len(cells))] = rng.choice(["", "error", "[N/A]", "nan", "1,5", "--"])
    lines[at] = ",".join(cells) + "\n"
    return "".join(lines)


def remarks(text: str, rng: random.Random) -> str:
    lines, at = lines_of(text, rng)
    message = rng.choice(
        ["# paused", "Unable to determine the device handle: Unknown Error", "", " "]
    )
    return "# recorded by me\n\n" + "".join([*lines[:at], message + "\n", *lines[at:]])


def separators(text: str, rng: random.Random) -> str:
    return text.replace(",", rng.choice(";\t|"))


def decimal_commas(text: str, _: random.Random) -> str:
    head, body = text.split("\n", 1)
    return head.replace(",", ";") + "\n" + body.replace(",", ";").replace(".", ",")


def scaled_total(text: str, _: random.Random) -> str:
    lines = text.splitlines()
    names = lines[0].split(",")
    if "energy_consumed" not in names:
        return text
    at = names.index("energy_consumed")
    rows = [line.split(",") for line in lines[1:]]
    for row in rows:
        row[at] = repr(float(row[at]) * 1000)
    return "\n".join([lines[0], *map(",".join, rows)]) + "\n"


IN_TEXT = (
    *(torn_last, fragment, cut_within, merged, hole_before, hole_within, headers_again),
    *(open_quote, words, remarks),
)
AS_A_WHOLE = (separators, decimal_commas, scaled_total, lambda text, _: text)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")


def hostile(seed: int) -> tuple[Valid, bytes, str]:
    rng = random.Random(seed)
    valid = FORMS[seed % len(FORMS)](rng)
    text, told = joined([valid.header, *valid.rows]), []
    for _ in range(rng.choice([1, 1, 2])):
        damage = rng.choice(IN_TEXT)
        try:
            damaged = damage(text, rng)
        except (ValueError, IndexError):  # it is damaged too much for that
            continue
        told.append(damage.__name__)
        text = damaged if damaged.count("\n") > 10 else text
    if rng.random() < 0.3:
        change = rng.choice(AS_A_WHOLE)
        told.append(change.__name__)
        try:
            text = change(text, rng)
        except (ValueError, IndexError):  # it is damaged too much for that
            told.pop()
    text = text.replace("\n", rng.choice(["\n", "\n", "\r\n", "\r"]))
    encoding = rng.choice(ENCODINGS) if rng.random() < 0.5 else "utf-8"
    return valid, text.encode(encoding, errors="replace"), f"{valid.form} {told} {encoding}"


def energies(valid: Valid, path: Path, seed: int) -> list[tuple[str, float]]:
    """What all doors say of a file: its runs with their joules, of those that are known."""
    if valid.form:
        table = perjoule.import_table(valid.form, path)
    else:
        table = perjoule.load_table(path)
        perjoule.analyse(table)
        if seed % 40 == 5:
            options = {"strategies": "random", "seeds": 2, "budget": "500 J per run", "workers": 1}
            perjoule.replay(table, search_energy="none", **options)
    trials = table.trials
    known = trials[trials["energy_j"].notna()]
    return list(zip(known["run"].astype(str), known["energy_j"], strict=True))


def test_hostile_tables_give_no_wrong_joule(tmp_path, share_of, tally):
    faults = dict.fromkeys(("wrong_joules", "tracebacks", "hangs"), 0)
    examples, refused = [], 0
    seeds = random.Random(1).sample(range(WHOLE), share_of(WHOLE))
    for seed in seeds:
        valid, content, what = hostile(seed)
        path = tmp_path / f"{seed}.csv"
        path.write_bytes(content)
        started = time.monotonic()
        for door in ("read", "audit"):
            try:
                if door == "audit":
                    perjoule.audit(path)
                    continue
                found = energies(valid, path, seed)
                wrong = [each for each in found if not valid.truth(*each)]
                faults["wrong_joules"] += bool(wrong)
                examples += [f"{seed} {what}: {wrong[:3]}"] if wrong else []
            except PerjouleError as error:
                refused += door == "read"
                assert "\n" not in str(error), what
            except Exception as error:  # noqa: BLE001 - any other is a traceback
                faults["tracebacks"] += 1
                examples.append(f"{seed} {what} {door}: {error!r}")
        faults["hangs"] += time.monotonic() - started > MOST_S
    if examples:
        print(*examples, sep="\n")
    tally("hostile tables", len(seeds), **faults)
    assert refused < len(seeds) / 2  # most of them are read
