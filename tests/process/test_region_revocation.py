"""A station that is revoked, against a real region with its authority and mosquitto: cut off, and not let in again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import ssl
import tomllib
from pathlib import Path

import psutil
import pytest

from messaging.clock import SystemClock
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Down, Inbound, LinkDown, LinkRefused, Up
from messaging.topics import region_subscriptions, up
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import EnrolmentFailed
from provisioning.station.keystore import Keystore
from provisioning.station.region_client import Refused, Renewed, Shown, renew
from region.broker import BrokerPaths
from tests.kits.eventually import eventually
from tests.kits.promptness import Stopwatch
from tests.process.region_stage import Region, agent_link, enrolled

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
HOST = "127.0.0.1"


async def test_a_revoked_station_is_cut_off_within_five_seconds_and_stays_out(region: Region, tmp_path: Path) -> None:
    _, keystore = await enrolled(region, tmp_path)
    identity = keystore.identity()
    assert identity is not None
    link = agent_link(region, keystore, identity.station)
    await link.start()
    events = link.events()
    try:
        async with asyncio.timeout(60):
            while not isinstance(await anext(events), Up):
                continue
            await link.publish(up(identity.station, "conn", "agent"), b"{}", retain=True)
            region.command("station", "revoke", identity.station, "--why", "stolen")
            watch = Stopwatch()
            while not isinstance(await anext(events), Down):
                continue
            assert watch.within(5.0), watch
            for _ in range(3):  # it tries again all the time, and each try ends like the first
                assert isinstance(await anext(events), Down)
        assert not link.is_up
    finally:
        await link.stop()
    key, roots = keystore.registered_key(), keystore.roots()
    with pytest.raises(Refused, match="station_barred"):
        await renew(identity.station, identity.url, roots, key, Shown(keystore.certificate, keystore.key))

    async def nothing_stays() -> bool:
        return await _retained(region) == []

    assert not await nothing_stays()
    region.command("station", "remove", identity.station)
    await eventually(nothing_stays, 30)
    assert identity.station not in region.command("station", "list")


async def _retained(region: Region) -> list[str]:
    """What the broker keeps of the stations' topics."""
    paths, marker = BrokerPaths(region.data / "broker"), up("st-looking0", "birth")
    own = (paths.ca, paths.region_certificate, paths.region_key)
    link = MqttLink(
        MqttSettings(HOST, region.broker, "looking", *own, kept_s=0), region_subscriptions(), None, SystemClock()
    )
    await link.start()
    found: list[str] = []
    try:
        async for event in link.events():
            if isinstance(event, Inbound):
                link.ack(event)
                if event.topic == marker:
                    return found
                if event.payload:
                    found.append(event.topic)
            elif isinstance(event, Up):
                await link.publish(marker, b"all that was retained has come before")
    finally:
        await link.stop()
    raise AssertionError("the link has ended")


async def test_a_stolen_station_that_fills_the_broker_is_shut_out_and_nothing_of_it_stays(
    region: Region, tmp_path: Path
) -> None:
    """By made-up names it cannot; under ids of calls it can, and that is heard of at once."""
    _, keystore = await enrolled(region, tmp_path)
    identity = keystore.identity()
    assert identity is not None
    thief, kept = agent_link(region, keystore, identity.station), b"\xff" * 50_000
    await thief.start()
    try:
        async with asyncio.timeout(60):
            assert isinstance((await thief.burst(1))[0], Up)
            with pytest.raises(LinkRefused):
                await thief.publish(f"vs/1/d/{identity.station}/up/m/made-up", kept, retain=True)
            with pytest.raises((LinkRefused, LinkDown)):  # the access list, or cut off
                for number in itertools.count():
                    await thief.publish(up(identity.station, "call", f"c{number:07}"), kept, retain=True)
            await eventually(lambda: not thief.is_up, 20, why=region.log.read_text)
    finally:
        await thief.stop()
    assert number > 100
    assert identity.station in region.command("station", "list", "--where", "state=quarantined")
    assert f"the key of {identity.station} fills the broker" in region.log.read_text()

    async def nothing_stays() -> bool:
        return await _retained(region) == []

    await eventually(nothing_stays, 30)


async def test_no_key_is_in_the_process_with_the_sessions_and_the_one_that_has_it_comes_back(
    region: Region, tmp_path: Path
) -> None:
    _, keystore = await enrolled(region, tmp_path)
    identity = keystore.identity()
    assert identity is not None
    opened = {Path(file.path).name for file in psutil.Process(region.process.pid).open_files()}
    assert not {name for name in opened if name.endswith("-key.pem")}
    first = region.authority()
    os.kill(first.pid, signal.SIGKILL)
    shown = Shown(keystore.certificate, keystore.key)

    async def renewed() -> Renewed | None:
        with contextlib.suppress(EnrolmentFailed):  # it is away just now
            return await renew(identity.station, identity.url, keystore.roots(), keystore.registered_key(), shown)

    answer = await eventually(renewed, 20)
    assert answer.certificate_pem == keystore.certificate.read_bytes(), "just enrolled: the same certificate again"
    assert region.authority().pid != first.pid


