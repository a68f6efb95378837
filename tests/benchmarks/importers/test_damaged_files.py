"""Files as crashes, spreadsheets and shells leave them: read, unknown or refused, never wrong."""

import math

import pytest

import perjoule
from perjoule.energy.sources.recorded.files import read_trace
from perjoule.errors import DataError

SMI = "timestamp, power.draw [W], utilization.gpu [%]\n"
EMISSIONS = (
    "timestamp,project_name,run_id,duration,emissions,cpu_energy,gpu_energy,ram_energy,"
    "energy_consumed,region,gpu_model,tracking_mode,on_cloud\n"
)
TRIALS = "strategy,seed,energy_j,score\n"
J = 3.6e6


def readings(n: int = 20, first: int = 0) -> list[str]:
    return [f"2026/05/04 10:00:{s:02}.000, 100.00 W, 5 %\n" for s in range(first, first + n)]


def emission(run: str, kwh: float = 0.3, total: float | None = None, minute: int = 0) -> str:
    parts = f"{kwh / 3!r},{kwh / 3!r},{kwh / 3!r},{kwh if total is None else total!r}"
    return f"2026-03-01T10:{minute:02}:00,demo,{run},{60.0 + 60 * minute},0.1,{parts},,,machine,N\n"


def energies(table) -> dict[str, float | None]:
    known = zip(table.trials["run"], table.trials["energy_j"], strict=True)
    return {run: None if math.isnan(energy_j) else round(energy_j, 3) for run, energy_j in known}


@pytest.fixture
def put(tmp_path):
    def put(content: str | bytes, name: str = "file.csv"):
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(raw)
        return tmp_path / name

    return put


@pytest.mark.parametrize(
    ("encoding", "ends"),
    [
        ("utf-8-sig", "\r"),
        ("utf-16", "\r\n"),
        ("utf-16-le", "\n"),
        ("utf-16-be", "\r"),
        ("utf-32", "\n"),
        ("cp1252", "\r\n"),
    ],
)
def test_every_reader_takes_every_encoding(put, encoding, ends):
    def file(text: str):
        return put(text.replace("\n", ends).encode(encoding))

    smi = file(SMI + "".join(readings()))
    assert energies(perjoule.import_table("nvidia-smi", smi)) == {"file": 1_900.0}
    assert read_trace(smi).energy_j() == 1_900.0
    assert perjoule.audit(smi).inputs[0].kind == "power trace"
    emissions = file(EMISSIONS + emission("a").replace(",,,machine", ",île,,machine"))
    assert energies(perjoule.import_table("codecarbon", emissions)) == {"a": 0.3 * J}
    zeus = file("start_time,window_name,elapsed_time,gpu0_energy\n1714557600.5,é,10,100\n")
    assert energies(perjoule.import_table("zeus", zeus)) == {"é": 100.0}
    trials = file(TRIALS + "é,0,5,0.5\nb,0,6,0.6\n")
    assert energies(perjoule.load_table(trials)) == {"é-0": 5.0, "b-0": 6.0}


def test_a_powershell_that_appends_utf_16_to_a_file_that_is_none_is_read(put):
    rows = "".join(readings(10, first=10)).replace("\n", "\r\n").encode("utf-16")
    path = put((SMI + "".join(readings(10))).encode() + rows)
    assert energies(perjoule.import_table("nvidia-smi", path)) == {"file": 1_900.0}


@pytest.mark.parametrize(
    "end",
    ["2026/05/04 10:0", "2026/05/04 10:00:20.000, 10", "2026/05/04 10:00:20.000, 100.00 W, 5"],
)
def test_a_torn_last_line_costs_one_reading_at_most(put, end):
    path = put(SMI + "".join(readings()) + end)
    table = perjoule.import_table("nvidia-smi", path)
    assert energies(table)["file"] in (1_900.0, 2_000.0)
    assert any("does not end with the end of a line" in note for note in table.notes)


