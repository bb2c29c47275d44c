"""`region serve` as a process: its own mosquitto, enrolment over TLS, config to a station, an orderly end."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from cryptography import x509

from messaging.clock import SystemClock
from messaging.codec import decode
from messaging.enrolment import read_code_file, split_address
from messaging.envelope import Sealer, open_envelope
from messaging.link.mqtt import MqttLink, MqttSettings, knock
from messaging.link.port import Inbound, LinkRefused
from messaging.signed import carried, read_word
from messaging.status import Birth, Connection
from messaging.topics import agent_subscriptions, down, up
from messaging.twin import Config, Desired, Reported
from provisioning.station import region_client
from provisioning.station.errors import Refused
from tests.kits.servers.broker import free_port

pytestmark = pytest.mark.system
WITHIN_S = 40.0


@dataclass
class Serving:
    """A region that runs, and the command beside it."""

    data: Path
    ports: dict[str, int]
    process: subprocess.Popen[str]

    def command(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "region.cli", *arguments, "--data", str(self.data)],
            capture_output=True, text=True, timeout=WITHIN_S, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def station(self) -> str:
        """A station, made by the command line as IT would."""
        self.command("clinic", "add", "Bakkens Klinik", "--phone", "+45 12 34 56 78")
        self.command("site", "add", "Solgården")
        made = self.command("station", "add", "Stue 4", "--site", "Solgården", "--clinic", "Bakkens Klinik", "--json")
        station: str = json.loads(made)["id"]
        return station

    def mosquitto(self) -> psutil.Process:
        return self.child("mosquitto")

    def child(self, name: str) -> psutil.Process:
        (child,) = [one for one in psutil.Process(self.process.pid).children() if name in " ".join(one.cmdline())]
        return child


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    ports = {"--port": free_port(), "--enrol-port": free_port(), "--broker-port": free_port()}
    options = [word for option, port in ports.items() for word in (option, str(port))]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "region.cli", "serve", "--data", str(tmp_path / "data"), *options],
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"The region is ready: http://127.0.0.1:{ports['--port']}\n"
            yield Serving(tmp_path / "data", ports, process)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=WITHIN_S)


@dataclass
class StationSide:
    """A station's agent as the wire sees it."""

    station: str
    link: MqttLink
    sealer: Sealer
    inbox: asyncio.Queue[Inbound]
    roots: list[x509.Certificate]

    async def says(self, message: object, *branch: str) -> None:
        retain = branch[0] == "conn"
        async with asyncio.timeout(WITHIN_S):
            await self.link.publish(up(self.station, *branch), self.sealer.seal(message), retain=retain)

    async def desired(self, version: int) -> Desired:
        async with asyncio.timeout(WITHIN_S):
            while True:
                message = await self.inbox.get()
                if message.topic == down(self.station, "desired"):
                    word = read_word(
                        carried(open_envelope(message.payload).data), kind="desired", station=self.station,
                        roots=self.roots, wall=SystemClock().wall(), clock_trusted=True,
                    )  # fmt: skip
                    if word.version == version:
                        return Desired(version, decode(Config, word.body["config"]))


async def _enrol(serving: Serving, station: str, folder: Path) -> tuple[MqttSettings, bytes]:
    """By the code file, with the station's own half of provisioning."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    text = await asyncio.to_thread(serving.command, "station", "code", station)
    code_file = read_code_file(text)
    trust = await region_client.fetch_trust(code_file.url, code_file.ca_sha256)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = await region_client.enrol(code_file, trust, key)
    paths = {name: folder / f"{name}.pem" for name in ("ca", "certificate", "key")}
    paths["ca"].write_bytes(trust.root_pem)
    paths["certificate"].write_bytes(certificate)
    paths["key"].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    host, port = split_address(code_file.broker)
    settings = MqttSettings(host, port, f"{station}-agent", paths["ca"], paths["certificate"], paths["key"])
    with pytest.raises(Refused):  # the code has gone to that key, and to no other
        await region_client.enrol(code_file, trust, ec.generate_private_key(ec.SECP256R1()))
    return settings, certificate


@pytest.fixture
async def side(serving: Serving, tmp_path: Path) -> AsyncIterator[StationSide]:
    station = await asyncio.to_thread(serving.station)
    settings, _ = await _enrol(serving, station, tmp_path)
    clock = SystemClock()
    link = MqttLink(settings, agent_subscriptions(station), None, clock)
    roots = x509.load_pem_x509_certificates(settings.ca.read_bytes())
    side = StationSide(station, link, Sealer(clock.monotonic, clock.wall), asyncio.Queue(), roots)

    async def listen() -> None:
        async for event in link.events():
            if isinstance(event, Inbound):
                link.ack(event)
                side.inbox.put_nowait(event)

    await link.start()
    listening = asyncio.create_task(listen())
    yield side
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await link.stop()


async def _shown(serving: Serving, station: str, until) -> dict:
    """What `region station show` says, once it says what is waited for."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            shown = json.loads(await asyncio.to_thread(serving.command, "station", "show", station, "--json"))
            if until(shown["standing"]):
                standing: dict = shown["standing"]
                return standing


