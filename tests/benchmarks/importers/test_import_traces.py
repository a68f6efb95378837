"""Traces of nvidia-smi and wattmeters, integrated while they are read."""

import math
from itertools import accumulate

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.importers import import_table
from perjoule.energy.sources.recorded.files import read_trace
from perjoule.errors import ConfigurationError, DataError

SMI = "timestamp, index, name, power.draw [W], power.limit [W]\n"

steps = st.lists(st.tuples(st.floats(1e-3, 100.0), st.floats(0.0, 1e4)), min_size=2, max_size=40)


def one(table) -> dict:
    [trial] = table.trials.to_dict("records")
    return trial


@settings(max_examples=30, deadline=None)
@given(steps=steps, share=st.floats(0.0, 0.5), is_power=st.booleans())
def test_the_stream_gives_what_the_whole_trace_does(tmp_path_factory, steps, share, is_power):
    times_s = list(accumulate(step_s for step_s, _ in steps))
    values = [value for _, value in steps]
    values = values if is_power else list(accumulate(values))
    rows = "".join(f"{at!r},{value!r}\n" for at, value in zip(times_s, values, strict=True))
    path = tmp_path_factory.mktemp("trace") / "trace.csv"
    path.write_text(f"time_s,{'power_w' if is_power else 'total_j'}\n{rows}")
    try:
        whole = read_trace(path)
    except DataError as error:  # times as of several devices
        assert "come right after the one before" in str(error)
        return
    trim_s = share * whole.duration_s
    assume(trim_s <= whole.duration_s - trim_s)
    try:
        expected = whole.between(trim_s, whole.duration_s - trim_s)
    except DataError:
        with pytest.raises(DataError, match="fewer than two values"):
            import_table("wattmeter", path, trim_s=trim_s)
        return
    trial = one(import_table("wattmeter", path, trim_s=trim_s))
    assert trial["energy_j"] == pytest.approx(expected.energy_j(), rel=1e-12, abs=1e-12)
    assert trial["duration_s"] == expected.duration_s
    gap_s = expected.largest_gap_s()
    assert (f"the longest of {gap_s:.4g} s" in str(trial["message"])) == (gap_s > 0)
    assert all(warning in trial["message"] for warning in expected.warnings)


def test_a_wattmeter_is_of_the_whole_machine(write, imported):
    path = write("timestamp,P [W]\n2024-05-01 10:00:00,100\n2024-05-01 10:00:10,200\n", "vgg.csv")
    trial = one(imported("wattmeter", path))
    assert (trial["energy_j"], trial["node_j"], trial["duration_s"]) == (1500.0, 1500.0, 10.0)
    assert (trial["run"], trial["strategy"], trial["trial"]) == ("vgg", "vgg", 0)
    assert (trial["state"], trial["energy_kind"]) == ("complete", "integrated")
    assert f"{trial['started_at']}" == "2024-05-01 10:00:00+00:00"
    assert math.isnan(trial["score"]) and math.isnan(trial["gpu_j"])
    assert trial["message"] is None


def test_a_counter_is_read_off_and_not_integrated(imported):
    trial = one(imported("wattmeter", "time_s,Total (kWh)\n0,1\n9,1.25\n12,1.5\n"))
    assert (trial["node_j"], trial["energy_kind"]) == (1.8e6, "measured")


def test_both_ends_are_cut_and_the_cut_is_said_where_it_is_too_long(imported, refused):
    text = "time_s,power_w\n" + "".join(f"{s},{s}\n" for s in range(11))
    trial = one(imported("wattmeter", text, trim_s=2.5))
    assert (trial["energy_j"], trial["duration_s"]) == (20.0, 4.0)  # 3 s to 7 s
    for trim_s in (4.6, 60.0):
        reason = f"fewer than two values after cutting {trim_s:g} s"
        refused("wattmeter", text, reason, trim_s=trim_s)
    for trim_s in (-1.0, math.nan, math.inf):
        refused("wattmeter", text, "is no time to cut", ConfigurationError, trim_s=trim_s)


def test_times_from_the_start_of_the_recording_are_no_dates(imported):
    for start_s, started_at in ((0, "NaT"), (1670234142.5, "2022-12-05 09:55:42.500000+00:00")):
        table = imported("wattmeter", f"time_s,p_w\n{start_s},1\n{start_s + 1},1\n")
        assert str(one(table)["started_at"]) == started_at


@pytest.mark.parametrize(
    "text",
    [
        "timestamp, power.draw [W]\n{0}, 10.50 W\n{1}, 20.50 W",
        "timestamp, power.draw [W]\n{0}, 10.50\n{1}, 20.50",
        "power.draw [W], power.limit [W], timestamp\n10.5 W, 99 W, {0}\n20.5 W, 99 W, {1}",
    ],
)
def test_fields_of_nvidia_smi_come_in_any_order_with_units_or_without(imported, text):
    times = ("2022/12/05 09:00:00.000", "2022/12/05 09:00:02.000")
    trial = one(imported("nvidia-smi", text.format(*times)))
    assert (trial["energy_j"], trial["gpu_j"], trial["energy_kind"]) == (31.0, 31.0, "integrated")
    assert math.isnan(trial["node_j"])
    assert trial["g.gpu"] is None


def gpus(n_seconds: int, rows) -> str:
    lines = []
    for second in range(n_seconds):
        time = f"2024/05/01 10:{second // 60:02d}:{second % 60:02d}.000"
        lines += [f"{time}, {index}, Card, {value}, 300.00 W\n" for index, value in rows(second)]
    return SMI + "".join(lines)


