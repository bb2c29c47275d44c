"""Each probe on a machine made of files: what it reads, and that it says nothing where nothing is to be known."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.health.clock import RELEASED, WRONG_S, ClockProbe
from device.health.disk import disk
from device.health.link import link
from device.health.memory import memory
from device.health.temperature import temperature
from device.health.uptime import uptime
from device.health.versions import versions

ROUTES = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
WIRELESS = (
    "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
    " wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0\n"
)


class Machine:
    """A root directory with some files of /proc and /sys."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, path: str, content: str = "") -> Machine:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return self

    def routes(self, *rows: tuple[str, int]) -> Machine:
        lines = (f"{name}\t00000000\t0100A8C0\t0003\t0\t0\t{metric}\t00000000\t0\t0\t0\n" for name, metric in rows)
        return self.has("proc/net/route", ROUTES + "".join(lines))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "root")


def test_a_machine_that_tells_nothing_is_not_guessed_at(machine: Machine) -> None:
    machine.root.mkdir()
    assert temperature(machine.root, vcgencmd="/nonexistent") is None
    assert memory(machine.root) == (None, None)
    assert link(machine.root) == (None, None)
    assert uptime(machine.root) is None
    assert disk(machine.root / "nowhere") == (None, None)
    assert set(versions(machine.root)) == {"laegeknap", "python"}


def test_the_processor_s_temperature_is_found_among_others(machine: Machine) -> None:
    machine.has("sys/class/thermal/thermal_zone0/type", "acpitz\n").has(
        "sys/class/thermal/thermal_zone0/temp", "90000\n"
    )
    machine.has("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n")
    machine.has("sys/class/thermal/thermal_zone1/temp", "48312\n")
    assert temperature(machine.root) == 48.3


def test_without_a_processor_s_zone_the_hottest_counts(machine: Machine) -> None:
    for number, degrees in enumerate((30000, 61000, 40000)):
        machine.has(f"sys/class/thermal/thermal_zone{number}/temp", f"{degrees}\n")
    assert temperature(machine.root) == 61.0


@pytest.mark.parametrize("content", ["", "hot", "-274000", "999999", "48,3"])
def test_a_temperature_that_cannot_be_is_none(machine: Machine, content: str) -> None:
    machine.has("sys/class/thermal/thermal_zone0/temp", content)
    assert temperature(machine.root, vcgencmd="/nonexistent") is None


def _firmware(folder: Path, script: str) -> str:
    path = folder / "vcgencmd"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_firmware_is_asked_where_the_kernel_has_no_zone(tmp_path: Path, machine: Machine) -> None:
    assert temperature(machine.root, _firmware(tmp_path, 'echo "temp=51.5\'C"')) == 51.5
    assert temperature(machine.root, _firmware(tmp_path, "echo VCHI initialization failed; exit 255")) is None


