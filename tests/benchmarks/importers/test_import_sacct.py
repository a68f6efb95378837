"""Jobs of Slurm."""

import re

import pytest

HEADER = (
    "JobID|JobName|State|Start|Elapsed|ConsumedEnergyRaw|NNodes|NodeList|AllocTRES|SubmitLine\n"
)


def job(
    number: str,
    name: str = "lr=0.1",
    state: str = "COMPLETED",
    energy: object = "",
    elapsed: str = "00:10:00",
    start: str = "2026-03-01T10:00:00",
    nodes: str = "nid001",
    n_nodes: int = 1,
    cpus: int = 128,
    submitted: str = "sbatch job.sh",
) -> str:
    tres = f"billing={cpus},cpu={cpus},energy=7,node={n_nodes}"
    facts = (number, name, state, start, elapsed, energy, n_nodes, nodes, tres, submitted)
    return "|".join(map(str, facts)) + "\n"


def test_a_job_is_a_trial_whose_steps_are_never_added(imported):
    text = HEADER + job("7_0", "mlp,lr=0.1,units=32", energy=240_000)
    for step, energy_j in (("batch", 100_000), ("extern", 240_000), ("0", 140_000)):
        text += job(f"7_0.{step}", step, energy=energy_j)
    text += job("7_1", "mlp,lr=1e-3_units=64 act=relu", "FAILED", 60_000, "1-00:00:10", n_nodes=2)
    text = text.replace("1-00:00:10|60000", "00:01:40|60000")
    table = imported("sacct", text)
    trials = table.trials
    assert list(trials["energy_j"]) == list(trials["node_j"]) == [240_000, 60_000]
    assert list(trials["energy_kind"]) == ["measured", "measured"]
    assert list(trials["state"]) == ["complete", "failed"]
    assert list(trials["run"]) == list(trials["strategy"]) == ["mlp", "mlp"]
    assert list(trials["trial"]) == [0, 1]
    assert list(trials["duration_s"]) == [600.0, 100.0]
    assert f"{trials['started_at'][0]}" == "2026-03-01 10:00:00+00:00"
    assert list(trials["p.lr"]) == [0.1, 0.001]
    assert list(trials["p.units"]) == [32, 64]
    assert trials["p.act"][1] == "relu"
    assert trials["p.act"].isna()[0]
    assert list(trials["p.slurm_job"]) == ["7_0", "7_1"]
    assert trials["cpu_j"].isna().all()


@pytest.mark.parametrize(
    ("energies", "expected", "note"),
    [
        (("", "", ""), None, "as of a cluster without an energy plugin: unknown"),
        (("0", "0", "0"), None, "without an energy plugin"),
        (("18446744073709551614", "", ""), None, "50,000 W a node is impossible"),
        (("1", "", ""), None, r"a node is impossible: .* \(1 row, first: .*, row 1, 0.00167 W\)"),
        (("200000", "18446744073709551614", ""), 200_000, ""),
        (("200000", "300000", ""), None, "a step has more joules than its job"),
        (("", "100000", "200000"), 200_000, "those of its largest step are a lower bound"),
        (("200.5K", "", ""), 200_500, ""),
    ],
)
def test_joules_that_are_not_known_are_never_zero(imported, energies, expected, note):
    whole, batch, step = energies
    text = HEADER.replace("EnergyRaw", "Energy") + job("7", energy=whole)
    text += job("7.batch", "batch", energy=batch) + job("7.0", "python", energy=step)
    table = imported("sacct", text)
    [trial] = table.trials.to_dict("records")
    if expected is None:
        assert trial["energy_j"] != trial["energy_j"]  # it is no number
        assert trial["energy_kind"] is None
    else:
        assert trial["energy_j"] == expected
        assert trial["energy_kind"] == ("lower bound" if note else "measured")
    assert re.search(note, " ".join(table.notes))
    assert trial["message"] is None