async def test_a_station_enrols_is_configured_and_seen(serving: Serving, side: StationSide) -> None:
    first = await side.desired(1)
    assert (first.config.clinic, first.config.phone, first.config.site) == (
        "Bakkens Klinik",
        "+45 12 34 56 78",
        "Solgården",
    )
    await side.says(Connection("agent", "online", side.sealer.boot, 1, {"laegeknap": "0.1.0"}), "conn", "agent")
    await side.says(Birth("sim", {"laegeknap": "0.1.0"}, 1), "birth")
    await side.says(Reported(1, first.config, {}), "reported")
    standing = await _shown(serving, side.station, lambda s: s["agent_online"] and s["version_in_force"] == 1)
    assert standing["versions"] == {"laegeknap": "0.1.0"}
    await asyncio.to_thread(serving.command, "station", "set", side.station, "--volume", "95", "--language", "en")
    second = await side.desired(2)
    assert (second.config.volume, second.config.language) == (95, "en")
    for branch in ("dn/desired", "dn/rebirth"):
        with pytest.raises(LinkRefused):  # a station commands nobody
            await side.link.publish(f"vs/1/d/{side.station}/{branch}", b"{}")
    with pytest.raises(LinkRefused):  # nor speaks for another
        await side.link.publish(up("st-someother", "birth"), b"{}")


async def test_nobody_takes_the_regions_place_at_the_broker(
    serving: Serving, side: StationSide, tmp_path: Path
) -> None:
    """mosquitto gives a session to whoever names its client id, so nobody knows the one by which the region hears."""
    for client_id in ("region", f"region-{'0' * 32}"):
        await knock(replace(side.link._settings, client_id=client_id))
    await side.says(Connection("agent", "online", side.sealer.boot, 1, {}), "conn", "agent")
    await _shown(serving, side.station, lambda s: s["agent_online"])
    assert "is down" not in (tmp_path / "log").read_text(), "the region has not been disconnected"


async def test_a_broker_that_dies_is_started_again_and_config_reaches_stations(
    serving: Serving, side: StationSide
) -> None:
    await side.desired(1)
    old = serving.mosquitto()
    old.kill()
    await asyncio.to_thread(serving.command, "station", "set", side.station, "--volume", "20")
    assert (await side.desired(2)).config.volume == 20
    assert serving.mosquitto().pid != old.pid


def test_ctrl_c_ends_everything_it_started(serving: Serving) -> None:
    child = serving.mosquitto()
    serving.process.send_signal(signal.SIGINT)
    assert serving.process.wait(WITHIN_S) == 0
    assert not child.is_running()


def test_a_taken_port_is_one_sentence_that_names_it(serving: Serving, tmp_path: Path) -> None:
    for option, port in serving.ports.items():
        free = [word for name in serving.ports if name != option for word in (name, str(free_port()))]
        second = subprocess.run(
            [sys.executable, "-m", "region.cli", "serve", "--data", str(tmp_path / "second"), option, str(port), *free],
            capture_output=True, text=True, timeout=WITHIN_S, check=False,
        )  # fmt: skip
        assert second.returncode == 2
        *_, last = second.stderr.splitlines()
        assert f"port {port} " in last
        assert option in last
        assert "Traceback" not in second.stderr


def test_state_is_for_the_region_alone_and_links_are_not_in_the_log(serving: Serving, tmp_path: Path) -> None:
    serving.command("user", "add", "ivan", "--role", "it_admin")
    link = serving.command("link", "ivan").strip()
    assert link.startswith(f"http://127.0.0.1:{serving.ports['--port']}/once/")
    opened = urllib.request.Request(link, headers={"Accept": "text/html"})
    page = urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(opened).read().decode()
    assert "Second step" in page, "IT sets it up at the first sign-in"
    assert link.rpartition("/")[2] not in (tmp_path / "log").read_text()
    assert oct(serving.data.stat().st_mode & 0o777) == "0o700"


def test_a_flood_at_the_enrolment_door_is_cut_short(serving: Serving) -> None:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = f"https://127.0.0.1:{serving.ports['--enrol-port']}/.well-known/est/stations/simpleenroll"
    request = urllib.request.Request(address, b"A" * 1_000_000, {"Authorization": "Basic c3Q6YQ=="})
    with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)) as refused:
        urllib.request.urlopen(request, context=context, timeout=WITHIN_S)
    if isinstance(refused.value, urllib.error.HTTPError):
        assert refused.value.code == 413
        refused.value.close()
    assert serving.process.poll() is None
