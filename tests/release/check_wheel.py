"""Build the distributions, and try the wheel where a user would have it.

    python tests/release/check_wheel.py [--python PATH ...] [--keep FOLDER]

Each interpreter gets an empty environment outside the tree, with the wheel and what it depends on
(from where uv is told to take it: UV_FIND_LINKS, UV_INDEX_URL, UV_TORCH_BACKEND=cpu). Then commands
are run without a network, as a user who owns nothing but the current folder and has no home. That
takes root; without it they are run as they are, which is said. Of PyTorch only a build for
processors is taken: where there is none, what needs no PyTorch is run alone, which is said too.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
NOBODY = 65534
TABLES = ("digits", "fashion-14", "fashion-mnist", "mnist-5k")
NEEDED = (
    "perjoule/__init__.pyi",
    "perjoule/api/__init__.pyi",
    "perjoule/energy/__init__.pyi",
    "perjoule/py.typed",
    "perjoule/benchmarks/CONTRACT.md",
    "perjoule/benchmarks/replay/ask_costs.json",
    "perjoule/reports/exports/references.bib",
    "perjoule/reports/templates/page.html.j2",
    "perjoule/reports/templates/js/core.js",
    "perjoule/reports/templates/sections/trials.html.j2",
    *(f"perjoule/benchmarks/recorded/{name}/trials.parquet" for name in TABLES),
)
FORBIDDEN = ("tests", "build", "docs", "examples", "packaging", "performance", "results", ".gpu")
WITH_TORCH = (
    ("compare --strategies random,one-epoch --seeds 1 --budget '6 J' --workers 1 --out run", (0,)),
    ("report run", (0,)),
    ("audit run", (0, 1)),
    ("tune --strategy random --budget '2 J' --out best", (0,)),
    ("export best", (0,)),
)
WITHOUT_TORCH = (
    ("--version", (0,)),
    ("--version --verbose", (0,)),
    ("--help", (0,)),
    ("doctor", (0,)),
    ("strategies", (0,)),
    ("study", (0,)),
    ("init", (0,)),
    ("measure -- true", (0,)),
)
ON_A_TABLE = (
    ("report {table} --html {name}.html --out {name}.csv", (0,)),
    ("audit {table}", (0, 1)),
)
REPLAYED = ("replay {table} --strategies random,asha --seeds 2 --workers 1", (0,))


class CheckError(Exception):
    """Something is not as it has to be."""


@dataclass(frozen=True)
class Place:
    """An environment with the wheel, and the folder in which commands are run."""

    python: Path
    scratch: Path
    has_torch: bool

    def run(self, command, *, expected=(0,)):
        """Run a command line as a stranger; print what it was and how it ended."""
        words = ["env", "-i", f"PATH={self.python.parent}:/usr/bin:/bin", "HOME=/nonexistent",
                 "LANG=C.UTF-8", "sh", "-c", command]  # fmt: skip
        began_s = time.perf_counter()
        ended = subprocess.run(
            [*stranger(), *words], cwd=self.scratch, capture_output=True, text=True, check=False
        )
        took_s = time.perf_counter() - began_s
        lines = [each for each in ended.stdout.splitlines() if each.strip()]
        told = lines[-1].strip()[:60] if lines else ""
        print(f"  {ended.returncode} {took_s:6.1f} s  {command}  | {told}", flush=True)
        if ended.returncode not in expected or "Traceback" in ended.stderr:
            raise CheckError(f"{command}: exit code {ended.returncode}\n{ended.stderr[-3000:]}")
        return ended.stdout


def stranger():
    """What runs a command without a network, as somebody who owns nothing."""
    if os.name != "posix" or os.geteuid() or not shutil.which("unshare"):
        return []
    alone = ["unshare", "--net"]
    return [*alone, "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def run(*command, cwd=None):
    """Run one of our own tools; return what it printed."""
    ended = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise CheckError(f"{' '.join(map(str, command))}\n{(ended.stdout + ended.stderr)[-4000:]}")
    return ended.stdout


def build(folder):
    """The sdist and the wheel made of it; that made of the tree has to hold the same."""
    tree = folder / "tree"
    names = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in names:
        if (ROOT / name).is_file():  # not one that was removed, nor a folder that is linked
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    dist, direct = folder / "dist", folder / "direct"
    told = run(sys.executable, "-m", "build", "--outdir", dist, tree)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", direct, tree)
    [wheel], [other] = dist.glob("*.whl"), direct.glob("*.whl")
    if contents(wheel) != contents(other):
        raise CheckError("the wheel made of the sdist is not that made of the tree")
    if "would be ignored" in told or "SetuptoolsDeprecationWarning" in told:
        raise CheckError(f"setuptools warns:\n{told[-3000:]}")
    print(run(sys.executable, "-m", "twine", "check", "--strict", *sorted(dist.iterdir())).strip())
    for path in sorted(dist.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
    return wheel


def contents(wheel):
    """The hash of each file in a wheel but of its own list of hashes."""
    with zipfile.ZipFile(wheel) as opened:
        return {
            name: hashlib.sha256(opened.read(name)).hexdigest()
            for name in opened.namelist()
            if not name.endswith("/RECORD")
        }


def check_contents(wheel):
    """All that is needed is in the wheel, and nothing else."""
    names = contents(wheel)
    missing = [each for each in NEEDED if each not in names]
    page = [each for each in names if each.endswith("share/man/man1/perjoule.1")]
    odd = [each for each in names if set(Path(each).parts) & set(FORBIDDEN)]
    if missing or odd or len(page) != 1:
        raise CheckError(f"wheel: missing {missing}, pages of the manual {page}, forbidden {odd}")
    print(f"{wheel.name}: {len(names)} files, all that is needed and nothing of {FORBIDDEN}")


def interpreters(asked):
    """The interpreters to try, by what they say of themselves."""
    named = asked or [shutil.which(f"python{version}") or "" for version in VERSIONS]
    found = {}
    for path in filter(None, named):
        script = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
        ended = subprocess.run([path, "-c", script], capture_output=True, text=True, check=False)
        if not ended.returncode:
            found[ended.stdout.strip()] = Path(path)
    minors = {each.rpartition(".")[0] for each in found}
    for version in VERSIONS:
        if version not in minors:
            print(f"Python {version}: not tried, {'not asked for' if asked else 'none is here'}")
    return found


def install(python, wheel, folder):
    """An environment that holds the wheel and what it needs, and nothing else."""
    environment, scratch = folder / "environment", folder / "scratch"
    run("uv", "venv", "--quiet", "--python", python, environment)
    inside = environment / "bin" / "python"
    torch = torch_for(inside)
    needs = folder / "needs.txt"
    needs.write_text("\n".join(requirements(wheel, with_torch=torch is not None)), "utf-8")
    pip = ("uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", inside)
    run(*pip, "-r", needs, *([torch] if torch else []))
    run(*pip, "--no-deps", wheel)
    scratch.mkdir()
    if stranger():
        os.chown(scratch, NOBODY, NOBODY)
    print(
        f"  {'with ' + torch if torch else 'without PyTorch: no build for processors is to be had'}"
    )
    return Place(inside, scratch, torch is not None)


def torch_for(python):
    """The PyTorch for processors that this interpreter can have; None if there is none."""
    wanted = next(each for each in project_needs() if each.startswith("torch>"))
    asked = subprocess.run(
        ["uv", "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate",
         "--python", python, "-"],
        input=wanted, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = asked.stdout.strip()
    is_cuda = platform.system() == "Linux" and platform.machine() == "x86_64" and "+" not in found
    return None if asked.returncode or is_cuda else found


def project_needs():
    """What the project depends on."""
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]


def requirements(wheel, *, with_torch):
    """What the wheel says that it needs, without PyTorch if that is not to be had."""
    with zipfile.ZipFile(wheel) as opened:
        name = next(each for each in opened.namelist() if each.endswith(".dist-info/METADATA"))
        lines = opened.read(name).decode().splitlines()
    told = [each.partition(": ")[2] for each in lines if each.startswith("Requires-Dist: ")]
    told = [each for each in told if "extra ==" not in each]
    return told if with_torch else [each for each in told if not each.startswith("torch")]


def snapshot(folder):
    """All files of a folder with their sizes and times."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def try_commands(place):
    """Run what a user would; the environment has to be as it was afterwards."""
    environment = place.python.parents[1]
    before = snapshot(environment)
    script = "import perjoule, pathlib; print(pathlib.Path(perjoule.__file__).parent)"
    installed = Path(place.run(f'python -c "{script}"').strip())
    if not installed.is_relative_to(environment):
        raise CheckError(f"perjoule was imported from {installed}")
    for command, expected in WITHOUT_TORCH:
        place.run(f"perjoule {command}", expected=expected)
    for name in TABLES if place.has_torch else TABLES[:1]:
        table = installed / "benchmarks" / "recorded" / name
        for command, expected in (*ON_A_TABLE, *([REPLAYED] if place.has_torch else [])):
            place.run(f"perjoule {command.format(table=table, name=name)}", expected=expected)
    if place.has_torch:
        for command, expected in WITH_TORCH:
            place.run(f"perjoule {command}", expected=expected)
    words = "COMP_WORDS='perjoule study lay' COMP_CWORD=2"
    if "layers" not in place.run(f"{words} _PERJOULE_COMPLETE=complete_bash perjoule"):
        raise CheckError("the shell is told no completion")
    if not (environment / "share" / "man" / "man1" / "perjoule.1").is_file():
        raise CheckError("there is no page of the manual")
    if snapshot(environment) != before:
        raise CheckError("a command has written into the environment")
    print("  the environment is as it was before")


def main():
    """Build, check, and try with each interpreter."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", action="append", help="an interpreter; else all that are here")
    parser.add_argument("--keep", type=Path, help="folder for the distributions")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="perjoule-release-"))
    folder.chmod(0o755)
    try:
        wheel = build(folder)
        check_contents(wheel)
        how = " ".join(stranger()) or "nothing: as you, with the network that is here"
        print(f"commands run under: {how}")
        for version, python in interpreters(given.python).items():
            print(f"Python {version} ({python})", flush=True)
            own = folder / version
            own.mkdir()
            try_commands(install(python, wheel, own))
            shutil.rmtree(own, ignore_errors=True)
        if given.keep:
            shutil.copytree(wheel.parent, given.keep, dirs_exist_ok=True)
    except CheckError as error:
        sys.exit(f"release check failed: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("release check: all is well")


if __name__ == "__main__":
    main()