def test_a_firmware_that_hangs_is_given_up(tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.health.temperature._FIRMWARE_WITHIN_S", 0.2)
    began = time.monotonic()
    assert temperature(machine.root, _firmware(tmp_path, "exec sleep 60")) is None
    assert time.monotonic() - began < 20


def test_memory_is_what_is_available_not_what_is_free(machine: Machine) -> None:
    machine.has("proc/meminfo", "MemTotal:        3884368 kB\nMemFree:  100 kB\nMemAvailable:    2560000 kB\n")
    assert memory(machine.root) == (2500, 3793)


def test_disk_tells_of_the_file_system_below_a_directory(tmp_path: Path) -> None:
    free, total = disk(tmp_path)
    assert free is not None
    assert total is not None
    assert 0 <= free <= total


def test_uptime_in_seconds(machine: Machine) -> None:
    assert uptime(machine.has("proc/uptime", "350735.47 234388.90\n").root) == 350735.47


def test_a_wired_station(machine: Machine) -> None:
    machine.routes(("eth0", 100)).has("sys/class/net/eth0/type", "1\n")
    assert link(machine.root) == ("ethernet", None)


def test_of_two_ways_out_the_preferred_one_counts(machine: Machine) -> None:
    machine.routes(("wlan0", 600), ("eth0", 100)).has("sys/class/net/eth0/type", "1\n")
    machine.has("sys/class/net/wlan0/phy80211/index", "0")
    assert link(machine.root) == ("ethernet", None)


def test_a_wireless_station_with_its_signal(machine: Machine) -> None:
    machine.routes(("wlan0", 600)).has("sys/class/net/wlan0/phy80211/index", "0").has("proc/net/wireless", WIRELESS)
    assert link(machine.root) == ("wifi", -56)


def test_a_wireless_station_whose_kernel_tells_no_signal(machine: Machine) -> None:
    machine.routes(("wlan0", 600)).has("sys/class/net/wlan0/wireless/x", "")
    assert link(machine.root) == ("wifi", None)


def test_a_modem_is_something_else(machine: Machine) -> None:
    machine.routes(("ppp0", 0)).has("sys/class/net/ppp0/type", "512\n")
    assert link(machine.root) == ("other", None)


def test_no_way_out_is_told(machine: Machine) -> None:
    assert link(machine.routes().root) == ("none", None)


def test_a_network_of_ipv6_alone(machine: Machine) -> None:
    route = (
        f"{'0' * 32} 00 {'0' * 32} 00 fe80000000000000020000fffe000001 00000400 00000000 00000000 00000003     eth0\n"
    )
    machine.routes().has("proc/net/ipv6_route", route).has("sys/class/net/eth0/type", "1\n")
    assert link(machine.root) == ("ethernet", None)


def test_an_interface_s_name_cannot_lead_out_of_its_folder(machine: Machine) -> None:
    machine.routes(("../../../etc", 0), ("..", 0))
    assert link(machine.root) == ("none", None)


@given(st.text(max_size=300))
def test_any_text_in_any_file_is_survived(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    machine = Machine(tmp_path_factory.mktemp("any") / "root")
    for path in ("proc/meminfo", "proc/uptime", "proc/net/route", "proc/net/ipv6_route", "proc/net/wireless",
                 "etc/os-release", "proc/sys/kernel/osrelease", "sys/class/thermal/thermal_zone0/temp"):  # fmt: skip
        file = machine.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode("utf-8", "surrogatepass"))
    temperature(machine.root, "/nonexistent"), memory(machine.root), link(machine.root), uptime(machine.root)
    assert set(versions(machine.root)) >= {"python"}


def test_versions_are_digits_and_known_words(machine: Machine) -> None:
    machine.has("etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n')
    machine.has("proc/sys/kernel/osrelease", "6.12.25+rpt-rpi-2712\n")
    found = versions(machine.root, own="0.1.0")
    assert found["system"] == "debian 13"
    assert found["kernel"] == "6.12.25"
    assert found["laegeknap"] == "0.1.0"


class Clock:
    """A clock probe with its file and its certificate."""

    def __init__(self, folder: Path, certificate_begins: float | None = None) -> None:
        self.saved = folder / "clock"
        self.root = folder / "root"
        self.writes: list[bytes] = []
        self.monotonic = 50.0
        self.probe = ClockProbe(self.saved, self._write, lambda: certificate_begins, lambda: self.monotonic, self.root)

    def _write(self, path: Path, content: bytes) -> None:
        self.writes.append(content)
        path.write_bytes(content)

    def synchronised(self) -> Clock:
        path = self.root / "run/systemd/timesync/synchronized"
        path.parent.mkdir(parents=True)
        path.touch()
        return self


def test_a_clock_before_the_release_is_wrong_for_certain(tmp_path: Path) -> None:
    clock = Clock(tmp_path).synchronised()
    assert clock.probe.trust(0.0) == "unset"
    assert clock.probe.trust(RELEASED + 1) == "ntp"


def test_without_a_time_server_a_clock_is_only_not_known_to_be_wrong(tmp_path: Path) -> None:
    assert Clock(tmp_path).probe.trust(RELEASED + 1) == "floor"


def test_the_certificate_moves_the_floor(tmp_path: Path) -> None:
    clock = Clock(tmp_path, certificate_begins=RELEASED + 500)
    assert clock.probe.trust(RELEASED + 499) == "unset"
    assert clock.probe.trust(RELEASED + 500) == "floor"


def test_a_good_time_is_saved_once_an_hour_and_moves_the_floor_across_a_power_cut(tmp_path: Path) -> None:
    clock = Clock(tmp_path).synchronised()
    for second in range(0, 7300, 100):
        clock.probe.save(RELEASED + second)
    assert len(clock.writes) == 3
    after = ClockProbe(clock.saved, clock._write, lambda: None, lambda: 0.0, clock.root)
    assert after.trust(RELEASED + 7000) == "unset"
    assert after.trust(RELEASED + 7200) == "ntp"


def test_an_orderly_end_saves_the_time_too(tmp_path: Path) -> None:
    clock = Clock(tmp_path).synchronised()
    clock.probe.save(RELEASED + 5)
    clock.probe.save(RELEASED + 65, now=True)
    assert clock.probe.floor() == RELEASED + 65


def test_a_time_nobody_vouches_for_is_never_saved(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    clock.probe.save(RELEASED + 10 * 365 * 86_400, now=True)
    assert clock.writes == []


def test_the_region_s_word_makes_a_clock_right_and_holds_as_the_seconds_pass(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    assert clock.probe.believe(RELEASED + 1000, 50.0)
    clock.monotonic = 150.0
    assert clock.probe.told() == RELEASED + 1100
    assert clock.probe.trust(RELEASED + 1100 + WRONG_S) == "ntp"
    for off in (-WRONG_S - 1, WRONG_S + 1, 10 * 365 * 86_400):
        assert clock.probe.trust(RELEASED + 1100 + off) == "unset"


def test_a_time_server_that_contradicts_the_region_is_not_believed(tmp_path: Path) -> None:
    clock = Clock(tmp_path).synchronised()
    years_ahead = RELEASED + 20 * 365 * 86_400
    assert clock.probe.trust(years_ahead) == "ntp", "nobody knew better"
    clock.probe.believe(RELEASED + 1000, 50.0)
    assert clock.probe.trust(years_ahead) == "unset"


def test_a_region_that_tells_a_time_before_the_release_or_the_certificate_is_not_believed(tmp_path: Path) -> None:
    clock = Clock(tmp_path, certificate_begins=RELEASED + 500)
    for at in (0.0, RELEASED - 1, RELEASED + 499):
        assert not clock.probe.believe(at, 50.0)
    assert clock.probe.told() is None


def test_a_future_that_was_saved_is_forgotten_once_the_region_says_better(tmp_path: Path) -> None:
    lied = Clock(tmp_path).synchronised()
    lied.probe.save(RELEASED + 20 * 365 * 86_400)
    after = ClockProbe(lied.saved, lied._write, lambda: None, lambda: 0.0, lied.root)
    assert after.trust(RELEASED + 1000) == "unset"
    assert after.believe(RELEASED + 1000, 0.0)
    assert after.trust(RELEASED + 1000) == "ntp"
    after.save(RELEASED + 1000)
    again = ClockProbe(lied.saved, lied._write, lambda: None, lambda: 0.0, lied.root)
    assert again.floor() == RELEASED + 1000, "it holds across a power cut"


@given(st.floats(0, 4e9), st.floats(0, 4e9), st.floats(0, 1e7))
def test_whatever_the_clock_shows_it_is_right_only_near_what_the_region_says(
    wall: float, told: float, passed: float
) -> None:
    monotonic = [0.0]
    probe = ClockProbe(
        Path("/nonexistent"), lambda _path, _content: None, lambda: None, lambda: monotonic[0], Path("/nonexistent")
    )
    believed = probe.believe(told, 0.0)
    monotonic[0] = passed
    assert believed == (told >= RELEASED)
    right = believed and wall >= RELEASED and abs(wall - (told + passed)) <= WRONG_S
    assert (probe.trust(wall) == "ntp") == right


@pytest.mark.parametrize("content", ["", "soon", "-5", "99999999999999", "1e99", "\0" * 10])
def test_a_damaged_saved_time_is_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "clock").write_text(content)
    assert Clock(tmp_path).probe.floor() == RELEASED


def test_what_cannot_be_opened_is_none(machine: Machine) -> None:
    (machine.root / "proc/meminfo").mkdir(parents=True)
    assert memory(machine.root) == (None, None)
