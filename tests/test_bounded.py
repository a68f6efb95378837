"""Files of anybody's: what is no file, or too large, is refused before it is read."""

import io
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perjoule.errors import DataError
from perjoule.files import bounded, parquet
from perjoule.plain import DEEPEST, read_json


def test_only_files_are_opened_and_only_so_large(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    assert bounded.read_text(tmp_path / "file") == "0123456789"
    with pytest.raises(DataError, match="file: 10 bytes, and at most 9 bytes are read: give a"):
        bounded.read_bytes(tmp_path / "file", 9)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe: is a pipe, no file: save"):
        bounded.read_bytes(tmp_path / "pipe", 9)
    with pytest.raises(DataError, match="is a device"):
        bounded.read_bytes("/dev/zero", 9)
    with pytest.raises(IsADirectoryError):
        bounded.read_bytes(tmp_path, 9)
    with pytest.raises(DataError, match="at most 9 bytes"):  # a file that tells no size
        bounded.read_bytes("/proc/self/status", 9)


@pytest.mark.parametrize("kind", [io.StringIO, io.BytesIO])
def test_lines_have_an_end(kind):
    text = "a\nbb\nccc"
    file = kind(text if kind is io.StringIO else text.encode())
    assert len(list(bounded.lines("f", file, 4))) == 3
    file.seek(0)
    with pytest.raises(DataError, match="f, line 3: longer than 3 characters"):
        list(bounded.lines("f", file, 3))


def test_json_of_any_depth_and_length_of_digits_is_read_or_refused():
    nested = "[" * DEEPEST + "]" * DEEPEST
    assert read_json(nested)
    for text in (f"[{nested}]", '{"a":' * 500 + "1" + "}" * 500, "[" * 200_000):
        with pytest.raises(ValueError, match=r"64 levels|Expecting"):
            read_json(text)
    assert read_json("9" * 100_000) == read_json("1e999999") == float("inf")
    assert read_json("9" * 400) == 10**400 - 1


def _read(path):
    with bounded.open_file(path) as file:
        return parquet.read_parquet(path, file)


@pytest.mark.parametrize("nested", [False, True])
def test_parquet_is_measured_before_it_is_unpacked(tmp_path, monkeypatch, nested):
    monkeypatch.setattr(parquet, "UNPACKED", 1 << 20)
    index = pa.array([0, None, 1] * 1_000, pa.int32())
    texts = pa.DictionaryArray.from_arrays(index, pa.array(["x" * 400, "y"]))
    if nested:
        texts = pa.ListArray.from_arrays(pa.array([0, 3_000], pa.int32()), texts)
    table = pa.table({"name": texts})
    path = tmp_path / "t.parquet"
    pq.write_table(table, path)
    if nested:
        with pytest.raises(DataError, match="once unpacked, and at most 1 MiB are read"):
            _read(path)
        return
    read = _read(path)
    assert read["name"].to_pylist() == table["name"].to_pylist()
    monkeypatch.setattr(parquet, "UNPACKED", 300_000)  # 1,000 times 401 bytes
    with pytest.raises(DataError, match=r"t\.parquet: 391\.6 KiB once unpacked"):
        _read(path)


def test_a_table_has_a_shape_that_can_be_worked_with():
    parquet.check_shape("t", 2_000, 20_000_000)
    with pytest.raises(DataError, match=r"t: 2,001 columns, and at most 2,000 are read"):
        parquet.check_shape("t", 2_001, 0)
    with pytest.raises(DataError, match=r"t: 20,000,001 cells, and at most 20,000,000 are read"):
        parquet.check_shape("t", 1, 20_000_001)
