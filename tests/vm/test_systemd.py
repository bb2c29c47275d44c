"""The units under a real systemd: they start in their sandboxes, a press calls, and what dies or freezes comes back."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from PIL import Image

from tests.kits.promptness import Stopwatch
from tests.vm.machine import Machine, all_active, all_new, running_machine, until, why_not

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

USERS = {"agent": "laegeknap", "call": "laegeknap", "screen": "laegeknap-screen", "region": "laegeknap-region"}
SERVICES = {name: f"laegeknap-{name}.service" for name in USERS}
MIRROR = "/run/laegeknap-screen/screen.jpg"
WATCHDOG_S = 6  # lowered, so that a frozen process is found while a test can wait for it
DROP = "/boot/firmware/laegeknap-code.toml"
TIMESYNCD = "systemd-timesyncd.service"
ASK = """import asyncio, pathlib, sys
from device.network.time_servers import Timesyncd
servers = Timesyncd(pathlib.Path("/"))
print(asyncio.run(servers.use(("ntp.example",)) if sys.argv[1] == "use" else servers.stop()))
"""
FILES = {
    "etc/laegeknap/station.toml": f'[station]\nhardware = "sim"\n[screen]\nmirror = "{MIRROR}"\n',
    **dict.fromkeys(
        (f"etc/systemd/system/{unit}.d/90-test.conf" for unit in SERVICES.values()),
        f"[Service]\nWatchdogSec={WATCHDOG_S}\n",
    ),
    f"etc/systemd/system/{TIMESYNCD}": "[Service]\nExecStart=/bin/sleep infinity\n",  # the real one: in no container
    "opt/ask.py": ASK,
    # cage without a display: wlroots draws into memory, and Qt without a GPU.
    f"etc/systemd/system/{SERVICES['screen']}.d/91-headless.conf": "[Service]\nEnvironment=WLR_BACKENDS=headless"
    " WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 QT_QUICK_BACKEND=software\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def booted() -> Iterator[Machine]:
    """A region and a station on one machine; the station knows of no region yet."""
    if reason := why_not():
        pytest.skip(reason)
    with running_machine(FILES, ("laegeknap.target", SERVICES["region"], "seatd.service")) as machine:
        yield machine
        print(machine.journal())  # shown where a test fails
    assert not psutil.pid_exists(machine.pid)
    assert "laegeknap-vm" not in Path("/proc/mounts").read_text()


@pytest.fixture
async def running(booted: Machine) -> Machine:
    """All four services are up."""
    await all_active(booted, SERVICES.values())
    return booted


@pytest.fixture
async def enrolled(running: Machine) -> Machine:
    """The station has been enrolled with a code file, as a technician does it, and a press would call."""
    if not running.path("/var/lib/laegeknap/identity.json").exists():
        clinic, site = ("clinic", "add", "Bakkens Klinik"), ("site", "add", "Solgården")
        await asyncio.gather(*(asyncio.to_thread(region, running, *command) for command in (clinic, site)))
        record = region(running, "station", "add", "Room 4", "--site", site[-1], "--clinic", clinic[-1])
        running.write(DROP, running.run("region", "station", "code", record["id"], user=USERS["region"]).stdout)
        running.run("systemctl", "start", "laegeknap-code.service")
    await would_call(running)
    return running


def region(machine: Machine, *command: str) -> Any:
    """A `region` command on the running region's data, as whoever looks after it would run it."""
    return machine.json("region", *command, "--json", user=USERS["region"])


def station(machine: Machine) -> dict[str, Any]:
    """What `station status` says."""
    status: dict[str, Any] = machine.json("station", "status", "--json", ok=False)
    return status


async def would_call(machine: Machine) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        status = station(machine)
        return status if status["ready"] and status["call"]["state"] == "idle" else None

    return await until(look, "a call would work")


async def test_every_service_says_it_is_ready_and_systemd_has_nothing_to_remark(running: Machine) -> None:
    said = running.journal("_PID=1", "--priority=warning")
    assert "laegeknap" not in said, said
    assert {unit: running.unit(unit).restarts for unit in SERVICES.values()} == dict.fromkeys(SERVICES.values(), 0)


