"""ICE: all STUN and TURN servers side by side, waiting for none that is dead; relays that cost and end as they should.

aiortc uses the first STUN and the first TURN server, waits 5 s for a dead one, and finds no address on a machine that
is all loopback. aioice's relay makes a task of every packet, lets what a TCP line cannot take pile up without end, and
takes 39 s to let go of a relay that has died.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import struct
import time
from collections.abc import Coroutine
from typing import Any, Literal, cast

import aioice.ice
import aioice.stun
import aioice.turn
from aioice import Candidate
from aioice.candidate import candidate_priority
from aiortc import RTCRtpTransceiver

from device.media.ice_plan import IcePlan, Patience, Reachability, Server, StunServer, TurnServer

_log = logging.getLogger(__name__)

LATE_S = 5.0  # a relay that answers after the offer has gone is still of use to us, so long after the start
RELEASE_S = 0.3  # for a relay to confirm that it has let go; it does so by itself in ten minutes
MOST_UNSENT = 48 * 1024  # bytes in the socket of a relay by TCP; what comes on top would only come too late
_LOCAL_PREFERENCE = {"udp": 65535, "tcp": 32768, "tls": 16384}

Path = Literal["direct", "relay"]
_Found = tuple[Candidate, "aioice.ice.StunProtocol | None"]

_stock_addresses = aioice.ice.get_host_addresses
_stock_transport = aioice.turn.TurnTransport


def install_addresses() -> None:
    """Put our host addresses and relay transport where aioice looks for them; doing it again changes nothing."""
    logging.getLogger("aioice").setLevel(logging.WARNING)  # it tells every address it tries
    aioice.ice.get_host_addresses = _host_addresses
    aioice.turn.TurnTransport = _RelayTransport  # type: ignore[misc]


def selected_path(transceiver: RTCRtpTransceiver) -> Path | None:
    """How the media of a connection go; None while they do not."""
    pair = _connection(transceiver)._nominated.get(1)
    if pair is None:
        return None
    return "relay" if "relay" in (pair.local_candidate.type, pair.remote_candidate.type) else "direct"


class Gathering:
    """Gathers the candidates of one connection by a plan. To be closed before its connection is."""

    def __init__(self, transceiver: RTCRtpTransceiver, plan: IcePlan, reachability: Reachability) -> None:
        self._connection = _connection(transceiver)
        self._plan = plan
        self._reachability = reachability
        self._tasks: dict[asyncio.Task[_Found], Server] = {}
        self._late: asyncio.Task[None] | None = None
        self._connection.get_component_candidates = self._gather  # type: ignore[method-assign]

    async def close(self) -> None:
        """Ask nobody any more."""
        late, self._late = self._late, None
        if late is not None:
            late.cancel()
        await _cancel(self._tasks)
        if late is not None:
            await asyncio.gather(late, return_exceptions=True)

    async def _gather(self, component: int, addresses: list[str], timeout: float = 0) -> list[Candidate]:  # noqa: ARG002
        connection = self._connection
        candidates = await aioice.ice.Connection.get_component_candidates(connection, component, addresses)
        self._ask(component, tuple(connection._protocols))
        found = await self._wait()
        if any(isinstance(server, TurnServer) for server in self._tasks.values()):
            self._late = asyncio.create_task(self._take_late())
        else:
            await _cancel(self._tasks)
        return candidates + found

    def _ask(self, component: int, hosts: tuple[aioice.ice.StunProtocol, ...]) -> None:
        for stun in self._plan.stun:
            for host in hosts:
                if ":" not in host.local_candidate.host:
                    self._start(stun, aioice.ice.server_reflexive_candidate(host, (stun.host, stun.port)))
        for turn in self._plan.turn:
            self._start(turn, self._relay(turn, component))

    def _start(self, server: Server, work: Coroutine[Any, Any, _Found]) -> None:
        self._tasks[asyncio.create_task(work)] = server

    async def _relay(self, server: TurnServer, component: int) -> _Found:
        context = await asyncio.to_thread(ssl.create_default_context) if server.transport == "tls" else False
        candidate, protocol = await aioice.ice.relayed_candidate(
            component=component,
            hide_related_address=self._plan.relay_only,
            protocol_factory=lambda: aioice.ice.StunProtocol(self._connection),
            turn_server=(server.host, server.port),
            turn_username=server.username,
            turn_password=server.credential,
            turn_ssl=cast("bool", context),
            turn_transport="udp" if server.transport == "udp" else "tcp",
        )
        candidate.priority = candidate_priority(component, "relay", _LOCAL_PREFERENCE[server.transport])
        return candidate, protocol

    async def _wait(self) -> list[Candidate]:
        awaited = self._reachability.awaited(self._plan)
        patience = Patience(awaited, time.monotonic())
        found = []
        while self._tasks and not patience.over and (left := patience.until - time.monotonic()) > 0:
            done, _ = await asyncio.wait(self._tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                server = self._tasks.pop(task)
                result = self._result(server, task)
                patience.heard(server, result is not None, time.monotonic())
                if result is not None:
                    found.append(self._admit(*result))
        if time.monotonic() >= patience.until:
            for server in {*self._tasks.values()} & awaited:
                self._reachability.silent(server)
        return found

    def _result(self, server: Server, task: asyncio.Task[_Found]) -> _Found | None:
        error = task.exception()
        if error is None:
            self._reachability.answered(server)
            return task.result()
        if not isinstance(error, aioice.stun.TransactionFailed):  # one that refuses is there, and costs no time
            self._reachability.silent(server)
        kind = "STUN" if isinstance(server, StunServer) else f"TURN ({server.transport})"
        _log.warning("the %s server %s:%d cannot be used: %s", kind, server.host, server.port, _reason(error))
        return None

    def _admit(self, candidate: Candidate, protocol: aioice.ice.StunProtocol | None) -> Candidate:
        if protocol is not None:
            self._connection._protocols.append(protocol)
        return candidate

    async def _take_late(self) -> None:
        ends = time.monotonic() + LATE_S
        while self._tasks and (left := ends - time.monotonic()) > 0:
            done, _ = await asyncio.wait(self._tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                result = self._result(self._tasks.pop(task), task)
                if result is not None and result[1] is not None:
                    await self._use_late(result[0], result[1])
        await _cancel(self._tasks)

    async def _use_late(self, candidate: Candidate, protocol: aioice.ice.StunProtocol) -> None:
        connection = self._connection
        if connection._closing or connection._check_list_done:
            await protocol.close()
            return
        connection._protocols.append(protocol)
        connection._local_candidates.append(candidate)
        for remote in connection._remote_candidates:
            connection._pair_remote_candidate(remote)
        connection.sort_check_list()
        if connection._early_checks_done:  # it is connecting; its own round of checks may be over
            for pair in tuple(connection._check_list):
                if pair.protocol is protocol:
                    connection.check_start_task(pair)


class _RelayTransport(_stock_transport):
    """A relay's transport that sends at once once its channel is bound, and lets go of a dead relay soon."""

    def sendto(self, data: bytes, addr: tuple[str, int]) -> None:
        """As aioice's; the data are dropped when the line to the relay is full."""
        inner = self._TurnTransport__inner_protocol  # type: ignore[attr-defined]
        stream = inner.transport
        if hasattr(stream, "get_write_buffer_size") and stream.get_write_buffer_size() > MOST_UNSENT:
            return
        channel = inner.peer_to_channel.get(addr)
        if (
            channel is None
            or addr in inner.peer_connect_waiters
            or time.time() > inner.channel_refresh_at[channel]
            or stream.is_closing()
            or self._TurnTransport__close_task is not None  # type: ignore[attr-defined]
        ):
            super().sendto(data, addr)
        else:
            inner._send(struct.pack("!HH", channel, len(data)) + data)

    async def _close(self) -> None:
        try:
            await asyncio.wait_for(super()._close(), RELEASE_S)
        except TimeoutError:
            _log.info("a relay did not confirm that it let go")
            for task in self._TurnTransport__send_tasks:  # type: ignore[attr-defined]
                task.cancel()


async def _cancel(tasks: dict[asyncio.Task[_Found], Server]) -> None:
    pending = tuple(tasks)
    tasks.clear()
    for task in pending:
        task.cancel()
    for result in await asyncio.gather(*pending, return_exceptions=True):
        if isinstance(result, tuple) and result[1] is not None:  # it answered just now
            await result[1].close()


def _connection(transceiver: RTCRtpTransceiver) -> aioice.ice.Connection:
    return transceiver.receiver.transport.transport.iceGatherer._connection


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return _stock_addresses(use_ipv4, use_ipv6) or ["127.0.0.1"]
