"""What all imports share: their options, their tables, and that nothing is written by halves."""

import subprocess
import sys
from dataclasses import fields

import pyarrow.parquet as pq
import pytest

from perjoule.benchmarks.importers import (
    FORMATS,
    Imported,
    ImportOptions,
    formats_help,
    import_table,
    import_to,
)
from perjoule.errors import ConfigurationError, DataError, OutputError, UnknownNameError

WATTS = "time_s,power_w\n0,10\n2,10\n"
ZEUS = "start_time,window_name,elapsed_time,gpu0_energy\n"


def test_each_format_is_told_in_the_help():
    others = {"butter-e", "sacct", "wattmeter", "xu-hicss2023"}
    assert set(FORMATS) == {"codecarbon", "nvidia-smi", "optuna", "zeus"} | others
    known = {field.name for field in fields(ImportOptions)}
    for name, format in FORMATS.items():
        assert format.name == name
        assert f"{name} ({format.summary})" in formats_help()
        assert format.source
        assert known.issuperset(format.options)
    assert "\n" not in formats_help()


def test_asking_for_the_formats_loads_no_heavy_library():
    code = (
        "import sys; from perjoule.benchmarks.importers import formats_help; formats_help(); "
        "print(*{'pandas', 'pyarrow', 'optuna', 'torch', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_an_unknown_format_is_told_with_the_nearest_and_a_file_is_needed(refused):
    refused("wattmetre", WATTS, "unknown import format 'wattmetre': did you mean", UnknownNameError)
    refused("zeus", [], "no file is given")


@pytest.mark.parametrize(
    ("form", "option"),
    [
        ("codecarbon", {"trim_s": 3.0}),
        ("wattmeter", {"energy_attr": "energy_j"}),
        ("zeus", {"column": "gpu0_energy"}),
        ("nvidia-smi", {"study": "s"}),
        ("butter-e", {"accuracy_attr": "value"}),
        ("optuna", {"trim_s": 1.0}),
    ],
)
def test_an_option_that_a_format_has_no_use_for_is_refused(refused, form, option):
    [name] = option
    reason = f"--{name.removesuffix('_s').replace('_', '-')}: the format {form} has no use for it"
    refused(form, WATTS, reason, ConfigurationError, **option)


def test_options_are_an_object_or_keywords_laid_over_it(write):
    path = write("time_s,power_w\n0,10\n2,10\n4,10\n6,10\n")
    options = ImportOptions(trim_s=2.0, strategy="grid")
    for table, joules in (
        (import_table("wattmeter", path, options), 20.0),
        (import_table("wattmeter", path, options, trim_s=0.0), 60.0),
        (import_table("wattmeter", path, trim_s=2.0, strategy="grid"), 20.0),
    ):
        assert (table.trials["energy_j"][0], table.strategies) == (joules, ["grid"])
    with pytest.raises(TypeError, match="trim"):
        import_table("wattmeter", path, trim=2.0)


def test_files_are_runs_that_folders_tell_apart_and_a_strategy_is_given_to_every_row(
    write, imported, refused
):
    paths = [write(WATTS, name) for name in ("a.csv", "b.csv", "one/a.csv")]
    assert imported("wattmeter", paths[:2]).strategies == ["a", "b"]
    table = imported("wattmeter", paths[:2], strategy="grid")
    assert table.strategies == ["grid"]
    assert list(table.trials["run"]) == ["a", "b"]
    assert list(table.trials["seed"]) == [0, 1]
    runs = list(imported("wattmeter", paths[::2]).trials["run"])
    assert runs == [f"{paths[0].parent.name}/a", "one/a"]
    refused("wattmeter", [paths[0], paths[0]], r"a.csv: is named twice")


def test_many_trials_are_written_in_batches_with_version_and_units(write, tmp_path):
    numbers, out = range(21_000), tmp_path / "table.parquet"
    path = write(ZEUS + "".join(f"{1_700_000_000 + n},w,1,{n + 1}\n" for n in numbers))
    assert import_to("zeus", path, out) == Imported(len(numbers), ())
    written = pq.read_table(out)
    assert written["energy_j"].to_pylist() == [n + 1.0 for n in numbers]
    assert written.schema.metadata[b"perjoule_table"] == b"2"
    for name, unit in (("gpu_j", b"J"), ("duration_s", b"s")):
        assert written.schema.field(name).metadata[b"unit"] == unit
    assert list(import_table("zeus", path).trials["trial"]) == [*numbers]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_table_is_written_whole_or_not_at_all(write, tmp_path, ending):
    rows = [f"{second},w,1,1\n" for second in range(21_000)]
    path = write(ZEUS + "".join(rows) + "21000,w,1,torn\n")
    out = tmp_path / f"table.{ending}"
    out.write_text("as before")
    with pytest.raises(DataError, match="row 21001, column gpu0_energy: 'torn' is no number"):
        import_to("zeus", path, out, strict=True, force=True)
    with pytest.raises(OutputError, match="is there already: add --force"):
        import_to("zeus", path, out)
    assert out.read_text() == "as before"
    assert {each.name for each in tmp_path.iterdir()} == {out.name, path.name}


def test_a_table_needs_an_ending_and_a_folder(write, tmp_path):
    path = write(WATTS)
    with pytest.raises(OutputError, match=r"table.xlsx: name a file that ends in .parquet or"):
        import_to("wattmeter", path, tmp_path / "table.xlsx")
    with pytest.raises(OutputError, match=r"cannot write .*none/table.csv: No such file"):
        import_to("wattmeter", path, tmp_path / "none" / "table.csv")


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"\xff\xfe\0", ""), (b"", "(is empty|no time_s|no study)")],
)
def test_a_file_that_cannot_be_read_is_told_in_one_line(refused, tmp_path, form, content, reason):
    path = tmp_path / "recorded.csv"
    if content is not None:
        path.write_bytes(content)
    options = {"energy_attr": "energy_j"} if form == "optuna" else {}
    refused(form, path, f"{path}.*{reason}", **options)


def test_a_message_that_quotes_a_file_is_of_fair_length(refused):
    for text in (f"{ZEUS}{'9' * 9999}.,w,1,1\n", ",".join(map(str, range(9999))) + "\n"):
        assert len(refused("zeus", text, "recorded.csv")) < 1_000