def test_a_last_number_that_may_be_cut_short_is_no_number(put):
    table = perjoule.import_table("wattmeter", put("time_s,power_w\n0,99.5\n1,99.5\n2,99.25\n3,1"))
    assert table.trials["energy_j"][0] == pytest.approx(99.5 + (99.5 + 99.25) / 2)
    table = perjoule.load_table(put("strategy,score,energy_j\na,0.5,12.5\nb,0.5,7.25\nc,0.5,1"))
    assert energies(table) == {"a-0": 12.5, "b-0": 7.25, "c-0": None}


def test_rows_that_hold_nothing_are_left_out_and_named_once(put):
    rows = [emission(f"r{n}", minute=n) for n in range(9)]
    fragment = ",machine,N,,,,,,,,,\n"
    hole = "\0" * 150_000
    path = put(EMISSIONS + rows[0] + fragment + hole + "".join(rows[1:8]) + "0,N\n" + rows[8])
    table = perjoule.import_table("codecarbon", path)
    assert energies(table) == {f"r{n}": 0.3 * J for n in range(9)}
    [told] = [note for note in table.notes if "damaged" in note]
    assert "2 of 11 rows are damaged" in told and "row 2" in told and "row 10" in told
    assert any("1 hole of zero bytes" in note for note in table.notes)
    assert perjoule.audit(path).inputs[0].rows == 9
    for strict in (
        lambda: perjoule.import_table("codecarbon", path, strict=True),
        lambda: perjoule.audit(path, strict=True),
    ):
        with pytest.raises(DataError, match="row 2"):
            strict()


def test_what_a_lost_row_held_is_not_given_to_the_next_of_its_tracker(put):
    cumulative = [emission("a", kwh, minute=n) for n, kwh in enumerate((0.3, 0.6, 0.9, 1.2, 1.5))]
    lost = [*cumulative[:2], "2026-03-01T10,demo\n", *cumulative[3:]]
    table = perjoule.import_table("codecarbon", put(EMISSIONS + "".join(lost)))
    joules = [None if math.isnan(each) else round(each / J, 6) for each in table.trials["energy_j"]]
    assert joules == [0.3, 0.3, None, 0.3]


def test_more_than_a_tenth_is_a_refusal_that_lists_the_places(put):
    lines = [f"{n},100\n" if n % 5 else "what\n" for n in range(30)]
    for read in (read_trace, lambda path: perjoule.import_table("wattmeter", path)):
        with pytest.raises(DataError, match=r"line 2: .*line 7: .*6 of 30 rows are damaged"):
            read(put("time_s,power_w\n" + "".join(lines)))
    rows = [f"a,{n},5,0.5\n" if n % 5 else f"a,{n},much,0.5\n" for n in range(30)]
    with pytest.raises(DataError, match=r"row 1, column energy_j: 'much' is no number.*6 of 30"):
        perjoule.load_table(put(TRIALS + "".join(rows)))


def test_a_trial_without_energy_stays_a_trial(put):
    rows = [f"a,{n},{n + 1},0.5\n" for n in range(12)]
    rows[3], rows[7] = "a,3,,0.5\n", "a,7,failed,0.5\n"
    table = perjoule.load_table(put(TRIALS + "".join(rows) + "a,12"))
    assert [run for run, energy_j in energies(table).items() if energy_j is None] == [
        "a-3",
        "a-7",
    ]
    assert "row 8, column energy_j: 'failed' is no number" in " ".join(table.notes)
    table = perjoule.import_table(
        "codecarbon", put(EMISSIONS + emission("a") + emission("b", total="") + emission("c"))
    )
    assert energies(table) == {"a": 0.3 * J, "b": None, "c": 0.3 * J}


def test_rows_that_codecarbon_wrote_without_its_empty_columns_are_read(put):
    short = emission("b").replace(",,,machine", ",machine")
    other = emission("c").replace(",,,machine", ",,machine")
    path = put(EMISSIONS + emission("a") + short + other)
    assert energies(perjoule.import_table("codecarbon", path)) == dict.fromkeys("abc", 0.3 * J)