@pytest.mark.parametrize("name", sorted(USERS))
async def test_each_process_is_its_own_user_with_no_rights_over_the_machine(running: Machine, name: str) -> None:
    status = running.status_of(running.unit(SERVICES[name]).pid)
    user = running.run("id", "--user", USERS[name]).stdout.strip()
    assert set(status["Uid"].split()) == {user}
    assert {int(status[mask], 16) for mask in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


@pytest.mark.parametrize("name", sorted(USERS))
async def test_even_root_could_change_nothing_in_a_sandbox(running: Machine, name: str) -> None:
    unit = SERVICES[name]
    assert "Read-only" in running.inside(unit, "touch", "/etc/laegeknap/mine").stderr
    assert "Read-only" in running.inside(unit, "touch", "/opt/laegeknap/mine").stderr
    assert running.inside(unit, "ls", "/root").stdout == ""


async def test_each_service_reaches_its_own_state_and_not_the_others(running: Machine) -> None:
    key, registry = "/var/lib/laegeknap", "/var/lib/laegeknap-region"
    assert running.inside(SERVICES["region"], "touch", f"{registry}/probe").returncode == 0
    assert running.inside(SERVICES["agent"], "touch", f"{key}/probe").returncode == 0
    assert "Read-only" in running.inside(SERVICES["call"], "touch", f"{key}/probe").stderr
    assert running.inside(SERVICES["screen"], "ls", key).stdout == "", "the screen can see no key"
    assert "Read-only" in running.inside(SERVICES["agent"], "touch", f"{registry}/probe").stderr
    owner = running.run("stat", "--format=%U %a", registry, key).stdout.splitlines()
    assert owner == ["laegeknap-region 700", "laegeknap 700"]


async def test_the_screen_has_no_network(running: Machine) -> None:
    assert "127.0.0.1" in running.inside(SERVICES["agent"], "cat", "/proc/net/fib_trie").stdout
    tcp = running.inside(SERVICES["screen"], "cat", "/proc/net/tcp").stdout.splitlines()
    assert len(tcp) == 1, "not even the region's listening sockets"


async def test_the_region_keeps_a_broker_of_its_own_in_its_sandbox(running: Machine) -> None:
    main = running.unit(SERVICES["region"]).pid
    broker = int(running.run("pgrep", "--parent", str(main), "mosquitto").stdout)
    status, parent = running.status_of(broker), running.status_of(main)
    assert [status[key] for key in ("Uid", "CapBnd", "Seccomp")] == [
        parent[key] for key in ("Uid", "CapBnd", "Seccomp")
    ]
    assert "8403" in running.run("cat", "/var/lib/laegeknap-region/broker/mosquitto.conf").stdout


async def test_the_button_process_outranks_the_others(running: Machine) -> None:
    def nice(pid: int) -> int:
        return int(running.run("ps", "-o", "ni=", "-p", str(pid)).stdout)

    usual = nice(1)  # these tests may run with a nice of their own
    assert {name: nice(running.unit(unit).pid) for name, unit in SERVICES.items()} == {
        "call": -5, "agent": usual, "screen": usual, "region": usual,
    }  # fmt: skip


async def test_a_boot_without_code_file_is_degraded_and_no_failure(running: Machine) -> None:
    outcomes = [
        json.loads(running.path(f"/run/laegeknap/{hook}.json").read_text()) for hook in ("first-boot", "boot-check")
    ]
    assert [outcome["outcome"] for outcome in outcomes] == ["degraded", "ok"]
    boot = running.unit("laegeknap-boot.service")
    assert (boot.active, boot.result) == ("active", "success")


@pytest.mark.parametrize(
    ("config", "status", "outcomes"),
    [
        ('[station]\nstate_dir = "/etc/laegeknap/nowhere"\n', 20, {"first-boot": "failed", "boot-check": "failed"}),
        ("[[[", 64, {}),
    ],
)
async def test_a_boot_that_failed_is_a_failed_unit_every_hook_has_spoken_and_the_station_runs(
    running: Machine, config: str, status: int, outcomes: dict[str, str]
) -> None:
    spoilt, drop_in = "/run/spoilt.toml", "/run/systemd/system/laegeknap-boot.service.d/99-spoilt.conf"
    running.write(spoilt, config)
    running.write(drop_in, f"[Service]\nEnvironment=STATION_CONFIG={spoilt}\n")
    for hook in ("first-boot", "boot-check"):
        running.path(f"/run/laegeknap/{hook}.json").unlink(missing_ok=True)
    try:
        running.run("systemctl", "daemon-reload")
        running.run("systemctl", "restart", "laegeknap-boot.service", ok=False)
        boot = running.unit("laegeknap-boot.service")
        assert (boot.active, boot.status) == ("failed", status)
        written = {
            path.stem: json.loads(path.read_text())["outcome"]
            for path in running.path("/run/laegeknap").glob("*-*.json")
        }
        assert {hook: written[hook] for hook in written if hook != "take-code"} == outcomes
        assert running.unit(SERVICES["agent"]).active == running.unit(SERVICES["call"]).active == "active"
    finally:
        running.path(drop_in).unlink()
        running.run("systemctl", "daemon-reload")
        running.run("systemctl", "restart", "laegeknap-boot.service")


async def test_a_request_to_set_the_clock_is_taken_up_in_its_sandbox_and_a_senseless_one_sets_nothing(
    running: Machine,
) -> None:
    """In the year 2200: the clock of a machine in namespaces is its host's, and stays as it is."""
    boot = running.run("cat", "/proc/sys/kernel/random/boot_id").stdout.strip()
    outcome = running.path("/run/laegeknap/set-clock.json")
    running.write("/run/laegeknap/clock-wanted", f"{boot} 7258118400.000 {time.monotonic():.3f}\n")
    try:
        await until(outcome.exists, "the hook has spoken")
        (finding,) = json.loads(outcome.read_text())["findings"]
        assert finding == {"check": "set_clock", "state": "degraded", "detail": "impossible"}
        assert not running.path("/run/laegeknap/clock-wanted").exists()
        await until(lambda: running.unit("laegeknap-clock.service").result == "success", "it is no failure")
    finally:
        outcome.unlink(missing_ok=True)


async def test_polkit_lets_the_agent_in_its_sandbox_start_and_stop_timesyncd_and_nothing_else(running: Machine) -> None:
    running.run("systemctl", "start", "dbus.socket", "polkit.service", TIMESYNCD)
    before = running.unit(TIMESYNCD).pid
    assert running.once(SERVICES["agent"], "/opt/laegeknap/bin/python", "/opt/ask.py", "use").result == "success"
    await until(lambda: running.unit(TIMESYNCD).pid not in (0, before), "it asks others from now on")
    assert "NTP=ntp.example" in running.run("cat", "/run/systemd/timesyncd.conf.d/60-laegeknap.conf").stdout
    assert running.once(SERVICES["agent"], "/opt/laegeknap/bin/python", "/opt/ask.py", "stop").result == "success"
    await until(lambda: running.unit(TIMESYNCD).active == "inactive", "it asks nobody")
    for command in (("stop", SERVICES["region"]), ("start", TIMESYNCD), ("daemon-reload",)):
        asked = running.once(SERVICES["agent"], "/usr/bin/systemctl", "--no-ask-password", *command)
        assert asked.result == "exit-code"
    refused = "authentication required"
    await until(lambda: running.journal("--identifier=systemctl").count(refused) == 3, "polkit has said no to each")
    assert (running.unit(SERVICES["region"]).active, running.unit(TIMESYNCD).active) == ("active", "inactive")


async def test_sound_is_there_from_boot_on_without_anybody_signed_in(running: Machine) -> None:
    running.run("systemctl", "start", "dbus.socket", "systemd-logind.service")
    await until(running.path("/run/laegeknap/sound").exists, "PipeWire of the station's user listens")
    become = ("setpriv", "--reuid=laegeknap", "--regid=laegeknap", "--clear-groups")
    asked = running.inside(SERVICES["call"], *become, "pactl", "--server=unix:/run/laegeknap/sound", "info")
    assert "PipeWire" in asked.stdout, asked.stderr


async def test_a_code_file_on_the_boot_partition_makes_it_a_station_that_can_call(enrolled: Machine) -> None:
    status = station(enrolled)
    assert (status["agent"]["link"], status["agent"]["config"]["clinic"]) == ("up", "Bakkens Klinik")
    assert not enrolled.path(DROP).exists(), "a used code is left lying nowhere"
    assert not enrolled.path("/var/lib/laegeknap/code.toml").exists()
    owners = enrolled.run("stat", "--format=%U %a", "/var/lib/laegeknap/key.pem").stdout
    assert owners == "laegeknap 600\n"


async def test_a_press_rings_at_the_region_and_a_second_takes_it_back(enrolled: Machine) -> None:
    assert enrolled.run("station", "press").stdout == "idle -> calling\n"
    await until(lambda: last_call(enrolled) == ("call.requested", "waiting"), "it rings at the region")
    assert station(enrolled)["call"]["state"] == "calling"
    assert enrolled.run("station", "press").stdout == "calling -> ending\n"
    await until(lambda: last_call(enrolled) == ("call.ended", "cancelled"), "the region knows it is off")


def last_call(machine: Machine) -> tuple[str, str]:
    calls = [row for row in region(machine, "audit", "list") if row["action"].startswith("call.")]
    return (calls[0]["action"], calls[0]["outcome"]) if calls else ("", "")


async def test_the_screen_shows_the_station_under_its_compositor(enrolled: Machine) -> None:
    await until(lambda: station(enrolled)["agent"]["processes"]["screen"] == "running", "the agent sees the screen")

    def shown() -> bool:
        with Image.open(enrolled.path(MIRROR)) as picture:
            return len(picture.convert("L").getcolors() or ()) > 8

    await until(lambda: enrolled.path(MIRROR).exists() and shown(), "a picture that is not blank")


async def test_what_is_killed_is_back_within_three_seconds_and_the_station_can_call_again(enrolled: Machine) -> None:
    before = {unit: enrolled.unit(unit) for unit in SERVICES.values()}
    watch = Stopwatch()
    for unit in SERVICES.values():
        enrolled.kill(unit, signal.SIGKILL)
    await all_new(enrolled, before, 60.0)
    assert watch.within(3.0), watch
    await all_active(enrolled, SERVICES.values())
    await would_call(enrolled)
    assert {unit: enrolled.unit(unit).restarts - was.restarts for unit, was in before.items()} == dict.fromkeys(
        before, 1
    )


async def test_what_freezes_is_ended_by_the_watchdog_and_started_again(enrolled: Machine) -> None:
    before = {unit: enrolled.unit(unit) for unit in SERVICES.values()}
    for name, unit in SERVICES.items():
        # The screen's main process is cage; it is the child that shows, and the child that can freeze.
        enrolled.kill(unit, signal.SIGSTOP, "station screen" if name == "screen" else "")
    await all_new(enrolled, before, WATCHDOG_S + 10)
    for unit in before:
        await until(lambda unit=unit: "Watchdog timeout" in enrolled.journal("_PID=1", f"UNIT={unit}"), f"{unit} froze")
    await all_active(enrolled, SERVICES.values())
    await would_call(enrolled)


async def test_a_stop_is_orderly_and_the_next_start_needs_nothing_new(enrolled: Machine) -> None:
    enrolled.run("systemctl", "stop", "laegeknap.target", SERVICES["region"])
    ended = {name: enrolled.unit(unit) for name, unit in SERVICES.items()}
    assert {name: (unit.active, unit.result) for name, unit in ended.items()} == dict.fromkeys(
        USERS, ("inactive", "success")
    )
    stopping = enrolled.journal(f"--unit={SERVICES['region']}", "--lines=20")
    assert "ended by itself" not in stopping, "the region ends its broker; systemd does not do it behind its back"
    enrolled.run("systemctl", "start", "laegeknap.target", SERVICES["region"])
    await would_call(enrolled)