def test_each_gpu_of_a_file_is_a_trial(write, imported, refused):
    text = gpus(5, lambda _: [(0, "10.00 W"), (1, "20.00 W"), (2, "[N/A]")])
    table = imported("nvidia-smi", write(text, "run.csv"))
    assert list(table.trials["run"]) == ["run@0", "run@1", "run@2"]
    assert list(table.trials["g.gpu"]) == [0, 1, 2]
    assert list(table.trials["gpu_j"])[:2] == [40.0, 80.0]
    assert table.trials["energy_j"].isna().tolist() == [False, False, True]  # none is not 0
    assert any("(2): no values in any row" in note for note in table.notes)
    assert table.strategies == ["run"]
    late = "".join(f"2024/05/01 11:00:0{s}.000, 3, Card, 30.00 W, 300.00 W\n" for s in range(5))
    long = gpus(900, lambda _: [(0, "10.00 W"), (1, "20.00 W")]) + late
    assert list(imported("nvidia-smi", long).trials["gpu_j"]) == [8_990.0, 17_980.0, 120.0]
    assert one(imported("nvidia-smi", text, column="1"))["gpu_j"] == 80.0
    reason = r"no column or device '7'.* devices 0, 1, 2, Card"
    refused("nvidia-smi", text, reason, column="7")


def test_gaps_are_told_and_not_filled_with_zeros(imported):
    text = gpus(60, lambda second: [(0, "[N/A]" if 10 < second < 20 else "100.00 W")])
    table = imported("nvidia-smi", text)
    trial = one(table)
    assert trial["gpu_j"] == 5_900.0
    assert trial["message"].startswith("1 gap without readings, the longest of 10 s where 1 s are")
    assert len(table.notes) == 1 and trial["message"] in table.notes[0]


@pytest.mark.parametrize(
    ("times_s", "odd"),
    [
        (
            [*range(2_000), 2_010, *range(2_011, 2_500), 2_519],  # far into the trace
            "2 gaps without readings, the longest of 20 s where 1 s are usual",
        ),
        ([0, 1, 2, 60, 61, 62], "1 gap without readings, the longest of 58 s where 1 s are"),
    ],
)
def test_what_is_odd_about_the_times_is_told(imported, times_s, odd):
    text = "time_s,power_w\n" + "".join(f"{at},1\n" for at in times_s)
    assert odd in one(imported("wattmeter", text))["message"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time_s,power_w\n0,1\n1,much\n", "line 3, column power_w: 'much' is no power"),
        ("time_s,power_w\n0,1\n1,inf\n", "line 3, column power_w: 'inf' is no power"),
        ("time_s,power_w\n0,1\n1,1e999\n", "line 3, column power_w: '1e999' is infinite"),
        ("time_s,power_w\n0,1\nnan,1\n", "line 3, column time_s: 'nan' is no time"),
        ("time_s,power_w\n0,1\n", "fewer than two values: give a longer trace"),
        ("time_s,power_w\n0,nan\n", "no values in it"),
        ("time_s,a_w,b_w\n0,1,2\n1,1,2\n", "several columns of power or energy, a_w, b_w"),
    ],
)
@pytest.mark.parametrize("form", ["nvidia-smi", "wattmeter"])
def test_a_file_that_is_no_trace_says_where_and_why(refused, tmp_path, form, text, reason):
    assert refused(form, text, reason).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("trace", "whole_watts_mj", "mj"),
    [
        ("cloud__mobilenet_v2__run0__gpu-power-20221205T095541.csv", 0.41517047, 0.41647489),
        ("local-v2__mobilenet_v2__run0__gpu-power-20230121T103916.csv", 0.09973512, 0.10013035),
    ],
)
def test_published_energies_come_out(write, recorded, trace, whole_watts_mj, mj):
    """Del Rey et al., SEAA 2023: 3 s cut at both ends; their parser dropped the decimals."""
    path = recorded / "delrey-seaa2023" / "raw" / trace
    rows = [line.split(",") for line in path.read_text().splitlines()]
    column = rows[0].index("gpu_power_draw")
    for row in rows[1:]:
        row[column] = f"{row[column].split('.')[0]} W"
    whole_watts = write("".join(",".join(row) + "\n" for row in rows))
    for file, expected_mj in ((path, mj), (whole_watts, whole_watts_mj)):
        trial = one(import_table("nvidia-smi", file, trim_s=3))
        assert trial["gpu_j"] / 1e6 == pytest.approx(expected_mj, abs=1e-8)
        assert trial["g.gpu"].startswith("NVIDIA GeForce RTX 30")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("entity_id,power_w,last_changed", "sensor.plug,100.0,2026-05-04T10:00:{:02}.123Z"),
        ("Zeitstempel;Leistung [W]", "04.05.2026 10:00:{:02};100,0"),
        ("Datum;Uhrzeit;Leistung [W]", "04.05.2026;10:00:{:02};100,0"),
    ],
)
def test_times_are_found_by_the_names_that_homes_give_them(imported, header, row):
    text = "\n".join([header, *(row.format(at) for at in range(11))]) + "\n"
    assert one(imported("wattmeter", text))["energy_j"] == 1000.0


def test_hints_for_wattmeters_say_nothing_of_graphics_cards(refused):
    twice = "".join(f"{at},100\n{at},100\n" for at in range(20))
    assert "nvidia" not in refused("wattmeter", f"time_s,power_w\n{twice}", "in a column device")
    dates = "Date,power_w\n2026-05-04,100\n2026-05-05,100\n"
    assert "nvidia" not in refused("wattmeter", dates, "record the time too")
    refused("wattmeter", "moment,power_w\n1,100\n2,100\n", "call the one with the times timestamp")