def test_appended_files_are_one_as_far_as_nothing_is_between_them(put):
    each = "".join(SMI + line for line in readings())
    assert energies(perjoule.import_table("nvidia-smi", put(each))) == {"file": 1_900.0}
    later = [line.replace("10:00", "15:00") for line in readings()]
    two = put(SMI + "".join(readings()) + SMI + "".join(later))
    assert list(perjoule.import_table("nvidia-smi", two).trials["energy_j"]) == [1_900.0, 1_900.0]
    with pytest.raises(DataError, match="2 recordings one after the other"):
        read_trace(two)
    table = perjoule.load_table(put(TRIALS + "a,0,5,0.5\n" + TRIALS + "a,1,6,0.5\n"))
    assert energies(table) == {"a-0": 5.0, "a-1": 6.0}


def test_a_header_that_changed_is_read_by_its_names(put):
    path = put(TRIALS + "a,0,5,0.5\n" + "energy_j,strategy,seed,score,lr\n6,a,1,0.5,0.1\n")
    table = perjoule.load_table(path)
    assert energies(table) == {"a-0": 5.0, "a-1": 6.0}
    assert any("another header from line 3 on, with lr" in note for note in table.notes)
    other = "timestamp, power.draw [mW], utilization.gpu [%]\n"
    with pytest.raises(DataError, match=r"no column power.draw \[W\], as the first one has"):
        perjoule.import_table("nvidia-smi", put(SMI + "".join(readings()) + other + readings()[0]))


def test_outputs_of_nvidia_smi_without_a_header_and_of_dmon(put):
    assert energies(perjoule.import_table("nvidia-smi", put("".join(readings())))) == {
        "file": 1_900.0
    }
    twice = "".join(line.replace("5 %", "300.00 W") for line in readings())
    with pytest.raises(DataError, match=r"has no header .noheader.*: put a line with the names"):
        perjoule.import_table("nvidia-smi", put(twice))
    head = "#Date       Time        gpu   pwr gtemp\n#YYYYMMDD   HH:MM:SS    Idx     W     C\n"
    rows = [
        f" 20260504   23:59:{second:02}      {gpu}   {100 + gpu}     -\n"
        for second in range(50, 60)
        for gpu in range(2)
    ]
    table = perjoule.import_table(
        "nvidia-smi", put(head + "".join(rows[:10]) + head + "".join(rows[10:]))
    )
    assert energies(table) == {"file@0": 900.0, "file@1": 909.0}
    times = [line.replace(" 20260504  ", "") for line in rows]
    midnight = [line.replace("23:59:5", "00:00:0") for line in times]
    head = "#Time        gpu   pwr gtemp\n#HH:MM:SS    Idx     W     C\n"
    table = perjoule.import_table("nvidia-smi", put(head + "".join(times + midnight)))
    assert energies(table) == {"file@0": 1_900.0, "file@1": 1_919.0}
    with pytest.raises(DataError, match="record with nvidia-smi dmon -o DT"):
        perjoule.import_table("nvidia-smi", put("# gpu   pwr\n# Idx     W\n    0   100\n"))


