"""Processes of their own, so that no meter disturbs another.

They are started from a command line text and not from a file, since a meter that spawns processes
would run that file again in each of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

Process = subprocess.Popen[str]


def start(code: str, given: Any = None, **environment: str) -> Process:
    """Start Python on some code.

    Args:
        code: The code; the last line that it prints is its answer, in JSON.
        given: What it reads from its standard input, as one line of JSON.
        environment: Variables to set.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(given) + "\n")
    process.stdin.flush()
    return process


def call(function: Callable[..., Any], *arguments: Any) -> Process:
    """Start a process that calls a function of a module; what this returns is the answer."""
    module, name = function.__module__, function.__name__
    code = f"from {__name__} import serve; from {module} import {name}; serve({name})"
    return start(code, arguments)


def serve(function: Callable[..., Any]) -> None:
    """Be the process that `call` starts."""
    print(f"\n{json.dumps(function(*json.loads(sys.stdin.readline())))}")


def answer_of(process: Process) -> Any:
    """Wait for a process and return its answer.

    Raises:
        RuntimeError: It failed; the text ends with what it wrote to its standard error.
    """
    output, errors = process.communicate()
    if process.returncode or not output:
        raise RuntimeError(f"a process of the benchmark failed: {errors[-2_000:]}")
    return json.loads(output.splitlines()[-1])