def test_jobs_that_share_a_node_are_told(imported):
    alone = "2026-03-01T12:00:00"
    text = HEADER + "".join(
        [
            job("1", "a", energy=90_000, nodes="nid[001-003]", n_nodes=3),
            job("2", "b", energy=90_000, nodes="nid003", start="2026-03-01T10:05:00"),
            job("3", "c", energy=90_000, nodes="nid003", start=alone),
            job("4", "d", energy=90_000, nodes="gpu7", submitted="sbatch --exclusive job.sh"),
            job("5", "e", energy=90_000, nodes="gpu7", cpus=8, start=alone),  # of 128
        ]
    )
    table = imported(
        "sacct",
        text.replace("|3|nid[001-003]|billing=128,cpu=128", "|3|nid[001-003]|billing=384,cpu=384"),
    )
    trials = table.trials
    exclusive = dict(zip(trials["p.slurm_job"], trials["p.slurm_exclusive"], strict=True))
    assert [exclusive[number] for number in (1, 2, 4, 5)] == [False, False, True, False]
    assert trials["p.slurm_exclusive"].isna().tolist() == [False, False, True, False, False]
    shared = text.replace("--exclusive job.sh", "--exclusive=user job.sh")
    [of_user] = imported("sacct", shared).trials.query("`p.slurm_job` == 4").to_dict("records")
    assert of_user["p.slurm_exclusive"] is not True
    assert any("the same nodes: their joules are in these (3 rows" in n for n in table.notes)


def test_jobs_that_are_not_over_and_steps_alone_are_left_out(imported):
    text = HEADER + "".join(
        [
            job("1", state="RUNNING", energy=5),
            job("1.batch", "batch", state="RUNNING"),
            job("2_[3-9]", state="PENDING", start="Unknown", elapsed="00:00:00"),
            job("3", state="CANCELLED by 1000", start="None", elapsed="00:00:00"),
            job("4.0", "python", energy=90_000),
            job("5", "sweep", "TIMEOUT", energy=90_000, start="Unknown"),
        ]
    )
    table = imported("sacct", text)
    [trial] = table.trials.to_dict("records")
    assert (trial["p.slurm_job"], trial["state"]) == (5, "interrupted")
    assert trial["message"] == "TIMEOUT"
    assert "a job that waits, runs or never ran is left out (3 rows, first:" in table.notes[0]
    assert any("a step without its job's row" in note for note in table.notes)


def test_a_job_without_a_name_is_called_after_its_file(write, imported):
    path = write("JobID|State|ElapsedRaw|ConsumedEnergyRaw\n1|COMPLETED|100|9000\n", "jobs.txt")
    assert list(imported("sacct", path).trials["strategy"]) == ["jobs"]


def test_comments_hold_hyperparameters_too_and_files_tell_runs_apart(write, imported):
    header = "JobID|JobName|Comment|State|ElapsedRaw|ConsumedEnergyRaw\n"
    paths = [
        write(f"{header}{n}|train|lr=0.{n};seed={n}|COMPLETED|100|9000\n", f"{n}.txt")
        for n in (1, 2)
    ]
    trials = imported("sacct", paths, strategy="grid").trials
    assert list(trials["run"]) == ["1:train", "2:train"]
    assert list(trials["p.lr"]) == [0.1, 0.2]
    assert set(trials["strategy"]) == {"grid"}
    assert trials["p.slurm_exclusive"].isna().all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("JobID|JobName|State|Elapsed\n1|a|COMPLETED|00:01:00\n", "no column ConsumedEnergyRaw or"),
        ("JobID,State\n1,COMPLETED\n", "no column Elapsed or ElapsedRaw among"),
        ("JobID|Elapsed\n1|00:01:00\n", "no column State .* --format=JobID,JobName,State,Start,El"),
        (HEADER + job("1", elapsed="INVALID"), "row 1, column Elapsed: 'INVALID' is no time such"),
        (HEADER + job("1", energy="-5"), "column ConsumedEnergyRaw: '-5' is no energy in joules"),
        (HEADER + job("1", nodes="nid[0-99999]"), "names more than 20,000 nodes"),
        (HEADER + job("1", state="PENDING"), "no trials in it"),
    ],
)
def test_what_sacct_does_not_write_is_refused(refused, text, reason):
    refused("sacct", text, reason)
