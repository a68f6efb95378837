"""The pytest plugin: ``pytest --joules`` tells the joules of each test.

Every pytest loads this module where perjoule is installed, so it imports nothing; what meters is in
`metered_tests`, which is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

MARKER = (
    'joules(budget): fail the test if it uses more than the budget, such as "2 J"; looked at when '
    "tests are metered, with --joules"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("joules", "joules of tests (perjoule)")
    group.addoption("--joules", action="store_true", help="Meter each test and list the joules.")
    group.addoption(
        "--joules-top", type=int, default=10, metavar="N", help="How many tests to list."
    )
    group.addoption(
        "--joules-budget",
        metavar="AMOUNT",
        help='Fail tests that use more, such as "5 J", or whose joules are not known.',
    )
    group.addoption("--joules-json", metavar="FILE", help="Write the joules of all tests to it.")
    group.addoption(
        "--joules-meter", default="auto", metavar="METER", help="What to meter with (auto)."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and meter if that is asked for."""
    config.addinivalue_line("markers", MARKER)
    given = [config.getoption(name) for name in ("joules_budget", "joules_json")]
    is_wanted = config.getoption("joules") or any(each is not None for each in given)
    if is_wanted and not config.option.collectonly:
        from .metered_tests import MeteredTests

        config.pluginmanager.register(MeteredTests(config), "perjoule-metered-tests")
