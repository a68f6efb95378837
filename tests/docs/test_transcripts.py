"""Transcripts and command lines are compared as pages say."""

import pytest

from .commands import command_lines, fault_of
from .pages import Page
from .transcripts import run_transcript


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("script", "told", "agrees"),
    [
        ("echo took 12.5 s, 3 of 4", "took 4 ms, 1 of 2", True),
        ("echo took 12.5 s", "took 12.5 J", False),
        ("printf 'a\\nb\\nc\\n'", "a\n...\nc", True),
        ("printf 'a\\nb\\nc\\n'", "a\n...", True),
        ("printf 'a\\nb\\nc\\n'", "a\nc", False),
        ("echo │ a │ ━━━; echo oops >&2", "│  a  │ ━\noops", True),
        ("pwd", "/home/me", True),
        ("cat <<'END'\nx\nEND", "x", True),
        ("echo a \\\n  b", "a b", True),
        ("false  # exit 1", "", True),
    ],
)
def test_what_a_command_prints_is_compared(script, told, agrees):
    found = run_transcript(f"$ {script}\n{told}\n")
    assert found.failure is None
    assert (found.difference is None) == agrees


def test_an_exit_status_is_what_the_page_says():
    assert "ended with 3, not 0" in run_transcript("$ exit 3\n").failure


def test_an_example_is_compared_by_its_frame():
    script = "$ printf 'Meter: 1\\n┃ a ┃\\nb won\\nReport: 2\\n'\n"
    assert (
        run_transcript(f"{script}Meter: 2\n┃ a ┃\na won\nReport: 1\n", example=True).difference
        is None
    )
    assert run_transcript(f"{script}Meter: 2\n┃ b ┃\nb won\nReport: 1\n", example=True).difference


def test_a_page_is_renewed(tmp_path):
    page = tmp_path / "page.md"
    text = """# A page

```text title="a.txt"
one
two
```

<!-- transcript -->
```console
$ wc -l < a.txt
7

$ cat a.txt
...
three
```

```python
from pathlib import Path

assert Path("a.txt").read_text() == "one\\ntwo\\n"
```
"""
    page.write_text(text)
    with pytest.raises(Exception, match=r"(?s)-three.*\+one.*RENEW_DOCS=1"):
        Page(page).run()
    Page(page).run(renew=True)
    assert page.read_text() == text.replace("\n7\n", "\n2\n").replace("...\nthree", "one\ntwo")
    Page(page).run()


def test_command_lines_are_found_and_held_against_the_program():
    text = """
FOO=1 perjoule compare --budget "6 kJ" \\
    --seeds 10 | tail -1   # a comment
.venv/bin/perjoule doctor && python -m perjoule report a.csv --jsn b
cd perjoule; perjoule --version; perjoule frobnicate > out
"""
    found = [*command_lines("sh", text)]
    assert found == [
        ["compare", "--budget", "6 kJ", "--seeds", "10"],
        ["doctor"],
        ["report", "a.csv", "--jsn", "b"],
        ["--version"],
        ["frobnicate"],
    ]
    faults = [fault_of(words) for words in found]
    assert [fault is None for fault in faults] == [True, True, False, True, False]
    assert "--jsn" in faults[2]
    assert "frobnicate" in faults[4]
