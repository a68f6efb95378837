"""Files that are bombs or no files at all, through every command that takes a file.

Each case is a command line of a process of its own, whose memory and time are watched.
"""

import gzip
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MOST_S = 10.0
"""The most that a refusal may take; a busy machine gets thrice that."""
MOST_KIB = 1_500_000
PATIENCE = 3.0
COLUMNS = "strategy,seed,energy_j,score,p.x"


def _sparse(path, head=b""):
    """A file of 64 GiB that takes no room."""
    path.write_bytes(head)
    os.truncate(path, 64 << 30)


def _bomb_yaml(path):
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    path.write_text("\n".join([*lines, "seeds: *a29"]))


def _table(path, rows=2, **columns):
    usual = {"strategy": ["a", "b"], "seed": [0, 1], "energy_j": [1.0, 2.0], "score": [0.5, 0.6]}
    pq.write_table(
        pa.table({name: cells[:rows] for name, cells in (usual | columns).items()}), path
    )


def _repeated_text(path):
    """One text of a megabyte, repeated two hundred thousand times by its dictionary."""
    n = 200_000
    index = pa.array([0] * n, pa.int32())
    text = pa.DictionaryArray.from_arrays(index, pa.array(["x" * 1_000_000]))
    columns = {
        "strategy": text,
        "seed": index,
        "energy_j": pa.array([1.0] * n),
        "score": pa.array([0.5] * n),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def _repeated_number(path):
    n = 30_000_000
    columns = {"strategy": ["a"] * 3, "seed": [0] * 3, "score": [0.1] * 3, "energy_j": [1.0] * 3}
    part = pa.table({name: pa.array(cells[:1] * 1_000_000) for name, cells in columns.items()})
    with pq.ParquetWriter(path, part.schema, compression="zstd") as writer:
        for _ in range(n // 1_000_000):
            writer.write_table(part)


def _many_in_a_list(path):
    numbers = pa.array([0.0] * 30_000_000)
    offsets = pa.array([0, len(numbers)], pa.int32())
    nested = pa.ListArray.from_arrays(offsets, numbers)
    columns = {"strategy": ["a"], "seed": [0], "energy_j": [1.0], "score": [0.5], "p.x": nested}
    pq.write_table(pa.table(columns), path, compression="zstd")


def _described(path, text):
    schema = pa.schema(
        [("strategy", pa.string()), ("energy_j", pa.float64()), ("score", pa.float64())],
        metadata={b"perjoule_table": b"1", b"perjoule_description": text.encode()},
    )
    pq.write_table(schema.empty_table(), path)


def _weights_bomb(path):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("best/data.pkl", "w", force_zip64=True) as file,
    ):
        for _ in range(1_500):
            file.write(bytes(1 << 20))


def _device(path, of="/dev/zero"):
    path.symlink_to(of)


SEEDS = "experiment: {seeds: [" + ",".join(map(str, range(1_000_000))) + "]}\n"
DEEP = "[" * 200_000
ODD = {
    "zeros": _device,
    "urandom": lambda path: _device(path, "/dev/urandom"),
    "terminal": lambda path: _device(path, "/dev/tty0"),
    "pipe": os.mkfifo,
    "loop": lambda path: path.symlink_to(path.name),
    "folder": os.mkdir,
    "holes": _sparse,
    "unreadable": lambda path: path.symlink_to("/proc/self/mem"),
}
"""What is no file of a sane size, for whatever reads it."""
TABLES = ODD | {
    "columns.csv": lambda path: path.write_text(
        COLUMNS + "".join(f",x{i}" for i in range(50_000)) + "\na,0,1,0.5,1" + ",1" * 50_000 + "\n"
    ),
    "columns.parquet": lambda path: _table(path, **{f"x{i}": [1, 2] for i in range(3_000)}),
    "line.csv": lambda path: path.write_text(f"{COLUMNS}\na,0,1,0.5,{'9' * 60_000_000}\n"),
    "header.csv": lambda path: path.write_text("x" * 60_000_000),
    "cells.csv": lambda path: path.write_text(f"{COLUMNS}\n" + "a,0,1,.5,1\n" * 5_500_000),
    "quote.csv": lambda path: path.write_text(f'{COLUMNS}\na,0,1,0.5,"' + "x,\n" * 9_000_000),
    "holes.csv": lambda path: _sparse(path, f"{COLUMNS}\na,0,1,0.5,1\n".encode()),
    "packed.csv": lambda path: path.write_bytes(gzip.compress(bytes(400_000_000))),
    "text.parquet": _repeated_text,
    "numbers.parquet": _repeated_number,
    "list.parquet": _many_in_a_list,
    "holes.parquet": lambda path: _sparse(path, b"PAR1"),
    "seeds.parquet": lambda path: _described(path, f'{{"x": {SEEDS.count(",") * [1]}}}'),
    "huge.csv": lambda path: path.write_text(f"{COLUMNS}\na,0,1e999999,0.5,1\n"),
    "digits.csv": lambda path: path.write_text(f"{COLUMNS}\na,0,{'9' * 100_000},0.5,1\n"),
}
TEXTS = ODD | {
    "seeds": lambda path: path.write_text(SEEDS),
    "bomb": _bomb_yaml,
    "deep": lambda path: path.write_text(f"space: {DEEP}"),
    "digits": lambda path: path.write_text(f"seeds: {'9' * 100_000}"),
    "huge": lambda path: path.write_text("seeds: 1e999999"),
}
JSON = ODD | {
    "seeds": lambda path: path.write_text('{"params": [' + "1," * 40_000_000 + "1]}\n"),
    "deep": lambda path: path.write_text(f"{DEEP}\n"),
    "deep enough": lambda path: path.write_text("[" * 900 + "]" * 900 + "\n"),
    "digits": lambda path: path.write_text(f'{{"shape": {"9" * 100_000}}}\n'),
    "huge": lambda path: path.write_text('{"event": "begun", "shape": 1e999999}\n'),
}
USUAL = ("--budget=1 J", "--meter=model", "--out=new")
COMMANDS = {
    "report": (("report", "{}"), TABLES),
    "audit": (("audit", "{}"), TABLES),
    "replay": (("replay", "{}", "--budget=1 J"), TABLES),
    "project": (("project", "{}"), TABLES),
    "study": (("study", "strategies", "--from", "{}"), TABLES),
    "codecarbon": (("import", "codecarbon", "{}", "--out=new.csv"), TABLES),
    "nvidia-smi": (("import", "nvidia-smi", "{}", "--out=new.csv"), TABLES),
    "zeus": (("import", "zeus", "{}", "--out=new.csv"), TABLES),
    "optuna": (("import", "optuna", "{}", "--energy-attr=j", "--out=new.csv"), TABLES | JSON),
    "trace": (("measure", "--meter=replay:{}", "--", "true"), TABLES),
    "pairs": (("calibrate", "--pairs={}"), TABLES),
    "compare": (("compare", "{}", *USUAL), TEXTS),
    "tune": (("tune", "{}", *USUAL), TEXTS),
    "space": (("tune", "--space={}", *USUAL), TEXTS),
    "npz": (("tune", "--dataset=npz:{}", *USUAL), ODD),
}
IN_FOLDERS = {
    "experiment.yaml": (("report", "{}"), TEXTS),
    "study.yaml": (("report", "{}"), TEXTS),
    "ledger.jsonl": (("report", "{}"), JSON),
    "trials.parquet": (("audit", "{}"), TABLES),
    "best.json": (("export", "{}"), JSON),
    "best.pt": (("export", "{}"), ODD | {"packed": _weights_bomb}),
}
"""Of a folder, the file that is bad."""
BESIDE = {
    "ledger.jsonl": {"experiment.yaml": "experiment: {}\nkeep_weights: false\n"},
    "best.pt": {
        "best.json": json.dumps(
            {
                "architecture": "cnn",
                "params": {"depth": 1, "width": 8},
                "shape": [1, 8, 8],
                "n_classes": 2,
                "normalisation": {"mean": [0.0], "deviation": [1.0]},
                "class_names": ["a", "b"],
            }
        )
    },
}
"""What stands beside it, so that it is come to."""
CASES = [
    (name, command, kind, make, None)
    for name, (command, kinds) in COMMANDS.items()
    for kind, make in kinds.items()
] + [
    (name, command, kind, make, name)
    for name, (command, kinds) in IN_FOLDERS.items()
    for kind, make in kinds.items()
]
# Runs the command, and tells the most memory that it took.
WATCH = r"""
import pathlib, re, runpy
try:
    runpy.run_module("perjoule", run_name="__main__")
finally:
    told = pathlib.Path("/proc/self/status").read_text()
    pathlib.Path(".memory").write_text(re.search(r"VmHWM:\s*(\d+)", told)[1])
"""


def ended(arguments, cwd):
    """Exit code (None if it hung), stderr, seconds and KiB of a command line."""
    command = [sys.executable, "-c", WATCH, *arguments]
    began_s = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE * MOST_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None, "", time.monotonic() - began_s, 0
    memory = Path(cwd, ".memory")
    used = int(memory.read_text()) if memory.exists() else 0
    return done.returncode, done.stderr, time.monotonic() - began_s, used


@pytest.mark.skipif(sys.platform != "linux", reason="pipes, devices and holes of Linux")
def test_a_bomb_is_one_line_and_code_2(tmp_path, share_of, tally):
    drawn = random.Random(13).sample(CASES, share_of(len(CASES)))
    faults = dict.fromkeys(("tracebacks", "hangs", "too_much_memory", "other_codes"), 0)
    for number, (name, command, kind, make, place) in enumerate(drawn):
        home = tmp_path / str(number)
        home.mkdir()
        folder = home / "folder" if place else home
        folder.mkdir(exist_ok=True)
        usual = f"{kind}.yaml" if name == "space" else f"{kind}.csv"
        file = folder / (place or (kind if "." in kind else usual))
        for beside, text in BESIDE.get(place, {}).items():
            (folder / beside).write_text(text)
        make(file)
        target = str(folder if place else file)
        code, err, took_s, used = ended([each.format(target) for each in command], home)
        found = {
            "tracebacks": "Traceback" in err or code == 70,
            "hangs": code is None,
            "too_much_memory": used > MOST_KIB,
            "other_codes": code not in (2, None),
        }
        for fault, is_there in found.items():
            faults[fault] += is_there
        if any(found.values()) or took_s > MOST_S:
            print(f"{name} {kind}: code {code}, {took_s:.1f} s, {used >> 10} MiB: {err[-300:]}")
    tally("bombs and odd files", len(drawn), **faults)
