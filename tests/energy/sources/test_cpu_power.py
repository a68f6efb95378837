import pytest

from perjoule.energy.sources.cpu.power import (
    Processor,
    cpu_power,
    from_cpuinfo,
    rated_power_w,
    watts_of,
)


@pytest.mark.parametrize(
    ("model", "rated_w"),
    [
        ("Intel(R) Xeon(R) CPU E5-2643 v3 @ 3.40GHz", 135),
        ("Intel(R) Xeon(R) Platinum 8358P CPU @ 2.60GHz", 240),
        ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", 28),
        ("AMD Ryzen 9 9900X 12-Core Processor", 120),
        ("AMD Ryzen Threadripper PRO 9995WX 96-Cores", 350),
        ("AMD Ryzen 7 5700G with Radeon Graphics", 65),
        *(
            (no_model, None)
            for no_model in ("", "AMD EPYC", "Intel(R) Xeon(R) Processor", "aarch64")
        ),
        ("Intel Celeron 1200", None),  # "29.32.9" W in the table
    ],
)
def test_names_as_systems_give_them_are_found_and_others_are_not_guessed(model, rated_w):
    assert rated_power_w(model) == rated_w


def test_the_rated_power_is_that_of_one_socket():
    one = watts_of(Processor("Intel Xeon E5-2643 v3", sockets=1, threads=12))
    two = watts_of(Processor("Intel Xeon E5-2643 v3", sockets=2, threads=24))
    assert one.watts_per_core == two.watts_per_core == 135 / 12
    assert "135 W rated" in one.origin


@pytest.mark.parametrize(
    ("cpu", "reason"),
    [
        (Processor("Unheard-of", threads=8), "not in its table"),
        (Processor("Intel Xeon E5-2643 v3", virtual=True, threads=12), "virtual machine"),
        (Processor("AMD Ryzen Threadripper PRO 9995WX", threads=2), "virtual machine"),
    ],
)
def test_what_cannot_be_looked_up_has_codecarbons_figure_and_says_so(cpu, reason):
    power = watts_of(cpu)
    assert power.watts_per_core == 4.0
    assert reason in power.origin


CPUINFO = """\
processor\t: {n}
model name\t: Intel(R) Xeon(R) CPU E5-2643 v3 @ 3.40GHz
physical id\t: {socket}
flags\t\t: fpu vme {flag}
"""


def test_cpuinfo_tells_sockets_threads_and_hypervisors():
    text = "\n".join(CPUINFO.format(n=n, socket=n % 2, flag="sse") for n in range(8))
    assert from_cpuinfo(text) == Processor(
        "Intel(R) Xeon(R) CPU E5-2643 v3 @ 3.40GHz", sockets=2, threads=8
    )
    assert from_cpuinfo(CPUINFO.format(n=0, socket=0, flag="hypervisor")).virtual
    arm = from_cpuinfo("processor\t: 0\nprocessor\t: 1\n")
    assert arm.model
    assert (arm.sockets, arm.threads, arm.virtual) == (1, 2, False)


def test_this_machine_has_a_figure():
    assert 0 < cpu_power().watts_per_core <= 30
    assert cpu_power().origin
