"""Logs of Zeus and the runs of BUTTER-E."""

import pytest

ZEUS = "start_time,window_name,elapsed_time,gpu0_energy,gpu1_energy\n"
BUTTER_E = (
    "run_id,experiment_id,slurm_job_id,start_time,update_time,node,size,depth,shape,dataset,"
    "learning_rate,batch_size,optimizer,is_gpu,batch,energy,run_time,filter,power\n"
)
TRAINING = (
    "{run},1876157,8,2022-07-29 05:30:24.5-06:00,2022-07-29 05:32:37-06:00,r1i6n18,256,3,rectangle,"
    "529_pollen,0.0001,256,Adam,{gpu},energy_1,{energy},132.909284,{filter},274.855896\n"
)


def training(run="a", gpu="False", energy="36530.898438", rejected="False") -> str:
    return TRAINING.format(run=run, gpu=gpu, energy=energy, filter=rejected)


def test_a_window_is_a_trial_and_its_name_a_run(write, imported):
    path = write(
        f"{ZEUS}1714557600.5,epoch,10.0,100.0,50.0\n1714557610.5,epoch,12.5,120.0,60.5\n"
        "1714557600.5,training,22.5,220.0,110.5\n"
    )
    table = imported("zeus", path)
    trials = table.trials
    assert list(trials["energy_j"]) == list(trials["gpu_j"]) == [150.0, 180.5, 330.5]
    assert list(trials["run"]) == list(trials["strategy"]) == ["epoch", "epoch", "training"]
    assert list(trials["trial"]) == [0, 1, 0]
    assert list(trials["duration_s"]) == [10.0, 12.5, 22.5]
    assert f"{trials['started_at'][0]}" == "2024-05-01 10:00:00.500000+00:00"
    assert list(trials["g.window"]) == ["epoch", "epoch", "training"]
    assert trials["energy_kind"].isna().all()  # the log does not tell counter and integral apart
    overlap = "windows overlap: joules of different runs must not be added"
    assert table.notes == (f"{overlap} (1 row, first: {path}, row 3)",)


def test_zero_joules_of_zeus_are_not_known_to_be_nothing(imported):
    rows = "1714557600,step,0.05,0.0,3.0\n1714557601,step,2,9.0,-1.0\n"
    table = imported("zeus", ZEUS + rows)
    assert table.trials["energy_j"].isna().all()
    assert table.trials["message"][0].startswith("gpu0_energy is 0 J, as Zeus logs of a window too")
    assert table.trials["message"][1] == "gpu1_energy is negative: the energy is not known"
    assert len(table.notes) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("start_time,window_name,elapsed_time\n0,a,1\n", "are not of ZeusMonitor's log"),
        (ZEUS.replace("gpu1_energy", "cpu0_energy"), "are not of ZeusMonitor's log"),
        (ZEUS.replace("start_time", "time"), "no column start_time among"),
        (ZEUS + "1,a,b,2,3,4\n", "row 1: 6 cells where the header has 5"),  # a comma in a name
        (ZEUS + "1,,2,3,4\n", "row 1, column window_name: '' is empty"),
        (ZEUS + "1e30,a,2,3,4\n", "row 1, column start_time: '1e30' is no time"),
    ],
)
def test_a_log_that_is_none_says_where_and_why(refused, text, reason):
    refused("zeus", text, reason)


def test_a_training_of_butter_e_is_a_trial(imported):
    second = training("b", gpu="True", energy="60000", rejected="True")
    table = imported("butter-e", BUTTER_E + training("a") + second)
    trials = table.trials
    assert list(trials["energy_j"]) == list(trials["node_j"]) == [36530.898438, 60000.0]
    assert list(trials["run"]) == ["a", "b"]
    assert list(trials["seed"]) == [0, 1]
    first = trials.to_dict("records")[0]
    assert (first["strategy"], first["energy_kind"]) == ("energy_1", "integrated")
    assert first["duration_s"] == 132.909284
    assert f"{first['started_at']}" == "2022-07-29 11:30:24.500000+00:00"
    assert [first[f"p.{name}"] for name in ("size", "depth", "shape")] == [256, 3, "rectangle"]
    assert [first[f"p.{name}"] for name in ("learning_rate", "batch_size")] == [0.0001, 256]
    assert (first["g.dataset"], first["g.node"]) == ("529_pollen", "r1i6n18")
    assert list(trials["g.is_gpu"]) == [False, True]
    assert trials["score"].isna().all()
    assert list(trials["message"].isna()) == [True, False]
    assert table.notes[0].startswith("rejected by the quality filter of its authors (1 row, first:")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("run_id,energy\n", "no column start_time .*: give runs_with_standardized_energy.csv, wi"),
        (BUTTER_E + training(energy="0.0101"), "row 1, column energy: '0.0101' .* is it in kWh"),
        (BUTTER_E + training(energy="0"), "row 1, column energy: '0' is no energy in joules"),
        (BUTTER_E + training(gpu="maybe"), "column is_gpu: 'maybe' is neither True nor False"),
        (BUTTER_E + training(run=""), "row 1, column run_id: '' is empty"),
        (BUTTER_E + training().replace(",256,3,", ",256,3.5,"), "depth: '3.5' is no whole number"),
    ],
)
def test_another_layout_says_what_is_expected(refused, text, reason):
    refused("butter-e", text, reason)
