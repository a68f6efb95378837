"""Joules per counted operation, followed through comparisons of which the truth is known."""

import dataclasses
import html
import statistics

import pytest

import perjoule
from perjoule.benchmarks.comparison.drift import drift_of
from perjoule.benchmarks.comparison.events import SliceEvent
from perjoule.benchmarks.comparison.ledger import Ledger
from perjoule.benchmarks.comparison.loading import load_table
from perjoule.benchmarks.comparison.work import report_work
from perjoule.models.outcome import State
from perjoule.reports.page import render
from perjoule.reports.terminal import print_analysis

from .drifting import events
from .ledgers import write_folder

STEP = {"n": 60, "level": lambda time, _: 1.35 if time >= 0.5 else 1.0}
APART = {"n": 60, "level": lambda _, worker: 1.5 if worker else 1.0}


@pytest.mark.parametrize(
    ("seeds", "given"), [(12, {}), (12, {"moving": 0.1}), (8, {"moving": 0.9})]
)
def test_honest_noise_and_other_sizes_are_no_drift(seeds, given):
    found = [drift_of(events(seed, **given)) for seed in range(seeds)]
    assert sum(each.is_large for each in found) <= 1
    assert sum(abs(each.over_time) < 0.12 for each in found) >= seeds - 2


def test_a_step_of_a_third_is_told_with_its_size():
    found = [drift_of(events(seed, **STEP)) for seed in range(10)]
    assert sum(each.is_large for each in found) >= 9
    assert 0.3 < statistics.median(each.over_time for each in found) < 0.4
    fallen = drift_of(events(0, n=60, level=lambda time, _: 0.7 if time >= 0.4 else 1.0))
    assert fallen.is_large
    assert "fewer joules later than earlier" in fallen.sentence


def test_slices_that_are_cut_off_at_their_first_steps_are_no_drift():
    for seed in range(6):
        known = [dataclasses.replace(each, epochs=2, setup_j=0.02) for each in events(seed, n=60)]
        # Where allotments end, there is joule after joule of setup and first steps.
        late = [
            dataclasses.replace(
                each,
                state=State.TRUNCATED,
                epochs=0,
                operations=2e5,
                energy_j=0.04,
                started_at=each.started_at + 7200,
            )
            for each in known[:20]
        ]
        long = [dataclasses.replace(each, energy_j=each.energy_j + 0.02) for each in known]
        found, alone = drift_of([*long, *late]), drift_of(long)
        assert not found.is_large and found == alone
        assert alone.over_time == pytest.approx(drift_of(events(seed, n=60)).over_time)


def test_workers_of_different_worth_are_told():
    found = [drift_of(events(seed, **APART)) for seed in range(6)]
    assert all(each.workers_differ and each.is_large for each in found)
    assert all(0.3 < each.between_workers < 0.7 for each in found)
    alike = [drift_of(events(seed)) for seed in range(6)]
    assert not any(each.is_large for each in alike)
    assert drift_of(events(0, workers=1)).between_workers is None


def test_of_too_few_or_counted_joules_nothing_is_told():
    assert drift_of(events(0, n=19)) is None
    counted = [
        dataclasses.replace(event, energy_j=event.operations * 1e-10, search_j=None)
        for event in events(0)
        if isinstance(event, SliceEvent)
    ]
    assert drift_of(counted) is None
    assert drift_of([dataclasses.replace(event, operations=None) for event in events(0)]) is None
    assert drift_of([dataclasses.replace(event, setup_j=None) for event in events(0)]) is None


def test_terminal_and_page_warn_in_the_same_sentence(tmp_path, capsys):
    experiment = {"strategies": ["tpe"], "seeds": 3, "budget_j": 1e6}
    write_folder(tmp_path, experiment)
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        for event in events(1, **STEP):
            ledger.append(event)
    table = load_table(tmp_path)
    analysis = perjoule.analyse(table)
    [warning] = [note for note in analysis.notes if "counted operation" in note]
    assert "Nothing is corrected" in warning
    print_analysis(analysis)
    assert warning in " ".join(capsys.readouterr().out.replace("\n", " ").split())
    page = html.unescape(render(table, analysis)).replace("\N{NO-BREAK SPACE}", " ")
    assert warning in page


def test_a_small_change_is_told_on_the_page_and_is_no_warning(tmp_path):
    work = report_work(events(3))
    assert work.drift is not None
    assert not work.drift.is_large
    assert "corrected" not in work.drift.sentence
    assert type(work).from_dict(work.to_dict()) == work


def test_a_comparison_counts_operations_and_names_its_worker(small):
    lines = (small.folder / "ledger.jsonl").read_text()
    assert '"operations": 0' not in lines
    assert '"operations": ' in lines
    assert '"worker": "' in lines
    assert small.summary["work"]["drift"] is None  # its joules are counted by its operations
