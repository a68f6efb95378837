"""The page of dependencies names all of them, and what is imported is one of them."""

import ast
import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from perjoule.docs.making.dependencies import COMES_WITH, PAGE, ROOT, WHY, named, stated

OUTSIDE = {"tests", "build", "docs", "examples", "packaging", "performance", ".venv"}
OPTIONAL = {"amdsmi": "comes with ROCm", "ipython": "is there in a notebook"}


def imported():
    """The modules of others that each file of the package imports, lazily too."""
    for path in ROOT.rglob("*.py"):
        if OUTSIDE & {*path.relative_to(ROOT).parts}:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            yield from ((name.partition(".")[0], path) for name in names)


def test_each_dependency_is_on_the_page_with_its_reason_and_no_other():
    names = [name for names in stated().values() for name in names]
    assert [name for name in names if name not in WHY] == []
    assert [*named(PAGE.read_text("utf-8"))] == names, "run perjoule.docs.making.dependencies"


def test_what_the_package_imports_is_a_dependency_or_comes_with_one():
    known = {name for names in stated().values() for name in names}
    owners = packages_distributions()
    missing = set()
    for module, path in imported():
        if module in sys.stdlib_module_names or module == "perjoule":
            continue
        names = {canonicalize_name(name) for name in owners.get(module, [module])}
        if not names & (known | COMES_WITH.keys() | OPTIONAL.keys()):
            missing.add((module, str(path.relative_to(ROOT))))
    assert missing == set()


@pytest.mark.parametrize(("brought", "by"), COMES_WITH.items())
def test_what_comes_with_a_dependency_is_required_by_it(brought, by):
    try:
        needed = [Requirement(each) for each in requires(by) or ()]
    except PackageNotFoundError:
        pytest.skip(f"{by} is not installed")
    always = [each for each in needed if not re.search("extra", str(each.marker or ""))]
    assert brought in {canonicalize_name(each.name) for each in always}
