"""The units, as systemd itself reads them."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_hooks.outcome import EXIT_CODES
from firmware_hooks.set_clock import WANTED
from firmware_hooks.take_code import DROP

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
INSTALL = (sys.executable, ROOT / "tools/install.py", "station", "region")
BINARIES = (
    "opt/laegeknap/bin/station", "opt/laegeknap/bin/region", "opt/laegeknap/bin/python", "usr/bin/cage",
    "usr/sbin/mosquitto", "bin/kill", "bin/systemctl",
)  # fmt: skip
STATION_UNITS = ("laegeknap-agent.service", "laegeknap-call.service", "laegeknap-screen.service")
REGION_UNITS = ("laegeknap-authority.service", "laegeknap-region.service", "laegeknap-region@.service")
NOTIFYING_UNITS = (*STATION_UNITS, *REGION_UNITS)
# The exposure systemd-analyze may find at most, in tenths: what each unit has now, with no room to slip.
EXPOSURE = {
    "laegeknap-agent.service": 16,  # it reads the journal, for diagnostics
    "laegeknap-authority.service": 6,  # it has to know who knocks
    "laegeknap-boot.service": 12,
    "laegeknap-broker.service": 13,
    "laegeknap-broker-reload.service": 12,
    "laegeknap-call.service": 20,
    "laegeknap-clock.service": 13,
    "laegeknap-code.service": 16,
    "laegeknap-region.service": 15,
    "laegeknap-region@.service": 13,
    "laegeknap-screen.service": 14,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with systemd's own units, ours, and something executable where ours point."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    subprocess.run([*INSTALL, f"--destdir={root}"], stdout=subprocess.DEVNULL, check=True)
    for name in BINARIES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("#!/bin/sh\n")
        (root / name).chmod(0o755)
    return root


def units() -> list[str]:
    return sorted(path.name for path in (SYSTEMD / "system").iterdir() if path.is_file())


def read(unit: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SYSTEMD / "system" / unit, encoding="utf-8")
    return parser


@pytest.mark.system
def test_systemd_understands_every_word_of_every_unit(root: Path) -> None:
    paths = [root / "usr/lib/systemd/system" / unit for unit in units()]
    command = ["systemd-analyze", "verify", "--man=no", f"--root={root}", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.system
@pytest.mark.parametrize("unit", sorted(EXPOSURE))
def test_each_service_is_shut_in_as_far_as_its_work_allows(root: Path, unit: str) -> None:
    threshold = f"--threshold={EXPOSURE[unit]}"
    command = ["systemd-analyze", "security", "--offline=yes", f"--root={root}", threshold, unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


def test_no_service_is_left_out_of_the_exposure_check() -> None:
    assert sorted(unit for unit in units() if unit.endswith(".service")) == sorted(EXPOSURE)


@pytest.mark.parametrize("unit", NOTIFYING_UNITS)
def test_every_process_reports_itself_is_watched_and_is_always_restarted(unit: str) -> None:
    service, head = read(unit)["Service"], read(unit)["Unit"]
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) <= 30
    assert service["Restart"] == "always"
    assert head["StartLimitIntervalSec"] == "0", "a station nobody stands beside must never give up"


def test_a_station_stops_at_once_and_a_region_has_the_time_to_end_its_broker_in_order() -> None:
    given = {unit: int(read(unit)["Service"]["TimeoutStopSec"]) for unit in EXPOSURE}
    assert {unit: seconds for unit, seconds in given.items() if seconds != 5} == {
        "laegeknap-authority.service": 30, "laegeknap-broker.service": 30, "laegeknap-region.service": 30,
        "laegeknap-region@.service": 30,
    }  # fmt: skip
    assert "TimeoutStopSec" not in read("laegeknap-.service.d/50-sandbox.conf")["Service"], "it would go before theirs"


def test_a_killed_call_process_is_back_within_two_seconds() -> None:
    delay = read("laegeknap-call.service")["Service"]["RestartSec"]
    assert delay.endswith("ms")
    assert int(delay.removesuffix("ms")) <= 500


def test_the_button_waits_neither_for_the_agent_nor_for_the_network() -> None:
    head = read("laegeknap-call.service")["Unit"]
    ordering = " ".join(head.get(key, "") for key in ("After", "Requires", "Wants", "BindsTo"))
    assert "laegeknap-agent" not in ordering
    assert "network-online" not in ordering


def test_the_screen_can_reach_neither_the_key_nor_the_network() -> None:
    service = read("laegeknap-screen.service")["Service"]
    assert service["User"] != read("laegeknap-call.service")["Service"]["User"]
    assert service["InaccessiblePaths"] == "-/var/lib/laegeknap"
    assert service["PrivateNetwork"] == "yes"


def test_no_service_protects_the_clock_by_hiding_the_cameras() -> None:
    for path in (SYSTEMD / "system").rglob("*"):
        if path.is_file():
            assert not any(row.startswith("ProtectClock") for row in path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("unit", ["laegeknap-boot.service", "laegeknap-code.service", "laegeknap-clock.service"])
def test_a_degraded_boot_counts_as_started_and_a_failed_one_does_not(unit: str) -> None:
    assert read(unit)["Service"]["SuccessExitStatus"] == str(EXIT_CODES["degraded"])


def test_only_two_are_root_and_each_may_do_nothing_but_its_work() -> None:
    reload = "laegeknap-broker-reload.service"
    root = {unit for unit in EXPOSURE if read(unit)["Service"]["User"] == "root"}
    assert root == {"laegeknap-code.service", reload}
    assert not (SYSTEMD / "system" / f"{reload}.d").exists(), "of what the sandbox takes it gets nothing back"
    service = read("laegeknap-code.service.d/60-give-away.conf")["Service"]
    assert service["CapabilityBoundingSet"].split() == ["CAP_DAC_OVERRIDE", "CAP_CHOWN"]
    head = read("laegeknap-code.service")["Unit"]
    assert head["ConditionPathExists"] == f"/{DROP}"
    assert {"laegeknap-boot.service", "laegeknap-agent.service"} <= set(head["Before"].split())
    hidden = read("laegeknap-code.service")["Service"]
    assert (hidden["PrivateNetwork"], hidden["PrivateDevices"]) == ("yes", "yes")


def test_the_hook_that_sets_the_clock_is_nobody_special_and_has_that_one_right() -> None:
    assert read("laegeknap-clock.service")["Service"]["User"] == read("laegeknap-agent.service")["Service"]["User"]
    given = read("laegeknap-clock.service.d/60-clock.conf")["Service"]
    assert given["CapabilityBoundingSet"] == given["AmbientCapabilities"] == "CAP_SYS_TIME"
    assert read("laegeknap-clock.path")["Path"]["PathExists"] == f"/run/laegeknap/{WANTED}"
    assert "laegeknap-clock.path" in read("laegeknap.target")["Unit"]["Wants"].split()


def test_the_target_wants_every_unit_of_a_station_and_nothing_of_a_region() -> None:
    wanted = read("laegeknap.target")["Unit"]["Wants"].split()
    assert set(wanted) == {*STATION_UNITS, "laegeknap-boot.service", "laegeknap-code.service", "laegeknap-clock.path"}


def test_every_user_and_directory_a_unit_names_is_made() -> None:
    users = "".join(path.read_text(encoding="utf-8") for path in (SYSTEMD / "sysusers.d").iterdir())
    made = {row.split()[1] for row in users.splitlines() if row.startswith(("u ", "g "))}
    temporary = (SYSTEMD / "tmpfiles.d" / "laegeknap.conf").read_text(encoding="utf-8")
    for unit in EXPOSURE:
        service = read(unit)["Service"]
        assert service["User"] in {*made, "root"}, unit
        for path in service.get("ReadWritePaths", "").split():
            assert path.startswith("-") or path in temporary, f"{unit}: {path}"


@pytest.mark.system
def test_sysusers_makes_the_users_in_an_empty_system(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    # The groups a Debian has from the start.
    (tmp_path / "etc/group").write_text("root:x:0:\nvideo:x:44:\naudio:x:29:\n")
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    subprocess.run([*INSTALL, f"--destdir={tmp_path}"], stdout=subprocess.DEVNULL, check=True)
    done = subprocess.run(["systemd-sysusers", f"--root={tmp_path}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = {row.split(":")[0] for row in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert {"laegeknap", "laegeknap-screen", "laegeknap-region"} <= names
    members = {row.split(":")[0]: row.split(":")[3] for row in (tmp_path / "etc/group").read_text().splitlines()}
    assert "laegeknap-screen" in members["laegeknap"]
    assert members["video"].split(",") == ["laegeknap", "laegeknap-screen"]


def test_every_udev_rule_is_made_of_known_keys_and_ends_in_an_assignment() -> None:
    term = re.compile(r'(SUBSYSTEM|KERNEL|ACTION|GROUP|MODE|(?:ENV|TEST|ATTR)(?:\{[\w/]+\})?)(==|=)"[^"]+"')
    rows = (SYSTEMD / "udev/rules.d/70-laegeknap.rules").read_text(encoding="utf-8").splitlines()
    rules = [row.split(", ") for row in rows if row and not row.startswith("#")]
    assert rules
    for terms in rules:
        assert all(term.fullmatch(text) for text in terms), terms
        assert "==" in terms[0]
        assert "==" not in terms[-1]


def test_the_authority_has_a_user_of_its_own_that_no_process_with_a_browser_s_session_runs_as() -> None:
    authority = read("laegeknap-authority.service")["Service"]
    others = [read(unit)["Service"] for unit in EXPOSURE if unit != "laegeknap-authority.service"]
    assert authority["User"] not in [other["User"] for other in others]
    assert (authority["StateDirectoryMode"], authority["PrivateNetwork"]) == ("0700", "yes")
    region, socket = read("laegeknap-region@.service")["Service"], re.search(r"--socket (\S+)", authority["ExecStart"])
    assert socket is not None
    assert f"--authority {socket[1]}" in region["ExecStart"]
    assert f"--allow-user {region['User']}" in authority["ExecStart"]
    assert region["Group"] == authority["Group"], "or it cannot knock"
