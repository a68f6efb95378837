"""Watts per busy core from windows of a machine."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy.calibration.fitting import LoadWindow, fit, read_windows
from perjoule.errors import ConfigurationError, DataError


def windows(idle_w: float, core_w: float, loads, duration_s: float = 2.0) -> list[LoadWindow]:
    return [
        LoadWindow(duration_s, load * duration_s, (idle_w + core_w * load) * duration_s)
        for load in loads
    ]


loads = st.lists(st.floats(0.0, 64.0), min_size=4, max_size=12).filter(
    lambda some: sorted(some)[-2] - sorted(some)[1] > 0.5  # without any one of them, too
)


@given(st.floats(0.0, 500.0), st.floats(0.1, 50.0), loads, st.floats(0.1, 100.0))
def test_noiseless_windows_give_back_their_coefficients(idle_w, core_w, loads, duration_s):
    fitted = fit(windows(idle_w, core_w, loads, duration_s))
    assert fitted.watts_per_core == pytest.approx(core_w, rel=1e-6)
    assert fitted.idle_w == pytest.approx(idle_w, rel=1e-6, abs=1e-6)
    assert fitted.residual == pytest.approx(0.0, abs=1e-6)
    assert fitted.n_windows == len(loads)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 100.0), st.floats(0.0, 1e3), st.floats(0.0, 1e5)),
        min_size=3,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_no_fit_is_negative_and_the_order_of_windows_does_not_matter(rows, random):
    pairs = [LoadWindow(*row) for row in rows]
    shuffled = random.sample(pairs, len(pairs))
    try:
        fitted = fit(pairs)
    except ConfigurationError:
        with pytest.raises(ConfigurationError):
            fit(shuffled)
        return
    assert fitted.watts_per_core > 0
    assert fitted.idle_w >= 0
    again = fit(shuffled)
    assert again.watts_per_core == pytest.approx(fitted.watts_per_core)
    assert again.idle_w == pytest.approx(fitted.idle_w)
    assert again.residual == pytest.approx(fitted.residual)


@given(st.lists(st.floats(-1.0, 1.0), min_size=8, max_size=8), st.floats(0.05, 0.3))
def test_the_residual_grows_with_noise(noise, size):
    def residual(amount: float) -> float:
        pairs = [
            LoadWindow(p.duration_s, p.cpu_s, p.energy_j + amount * 6.0 * part)
            for p, part in zip(windows(100.0, 6.0, range(8)), noise, strict=True)
        ]
        return fit(pairs).residual

    if residual(0.05) > 1e-6:  # noise may happen to be a line itself
        assert residual(size * 2) > residual(size) > residual(size / 2)


def test_the_residual_is_what_the_other_windows_foretell_of_the_energy_above_idle():
    pairs = [LoadWindow(1.0, 0.0, 10.0), LoadWindow(1.0, 1.0, 13.0), LoadWindow(1.0, 2.0, 20.0)]
    # Without the second: 10 W + 5 W/core, so 5 W are foretold and 3 are. Without the third:
    # 10 W + 3 W/core, so 6 W are foretold and 10 are.
    expected = math.sqrt(((3 / 5 - 1) ** 2 + (10 / 6 - 1) ** 2) / 2)
    assert fit(pairs).residual == pytest.approx(expected)


def test_idle_power_is_not_below_zero_at_the_price_of_the_slope():
    fitted = fit([LoadWindow(1.0, 1.0, 1.0), LoadWindow(1.0, 2.0, 4.0), LoadWindow(1.0, 3.0, 7.0)])
    assert fitted.idle_w == 0.0
    assert fitted.watts_per_core == pytest.approx((1 + 8 + 21) / (1 + 4 + 9))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (windows(10.0, 5.0, [0, 4]), "2 windows cannot be fitted"),
        (windows(10.0, 5.0, [2.0, 2.2, 2.4]), "too alike"),
        (windows(10.0, 5.0, [0, 0, 0, 4]), "too alike"),  # nothing can foretell the last
        (windows(10.0, -1.0, [0, 1, 2, 3]), "do not rise"),
        (windows(10.0, 0.0, [0, 1, 2, 3]), "do not rise"),
        (
            [LoadWindow(1, 0, 9), LoadWindow(1, 1, 10), LoadWindow(1, 2, 30), LoadWindow(1, 3, 12)],
            "hardly follow",
        ),
    ],
)
def test_windows_that_tell_nothing_are_refused(pairs, message):
    with pytest.raises(ConfigurationError, match=message):
        fit(pairs)


def test_recorded_windows_are_read(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text("when,energy_j,duration_s,cpu_s\nnoon,30,2,4\n\nlater,1e2,5,0\n")
    assert read_windows(file) == [LoadWindow(2.0, 4.0, 30.0), LoadWindow(5.0, 0.0, 100.0)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "line 1: no column duration_s"),
        ("duration_s,cpu_s|1,2", "line 1: no column energy_j"),
        ("duration_s,cpu_s,energy_j|1,2,3|1,two,3", "line 3: .*'two'"),
        ("duration_s,cpu_s,energy_j|1,2", "line 2: could not convert"),
        ("duration_s,cpu_s,energy_j|0,2,3", "line 2: no window takes 0 s"),
        *(
            (f"duration_s,cpu_s,energy_j|{window}", "line 2: no window")
            for window in ("1,-2,3", "1,2,nan", "1,2,inf")
        ),
    ],
)
def test_malformed_records_name_file_and_line(tmp_path, lines, message):
    file = tmp_path / "pairs.csv"
    file.write_text(lines.replace("|", "\n"))
    with pytest.raises(DataError, match=f"pairs.csv, {message}"):
        read_windows(file)


def test_records_that_are_no_text_or_not_there_name_the_file(tmp_path):
    file = tmp_path / "pairs.csv"
    for make in (lambda: None, lambda: file.write_bytes(b"\xff\xfe\x00")):
        make()
        with pytest.raises(DataError, match=r"pairs\.csv: cannot be read"):
            read_windows(file)
