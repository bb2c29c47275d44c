"""The private parts of aioice that device/media/aiortc_hooks/ice.py holds on to.

If one of these fails after an upgrade, calls break in the way the message says: look at that hook before anything else.
"""

from __future__ import annotations

import asyncio
import inspect
import struct
import time
from types import SimpleNamespace
from typing import Any

import aioice.ice
import aioice.stun
import aioice.turn
import pytest
from aioice.candidate import candidate_priority
from aiortc import RTCConfiguration, RTCPeerConnection

from device.media import aiortc_hooks
from device.media.aiortc_hooks.ice import MOST_UNSENT
from device.media.ice_plan import IcePlan, Reachability
from messaging.clock import SystemClock

PEER = ("192.0.2.9", 4000)


@pytest.fixture
async def connection():
    connection = RTCPeerConnection(RTCConfiguration([]))
    yield connection
    await connection.close()


def test_a_connection_gathers_by_the_method_that_we_put_ours_in_place_of() -> None:
    assert "self.get_component_candidates(" in inspect.getsource(aioice.ice.Connection.gather_candidates)
    parameters = inspect.signature(aioice.ice.Connection.get_component_candidates).parameters
    assert list(parameters) == ["self", "component", "addresses", "timeout"]


async def test_without_servers_a_connection_that_we_gather_for_finds_its_host_addresses(
    connection: RTCPeerConnection,
) -> None:
    aiortc_hooks.install()
    transceiver = connection.addTransceiver("audio")
    gathering = aiortc_hooks.Gathering(transceiver, IcePlan(), Reachability(SystemClock().monotonic))
    await connection.setLocalDescription(await connection.createOffer())

    assert "typ host" in connection.localDescription.sdp
    assert aiortc_hooks.selected_path(transceiver) is None
    await gathering.close()


def test_one_stun_question_and_one_relay_are_asked_for_by_these_functions() -> None:
    relay = inspect.signature(aioice.ice.relayed_candidate).parameters
    assert set(relay) == {
        "component", "hide_related_address", "protocol_factory", "turn_server", "turn_username", "turn_password",
        "turn_ssl", "turn_transport",
    }  # fmt: skip
    assert list(inspect.signature(aioice.ice.server_reflexive_candidate).parameters) == ["protocol", "stun_server"]
    assert "ssl=turn_ssl" in inspect.getsource(aioice.ice.relayed_candidate), "our TLS context would not be used"


def test_a_relay_by_udp_goes_before_one_by_tcp_and_that_before_one_by_tls() -> None:
    udp, tcp, tls = (candidate_priority(1, "relay", preference) for preference in (65535, 32768, 16384))
    assert udp > tcp > tls > 0
    assert udp < candidate_priority(1, "srflx", 0), "a relay would be tried before a direct way"


def test_a_server_that_refuses_is_told_from_one_that_is_silent() -> None:
    assert issubclass(aioice.stun.TransactionFailed, aioice.stun.TransactionError)
    assert issubclass(aioice.stun.TransactionTimeout, aioice.stun.TransactionError)
    assert not issubclass(aioice.stun.TransactionTimeout, aioice.stun.TransactionFailed)


def test_what_a_late_relay_needs_of_a_connection_is_there() -> None:
    made = aioice.ice.Connection(ice_controlling=True)
    for name in (
        "_protocols", "_local_candidates", "_remote_candidates", "_check_list", "_check_list_done",
        "_early_checks_done", "_closing", "_nominated",
    ):  # fmt: skip
        assert hasattr(made, name), f"aioice's Connection has no {name} any more"
    assert callable(made._pair_remote_candidate)
    assert callable(made.check_start_task)


class Stream:
    """The line to a relay."""

    def __init__(self, unsent: int) -> None:
        self._unsent = unsent

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def is_closing(self) -> bool:
        return False


class Inner:
    """A relay's client with a channel bound, as far as its transport looks at it."""

    def __init__(self, unsent: int = 0, refresh_in: float = 60) -> None:
        self.transport = Stream(unsent)
        self.peer_to_channel = {PEER: 0x4000}
        self.peer_connect_waiters: dict[Any, Any] = {}
        self.channel_refresh_at = {0x4000: time.time() + refresh_in}
        self.sent: list[bytes] = []
        self.bound: list[tuple[bytes, Any]] = []
        self.receiver = SimpleNamespace(error_received=self.bound.append)
        self.deleted = asyncio.Event()

    def _send(self, data: bytes) -> None:
        self.sent.append(data)

    async def send_data(self, data: bytes, addr: Any) -> None:
        self.bound.append((data, addr))

    async def delete(self) -> None:
        await asyncio.Event().wait()  # a dead relay never answers


def relay(inner: Inner) -> Any:
    aiortc_hooks.install()
    return aioice.turn.TurnTransport(inner)  # type: ignore[arg-type]


def test_a_relay_gets_its_transport_from_the_place_where_we_put_ours() -> None:
    aiortc_hooks.install()
    assert "TurnTransport(inner_protocol)" in inspect.getsource(aioice.turn.create_turn_endpoint)
    assert aioice.turn.TurnTransport.__module__ == "device.media.aiortc_hooks.ice"


async def test_on_a_bound_channel_a_packet_goes_at_once_and_as_aioice_would_send_it() -> None:
    inner = Inner()
    relay(inner).sendto(b"sound", PEER)

    assert inner.sent == [struct.pack("!HH", 0x4000, 5) + b"sound"]
    assert 'struct.pack("!HH", channel, len(data))' in inspect.getsource(aioice.turn.TurnClientMixin.send_data)


@pytest.mark.parametrize("case", ["unbound", "binding", "stale"])
async def test_a_channel_that_is_not_in_force_is_left_to_aioice(case: str) -> None:
    inner = Inner(refresh_in=-1 if case == "stale" else 60)
    if case == "unbound":
        inner.peer_to_channel.clear()
    if case == "binding":
        inner.peer_connect_waiters[PEER] = []
    transport = relay(inner)
    transport.sendto(b"sound", PEER)
    await asyncio.gather(*transport._TurnTransport__send_tasks)

    assert inner.bound == [(b"sound", PEER)]
    assert inner.sent == []


async def test_what_a_full_tcp_line_cannot_take_is_dropped_not_hoarded() -> None:
    inner = Inner(unsent=MOST_UNSENT + 1)
    relay(inner).sendto(b"a picture", PEER)
    assert (inner.sent, inner.bound) == ([], [])


async def test_a_dead_relay_is_let_go_of_at_once() -> None:
    transport = relay(Inner())
    async with asyncio.timeout(5):  # aioice's own way takes 39 s
        await transport._close()
    assert "self._close()" in inspect.getsource(aioice.turn.TurnTransport.__mro__[1].close)


def test_a_machine_with_only_a_loopback_address_offers_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiortc_hooks.ice, "_stock_addresses", lambda use_ipv4, use_ipv6: [])
    aiortc_hooks.install()
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == ["127.0.0.1"]

    monkeypatch.setattr(aiortc_hooks.ice, "_stock_addresses", lambda use_ipv4, use_ipv6: ["192.0.2.7"])
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == ["192.0.2.7"]
