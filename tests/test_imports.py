"""The house as imports show it: no circle of files, and no room imports one above it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import perjoule

ROOT = Path(perjoule.__file__).parent
FLOORS = (
    ("errors", "files", "notebooks", "plain", "version"),
    ("energy",),
    ("models",),
    ("tuners",),
    ("benchmarks",),
    ("reports",),
    ("api",),
    ("cli",),
    ("__main__",),
)
"""What stands on what; a package or module imports those before it, and its own."""
ROOMS = {
    "tables": (),
    "statistics": ("tables",),
    "analysis": ("tables", "statistics"),
    "comparison": ("tables", "statistics", "analysis"),
    "studies": ("tables", "statistics", "analysis", "comparison"),
    "replay": ("tables", "statistics", "analysis", "comparison"),
    "importers": ("tables",),
    "audit": ("tables", "statistics", "comparison", "importers"),
}
"""Rooms of benchmarks, and which of them each may import."""
OUTSIDE = {"tests", "build", "docs", "packaging", "performance", ".venv"}


class Import(NamedTuple):
    """One module that another imports, and where."""

    where: str
    importer: str
    imported: str


def modules(root: Path) -> dict[str, Path]:
    """The modules of a package by their dotted names."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if not OUTSIDE & set(parts):
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def imports(root: Path) -> tuple[Import, ...]:
    """All imports of modules of the package, but those for type checkers alone."""
    return tuple(_imports(root))


def _imports(root: Path) -> Iterator[Import]:
    known = modules(root)
    for name, path in known.items():
        tree = ast.parse(path.read_text("utf-8"))
        hidden = set(_for_checkers(tree))
        for node in (each for each in ast.walk(tree) if each not in hidden):
            if isinstance(node, ast.ImportFrom) and node.level:
                package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
                base = package[: len(package) - node.level + 1]
                base += node.module.split(".") if node.module else []
                for alias in node.names:
                    full = ".".join(filter(None, [*base, alias.name]))
                    imported = full if full in known else ".".join(filter(None, base))
                    if imported != name:
                        where = f"{path.relative_to(root)}:{node.lineno}"
                        yield Import(where, name, imported)


def _for_checkers(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from ast.walk(node)


def upward(root: Path) -> list[str]:
    """Imports of a floor or room above the importer's."""
    floor_of = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    found = []
    for each in imports(root):
        here, there = each.importer.split("."), each.imported.split(".")
        low, high = floor_of.get(here[0]), floor_of.get(there[0])
        line = f"{each.where} imports {each.imported}"
        if low is not None and high is not None and high > low:
            found.append(line)
        if here[0] == there[0] == "benchmarks" and len(here) > 1 and len(there) > 1:
            room, other = here[1], there[1]
            if room != other and other in ROOMS and other not in ROOMS.get(room, ROOMS):
                found.append(line)
    return sorted(found)


def circles(root: Path) -> list[str]:
    """One line for every import that closes a circle: its place, and the way round."""
    graph: dict[str, dict[str, str]] = {name: {} for name in modules(root)}
    for each in imports(root):
        graph.setdefault(each.importer, {}).setdefault(each.imported, each.where)
    found, done = [], set()

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            circle = [*way[way.index(name) :], name]
            found.append(f"{graph[circle[-2]][name]} closes {' -> '.join(circle)}")
        elif name not in done:
            for imported in graph.get(name, {}):
                visit(imported, [*way, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found


def test_no_files_import_each_other_in_a_circle():
    assert circles(ROOT) == []


def test_no_room_imports_one_above_it():
    assert upward(ROOT) == []


def test_every_module_has_a_floor():
    known = {name for names in FLOORS for name in names}
    assert {name.split(".")[0] for name in modules(ROOT)} - {""} == known
    rooms = {path.parent.name for path in ROOT.glob("benchmarks/*/__init__.py")}
    assert rooms == set(ROOMS)


@pytest.fixture
def house(tmp_path):
    """A package of a few files."""

    def build(**files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return tmp_path

    return build


def test_the_offending_line_is_named(house):
    root = house(
        energy__a="\nfrom .b import x\n",
        energy__b="def f():\n    from .a import y\n",
        models__c="from ..tuners import d\n",
        tuners__d="",
    )
    assert circles(root) == ["energy/b.py:2 closes energy.a -> energy.b -> energy.a"]
    assert upward(root) == ["models/c.py:1 imports tuners.d"]
