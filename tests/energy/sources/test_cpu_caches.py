"""Cache sizes, as Linux lays them out."""

from perjoule.energy.sources.cpu.caches import cache_sizes


def test_data_and_unified_caches_are_read_and_nothing_else(tmp_path):
    told = [
        ("1", "Data", "48K"),
        ("1", "Instruction", "64K"),
        ("2", "Unified", "1280K"),
        ("3", "Unified", "36M"),
        ("4", "Unified", "odd"),
    ]
    for number, values in enumerate(told):
        index = tmp_path / f"index{number}"
        index.mkdir()
        for name, value in zip(("level", "type", "size"), values, strict=True):
            (index / name).write_text(f"{value}\n")
    (tmp_path / "index9").mkdir()  # tells nothing
    found = cache_sizes(tmp_path)
    assert found == {"L1": 48 * 2**10, "L2": 1280 * 2**10, "L3": 36 * 2**20}
    assert list(found) == ["L1", "L2", "L3"]
    assert cache_sizes(tmp_path / "elsewhere") == {}
