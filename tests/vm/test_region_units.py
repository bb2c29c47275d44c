"""A region of several processes under a real systemd, started as the guide says: authority, broker, three roles."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from messaging.enrolment import EST_PATH
from region.authority import wire
from tests.kits.servers.postgres import binary
from tests.vm.machine import Machine, all_active, all_new, running_machine, until, why_not

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

PAGES = Path(__file__).parents[2] / "docs/operations"
GUIDE, FIRST_DAY = PAGES / "scaling.md", PAGES / "first-station.md"
AUTHORITY, BROKER = "laegeknap-authority.service", "laegeknap-broker.service"
WEB, ENROLMENT, STATIONS = (f"laegeknap-region@{role}.service" for role in ("web", "enrolment", "stations"))
AGENT = "laegeknap-agent.service"
REGION = "laegeknap-region"  # the user of all but the authority
USERS = {AUTHORITY: "laegeknap-authority", BROKER: REGION, WEB: REGION, ENROLMENT: REGION, STATIONS: REGION}
KEYS = "/var/lib/laegeknap-authority/ca"
DATABASE = "postgresql://region@/region?host=/run/postgresql"
FILES = {
    "etc/laegeknap/region.env": f"REGION_DATABASE={DATABASE}\n"
    "REGION_OPTIONS=--broker localhost:8403 --public-url http://localhost:8400\n",
    "etc/laegeknap/station.toml": '[station]\nhardware = "sim"\n',
    "root/passphrase": "six random words are the best\n",
    "etc/systemd/system/database.service": f"""[Service]
Type=notify
User=postgres
StateDirectory=database
StateDirectoryMode=0700
RuntimeDirectory=postgresql
ExecStartPre={binary("initdb")} -D /var/lib/database -U region -A trust -E UTF8 --locale=C -N
ExecStart={binary("postgres")} -D /var/lib/database -k /run/postgresql -c listen_addresses= -c fsync=off
ExecStartPost={binary("createdb")} -h /run/postgresql -U region region
[Install]
WantedBy=multi-user.target
""",
}


@pytest.fixture(scope="module")
def started() -> Iterator[Machine]:
    """What the guide has somebody type as root, on a machine with a PostgreSQL."""
    if reason := why_not():
        pytest.skip(reason)
    units = re.search(r"^## Units$(.*?)^## ", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert units is not None
    (typed,) = re.findall(r"^```sh\n(.*?)^```$", units[1], re.MULTILINE | re.DOTALL)
    with running_machine(FILES, ("database.service",)) as machine:
        try:
            machine.run("systemctl", "start", "database.service")
            machine.run("sh", "-eu", "-c", f"cd /root\n{typed}")
            yield machine
        finally:
            print(machine.journal())  # shown where a test fails


@pytest.fixture
async def region(started: Machine) -> Machine:
    """All of it is up."""
    await all_active(started, USERS)
    return started


def told(machine: Machine, *command: str) -> Any:
    """A `region` command, as the guide has it given beside several processes."""
    where = (f"REGION_DATABASE={DATABASE}", "REGION_DATA=/var/lib/laegeknap-region/web")
    return machine.json("env", *where, "region", *command, "--json", user=REGION)


def fetched(machine: Machine, url: str) -> str:
    """A page, as anybody on the machine gets it who trusts the region's root."""
    script = (
        "import ssl, sys, urllib.request as u\n"
        "trust = ssl.create_default_context(cafile=sys.argv[2])\n"
        "print(u.urlopen(sys.argv[1], context=trust, timeout=10).read().decode())"
    )
    return machine.run("python", "-c", script, url, f"{KEYS}/root.pem").stdout


def link(machine: Machine) -> str:
    """How the station's agent stands with the broker."""
    status = machine.json("station", "status", "--json", ok=False)
    return str(status["agent"]["link"]) if status and status.get("agent") else ""


async def test_every_process_says_it_is_ready_as_its_own_user_and_systemd_has_nothing_to_remark(
    region: Machine,
) -> None:
    for unit, user in USERS.items():
        status = region.status_of(region.unit(unit).pid)
        assert set(status["Uid"].split()) == {region.run("id", "--user", user).stdout.strip()}, unit
        assert {int(status[mask], 16) for mask in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}, unit
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), unit
    said = region.journal("_PID=1", "--priority=warning")
    assert "laegeknap" not in said, said
    assert {unit: region.unit(unit).restarts for unit in USERS} == dict.fromkeys(USERS, 0)