def prepared(region: Region, folder: Path) -> Enrolment:
    """A card of a new station that has not been put in yet."""
    folder.mkdir()
    made = json.loads(region.command("station", "add", f"The room of {folder.name}", "--site", "Solgården", "--json"))
    region.command("station", "code", made["id"], "--out", str(folder / "code.toml"))
    return Enrolment(Keystore(folder / "state"), folder / "code.toml")


async def test_a_rotation_while_it_runs_reaches_the_station_at_its_renewal(region: Region, tmp_path: Path) -> None:
    _, keystore = await enrolled(region, tmp_path)
    identity = keystore.identity()
    assert identity is not None
    (tmp_path / "pass").write_text("six random words are the best\n")
    passphrase = ("--passphrase-file", str(tmp_path / "pass"))
    region.command("ca", "offline", "--root", str(tmp_path / "root"), *passphrase)
    assert not (region.data / "ca" / "root-key.pem").exists()
    region.command("ca", "rotate", "stations", "--root", str(tmp_path / "root"), *passphrase)
    region.command("ca", "new-root", "--root", str(tmp_path / "root"), "--out", str(tmp_path / "root2"), *passphrase)
    shown = Shown(keystore.certificate, keystore.key)
    answer = await renew(identity.station, identity.url, keystore.roots(), keystore.registered_key(), shown)
    assert answer.ca_pem.count(b"BEGIN CERTIFICATE") == 2, "it trusts the new root too, by the old one's word"
    keystore.stage_renewal(answer.certificate_pem, answer.ca_pem)
    keystore.install_renewal()
    ssl.create_default_context(cafile=str(keystore.ca)).load_cert_chain(keystore.certificate, keystore.key)
    backup = str(tmp_path / "backup")
    region.command("ca", "backup", "--out", backup, *passphrase)
    before = {path.name: path.read_bytes() for path in (region.data / "ca").iterdir() if path.suffix == ".pem"}
    elsewhere = tmp_path / "elsewhere"
    region.command("ca", "restore", backup, *passphrase, data=elsewhere)
    assert {path.name: path.read_bytes() for path in (elsewhere / "ca").iterdir() if path.suffix == ".pem"} == before
    assert tomllib.loads((tmp_path / "code.toml").read_text())["enrolment"]["station"] == identity.station


async def test_a_new_root_and_new_intermediates_need_no_restart_and_lock_nobody_out(
    region: Region, tmp_path: Path
) -> None:
    """Stations that have learnt the new root stay in, new ones enrol by it, and the broker trusts both."""
    _, keystore = await enrolled(region, tmp_path)
    identity = keystore.identity()
    assert identity is not None
    (tmp_path / "pass").write_text("six random words are the best\n")
    passphrase = ("--passphrase-file", str(tmp_path / "pass"))
    log, old, new = tmp_path / "log", str(tmp_path / "root"), str(tmp_path / "root2")
    region.command("ca", "offline", "--root", old, *passphrase)
    region.command("ca", "new-root", "--root", old, "--out", new, *passphrase)
    shown = Shown(keystore.certificate, keystore.key)
    answer = await renew(identity.station, identity.url, keystore.roots(), keystore.registered_key(), shown)
    keystore.stage_renewal(answer.certificate_pem, answer.ca_pem)
    keystore.install_renewal()
    in_place = "the region's own are new, and in place"
    waiting = prepared(region, tmp_path / "waiting")
    for times, purpose in enumerate(("stations", "services"), 1):
        region.command("ca", "rotate", purpose, "--root", new, *passphrase)
        await eventually(lambda times=times: log.read_text().count(in_place) >= times, 60, why=log.read_text)
        if purpose == "stations":
            await waiting.enrol()  # by a card that was made before: it pins the old root
    assert "mosquitto is started anew" in log.read_text()

    (tmp_path / "second").mkdir()
    made = json.loads(region.command("station", "add", "Stue 5", "--site", "Solgården", "--json"))
    region.command("station", "code", made["id"], "--out", str(tmp_path / "second" / "code.toml"))
    second = Keystore(tmp_path / "second" / "state")
    await Enrolment(second, tmp_path / "second" / "code.toml").enrol()
    for station, store in ((identity.station, keystore), (made["id"], second)):
        link = agent_link(region, store, station)
        await link.start()
        try:
            async with asyncio.timeout(60):
                while not isinstance(await anext(link.events()), Up):
                    continue
        finally:
            await link.stop()
    first = tomllib.loads((tmp_path / "code.toml").read_text())["enrolment"]["ca_sha256"]
    assert tomllib.loads((tmp_path / "second" / "code.toml").read_text())["enrolment"]["ca_sha256"] != first
