"""Relays on the way: real coturn, a station that may use nothing else, and relays that refuse, are silent or die."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.call.events import PeerConnected, PeerLost
from device.media import aiortc_hooks
from device.media.aiortc_hooks.ice import RELEASE_S
from device.media.errors import MediaError
from device.media.ice_plan import MOST_S
from messaging.call import IceServer
from tests.kits.promptness import Stopwatch
from tests.kits.servers.broker import Authority, free_port
from tests.kits.servers.turn import running_relay
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer

pytestmark = pytest.mark.system
SOON_S = 10.0  # on a crowded machine; what is compared with it would otherwise take half a minute


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A UDP port that takes everything and answers nothing, like a firewall."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        yield taker.getsockname()[1]


async def talk(station: Station, *servers: IceServer, generation: int = 1) -> StockPeer:
    """A call by relays only, until pictures reach the other side."""
    peer = station.peer()
    await station.media.open()
    offer = await station.engine.prepare(generation, servers, relay_only=True)
    assert "typ relay" in offer
    assert "typ host" not in offer
    await station.engine.answer(generation, await peer.answer(offer))
    station.engine.open()
    await station.hears(PeerConnected(generation))
    await peer.gets("video", 10)
    return peer


async def test_a_call_goes_through_a_relay_and_nothing_but_the_relay(station: Station, tmp_path: Path) -> None:
    async with running_relay(tmp_path) as relay:
        await talk(station, *relay.servers())

        made = station.engine._carrier or station.engine._newer
        assert made is not None
        assert aiortc_hooks.selected_path(made.peer._sound) == "relay"


async def test_where_udp_is_refused_the_relay_is_reached_by_tcp(station: Station, tmp_path: Path) -> None:
    async with running_relay(tmp_path, "--no-udp") as relay:
        servers = relay.servers(relay.url, f"{relay.url}?transport=tcp")
        peer = await talk(station, *servers)
        await peer.gets("audio", 20)


async def test_where_nothing_else_is_let_out_the_relay_is_reached_by_tls(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path / "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    async with running_relay(tmp_path, tls=authority.issue("relay")) as relay:
        url = relay.url.replace("turn:", "turns:") + "?transport=tcp"
        await talk(station, *relay.servers(relay.url, f"{relay.url}?transport=tcp", url))


async def test_a_relay_whose_certificate_nobody_vouches_for_is_not_used(
    station: Station, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path / "authority")
    async with running_relay(tmp_path, tls=authority.issue("relay")) as relay:
        url = relay.url.replace("turn:", "turns:")
        with pytest.raises(MediaError, match="no relay can be reached"):
            await station.engine.prepare(1, relay.servers(url), relay_only=True)
    assert "certificate" in caplog.text


async def test_a_silent_relay_beside_one_that_answers_costs_an_offer_next_to_nothing(
    station: Station, tmp_path: Path
) -> None:
    async with running_relay(tmp_path) as relay:
        with silent_port() as dead:
            watch = Stopwatch()
            await talk(station, *relay.servers(f"turn:127.0.0.1:{dead}", relay.url))
            assert watch.within(SOON_S), watch


async def test_a_server_that_was_silent_once_is_not_waited_for_in_the_next_offer(station: Station) -> None:
    with silent_port() as dead:
        servers = (
            IceServer((f"stun:127.0.0.1:{dead}",)),
            IceServer((f"turn:127.0.0.1:{dead}",), "someone", "something"),
        )
        first = Stopwatch()
        await station.engine.prepare(1, servers)
        assert first.taken_s >= MOST_S
        second = Stopwatch()
        await station.engine.prepare(2, servers)
        assert second.within(MOST_S / 2), second


async def test_without_any_relay_a_call_by_relays_only_is_refused_not_made_another_way(station: Station) -> None:
    with pytest.raises(MediaError, match="no relay can be reached"):
        await station.engine.prepare(1, (IceServer((f"turn:127.0.0.1:{free_port()}",), "a", "b"),), relay_only=True)


async def test_when_the_relay_dies_in_a_call_the_next_offer_goes_by_another(station: Station, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    async with running_relay(tmp_path / "one") as one, running_relay(tmp_path / "other") as other:
        await talk(station, *one.servers())
        await one.die()
        await station.hears(PeerLost(1))

        watch = Stopwatch()
        peer = await talk(station, *one.servers(), *other.servers(), generation=2)
        assert watch.within(SOON_S), f"aioice alone takes 39 s to let go of a dead relay, {RELEASE_S} s is ours"
        assert peer.received["video"] >= 10


async def test_a_relay_that_refused_old_credentials_is_used_as_soon_as_there_are_new_ones(
    station: Station, tmp_path: Path
) -> None:
    async with running_relay(tmp_path) as relay:
        old = IceServer((relay.url,), "1:st-00000001", "long expired")
        assert "typ relay" not in await station.engine.prepare(1, (old,))
        assert "typ relay" in await station.engine.prepare(2, relay.servers())


async def test_closing_leaves_no_task_of_a_relay_that_never_answers(station: Station) -> None:
    before = asyncio.all_tasks()
    with silent_port() as dead:
        await station.engine.prepare(1, (IceServer((f"turn:127.0.0.1:{dead}",), "someone", "something"),))
        assert asyncio.all_tasks() - before, "nobody is asked any more"
        async with asyncio.timeout(SOON_S):
            await station.engine.close()
        assert asyncio.all_tasks() - before == set()