async def test_the_region_s_user_reads_nothing_of_the_authority_s(region: Machine) -> None:
    key, pid = f"{KEYS}/stations-key.pem", region.unit(AUTHORITY).pid
    assert "PRIVATE KEY" in region.run("cat", key).stdout, "it is there, for root"
    for path in (key, f"/proc/{pid}/mem", f"/proc/{pid}/environ"):
        assert "Permission denied" in region.run("cat", path, user=REGION, ok=False).stderr, path
    owners = region.run("stat", "--format=%U %a", KEYS.removesuffix("/ca"), key).stdout.splitlines()
    assert owners == ["laegeknap-authority 700", "laegeknap-authority 600"]
    tcp = {unit: region.inside(unit, "cat", "/proc/net/tcp").stdout.splitlines() for unit in (WEB, AUTHORITY)}
    assert len(tcp[WEB]) > len(tcp[AUTHORITY]) == 1, "the authority has no network"


def test_the_authority_answers_nobody_who_was_not_named_whatever_the_socket_s_group(region: Machine) -> None:
    question = wire.to_line(wire.Describe())
    script = (
        f"import socket as s; c = s.socket(s.AF_UNIX); c.connect('/run/{KEYS.split('/')[3]}/authority.sock')\n"
        f"try:\n    c.sendall({question!r}); print(len(c.recv(65536)))\n"
        "except OSError:\n    print(0)"
    )
    heard = {}
    for user in (REGION, "nobody"):
        become = ("setpriv", f"--reuid={user}", f"--regid={REGION}", "--clear-groups")
        heard[user] = int(region.run(*become, "python", "-c", script).stdout)
    assert heard[REGION] > 500
    assert heard["nobody"] == 0
    assert "knocked, and is not answered" in region.journal("-u", AUTHORITY)


def test_the_guide_s_way_to_the_region_s_user_leads_to_a_home_where_nobody_else_can_look(region: Machine) -> None:
    command = re.search(r"`(su [^`]+)`", FIRST_DAY.read_text(encoding="utf-8"))
    assert command is not None
    told = region.run(
        *shlex.split(command[1]), "-c", "id -un && pwd && stat --format='%a %U' . && touch here && rm here"
    )
    assert told.stdout.split() == [REGION, f"/var/lib/{REGION}", "700", REGION]


async def test_people_find_the_sign_in_page_and_stations_the_enrolment_door(region: Machine) -> None:
    assert 'name="password"' in fetched(region, "http://localhost:8400/sign-in")
    assert len(fetched(region, f"https://localhost:8402{EST_PATH}/cacerts")) > 1000


async def test_a_station_comes_in_by_its_code_and_is_shut_out_at_the_broker(region: Machine) -> None:
    told(region, "site", "add", "Solgården")
    station = told(region, "station", "add", "Room 4", "--site", "Solgården")["id"]
    region.write("/boot/firmware/laegeknap-code.toml", told(region, "station", "code", station)["toml"])
    region.run("systemctl", "start", "laegeknap-code.service", AGENT)
    await until(lambda: link(region) == "up", "it has enrolled, and the broker has let it in")
    told(region, "station", "revoke", station, "--why", "stolen")
    await until(lambda: link(region) != "up", "it is cut off")
    await until(lambda: "certificate verify failed" in region.journal("-u", BROKER), "it is not let in again")
    region.run("systemctl", "stop", AGENT)


async def test_what_is_killed_is_back_and_works(region: Machine) -> None:
    before = {unit: region.unit(unit) for unit in USERS}
    for unit in USERS:
        region.kill(unit, signal.SIGKILL)
    await all_new(region, before, 60.0)
    await all_active(region, USERS)
    assert 'name="password"' in fetched(region, "http://localhost:8400/sign-in")


async def test_a_stop_is_orderly(region: Machine) -> None:
    region.run("systemctl", "stop", *USERS)
    ended = {unit: region.unit(unit) for unit in USERS}
    assert {unit: (one.active, one.result) for unit, one in ended.items()} == dict.fromkeys(
        USERS, ("inactive", "success")
    )
    assert region.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "laegeknap*").stdout == ""