@pytest.mark.parametrize(
    ("text", "energy_j"),
    [
        ("Date;Time;P (kW)\n31.05.2026;9:00:00;0,5\n31.05.2026;9:00:10;1,5\n", 10_000.0),
        ("Elapsed Time (sec);Power (W)\n0;1.234,5\n2;1.234,5\n", 2_469.0),
        ("sep=;\ntime_ms;power_w\n0;0,25\n4000;0,25\n", 1.0),
        ("# by me\n\nunix time\tP [W]\n1714557600\t5\n1714557602\t5\n", 10.0),
        ('time_s,"P\n[W]"\n0,5\n2,5\n', 10.0),
    ],
)
def test_dates_and_numbers_of_half_the_world(put, text, energy_j):
    assert list(perjoule.import_table("wattmeter", put(text)).trials["energy_j"]) == [energy_j]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time_s;power_w\n0;1,500\n2;1,500\n", "'1,500' is no power, write a decimal point"),
        ("timestamp,power_w\n05/04/2026 10:00,5\n05/04/2026 11:00,5\n", "is the day or the month"),
        ("time_s,energy_per_step_j\n0,5\n1,6\n2,7\n", "energy of each interval, not a counter"),
        ("time_s,energy_j\n0,5\n1,5\n2,5\n", "a counter that stands still, or the energy of each"),
        ("time_s,energy_j\n0,90\n1,91\n2,93\n3,96\n", "a counter, or the energy of each interval"),
        ("time_s,energy_j\n0,90\n1,91\n2,88\n", "the counter falls here"),
        ("time_s,a_w,b_w\n0,1,2\n1,1,2\n", 'name one, such as --column "a_w"'),
        ("time_s,power_w\n0,1\n1,1\n0,1\n1,1\n", "time runs backwards here"),
    ],
)
def test_what_may_be_two_things_is_refused(put, text, reason):
    with pytest.raises(DataError, match=reason):
        perjoule.import_table("wattmeter", put(text))


@pytest.mark.parametrize("apart_ms", [0, 4])
@pytest.mark.parametrize("devices", [2, 8])
def test_devices_that_no_column_tells_apart_are_refused_and_audited(put, apart_ms, devices):
    rows = [
        f"2026/05/04 10:00:{second:02}.{device * apart_ms:03}, Card, {100 + device}.00 W\n"
        for second in range(20)
        for device in range(devices)
    ]
    path = put("timestamp, name, power.draw [W]\n" + "".join(rows))
    for read in (read_trace, lambda path: perjoule.import_table("nvidia-smi", path)):
        with pytest.raises(DataError, match="no column tells devices apart: record index or uuid"):
            read(path)
    assert [found.check for found in perjoule.audit(path).findings] == ["mixed-devices"]


@pytest.mark.parametrize(
    ("total", "pue", "known"),
    [
        (0.3, 1.0, True),
        (0.45, 1.5, True),
        (0.3004, 1.0, True),
        (300.0, 1.0, False),
        (0.4, 1, False),
    ],
)
def test_a_total_that_contradicts_its_parts_is_unknown(put, total, pue, known):
    rows = [emission(f"r{n}", total=total).replace("N\n", f"N,{pue}\n") for n in range(6)]
    path = put(EMISSIONS.replace("on_cloud", "on_cloud,pue") + "".join(rows))
    table = perjoule.import_table("codecarbon", path)
    expected = round(total * J, 3) if known else None
    assert set(energies(table).values()) == {expected}
    told = [note for note in table.notes if "contradicts the sum of" in note]
    assert len(told) == (not known) and all("6 rows" in note for note in told)
    found = [each.check for each in perjoule.audit(path).findings]
    assert ("contradicting-total" in found) != known


def test_a_table_whose_components_are_more_than_its_total_has_no_total(put):
    head = "strategy,seed,energy_j,cpu_j,gpu_j,score\n"
    rows = "a,0,10,4,5,.5\na,1,5,4,5,.5\na,2,9000,4,5,.5\na,3,13,4,5,.5\na,4,9,4,5,.5\n"
    path = put(head + rows)
    table = perjoule.load_table(path)
    assert list(energies(table).values()) == [10.0, None, None, None, 9.0]
    assert "contradicts the components beside it in 3 rows" in " ".join(table.notes)
    assert "rows 2-4" in next(
        each.where for each in perjoule.audit(path).findings if each.check == "contradicting-total"
    )


def test_zeus_of_a_monotonic_clock_has_no_date(put):
    head = "start_time,window_name,elapsed_time,gpu0_energy\n"
    table = perjoule.import_table("zeus", put(head + "81234.5,train,10,100\n"))
    assert table.trials["started_at"].isna().all()
    assert "not from 1970" in table.notes[0]
