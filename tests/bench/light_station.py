"""A station's conversation with the broker, and nothing else of a station: thousands fit into one process.

Real: the connection (MQTT 5 over mutual TLS, a certificate of its own, the station's client id, session, Will and
subscriptions), what is said on it (presence, birth, what is in force, each in a sealed envelope at QoS 1), and when.
Simulated: there is no disk, no outbox and no trial of a config; the keepalive is two minutes instead of half a one; and
only every `CHECKED`th station judges the region's signature and the document as a real one does (`messaging.signed`,
`device.agent.desired`), while the others read the document as it is. Real stations share no processor, and these shall
not take it from the region.

Source: MQTT 5.0 (OASIS), chapters 1.5, 2 and 3.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509

from device.agent.desired import InForce, consider
from messaging.clock import Clock
from messaging.codec import encode
from messaging.envelope import Sealer, open_envelope
from messaging.signed import carried, read_word
from messaging.status import Birth, Connection
from messaging.topics import agent_subscriptions, parse, up
from messaging.twin import Config, Reported

CHECKED = 50
KEEPALIVE_S = 120
_SESSION_EXPIRY_S, _WILL_DELAY_S, _RECEIVE_MAXIMUM = 24 * 3600, 60, 20
_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _DISCONNECT = 2, 3, 4, 9, 14
_VERSIONS = {"agent": "0.1.0", "config": "1"}
_DEFAULT = encode(Config())


@dataclass(frozen=True)
class Crowd:
    """What all stations of the crowd share. `heard` is told (station, version) as soon as a config has come."""

    host: str
    port: int
    folder: Path  # `<station>.pem`: certificate, intermediate and key
    roots: tuple[x509.Certificate, ...]
    trust: Path
    clock: Clock
    heard: Callable[[str, int], None]

    def context(self, station: str) -> ssl.SSLContext:
        """What that station connects with."""
        context = ssl.create_default_context(cafile=str(self.trust))
        context.load_cert_chain(self.folder / f"{station}.pem")
        return context


class LightStation(asyncio.Protocol):
    """One connection of a station. `version` is what it works by; `lost` is set when the connection has ended."""

    def __init__(self, name: str, number: int, crowd: Crowd) -> None:
        self.name = name
        self.version = 0
        self.lost = asyncio.Event()
        self._crowd = crowd
        self._checks = number % CHECKED == 0
        self._in_force = InForce()
        self._sealer = Sealer(crowd.clock.monotonic, crowd.clock.wall)
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._packet_id = 0
        self._subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._subscribed.add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )  # the connect may fail first

    async def connect(self, context: ssl.SSLContext) -> None:
        """Connect (with `Crowd.context`), subscribe and be born, as station-agent does; OSError if that fails."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, self._crowd.host, self._crowd.port, ssl=context)
        self._send(0x10, _connect(f"{self.name}-agent", up(self.name, "conn", "agent"), self._presence("offline")))
        await self._subscribed
        self._publish(up(self.name, "conn", "agent"), self._presence("online"), retain=True)
        birth = Birth("sim", _VERSIONS, self.version, None)
        self._publish(up(self.name, "birth"), self._sealer.seal(birth))

    def ping(self) -> None:
        """Say that it is still there."""
        if not self.lost.is_set():
            self._send(0xC0, b"")

    def leave(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        if not self._subscribed.done():
            self._subscribed.set_exception(exc or ConnectionError("the broker has let go of it"))

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (packet := _first(self._rest)) is not None:
            head, body, size = packet
            self._rest = self._rest[size:]
            self._take(head, body)

    def _take(self, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == _CONNACK:
            assert body[1] == 0, f"the broker refuses {self.name}: {body[1]:#x}"
            filters = b"".join(_text(one) + b"\x01" for one in agent_subscriptions(self.name))
            self._send(0x82, self._next_id() + b"\x00" + filters)
        elif kind == _SUBACK:
            self._subscribed.set_result(None)
        elif kind == _PUBLISH:
            topic, packet_id, payload = _published(head, body)
            if payload and parse(topic).branch == "desired":
                self._desired(payload)
            if packet_id:
                self._send(0x40, packet_id)
        elif kind == _DISCONNECT:
            self.leave()

    def _desired(self, payload: bytes) -> None:
        data = open_envelope(payload).data if self._checks else json.loads(payload)["data"]
        if self._checks:
            reported = self._judged(data)
        else:
            text = data["jws"].split(".")[1]
            word = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            self.version = word["version"]
            reported = {"version": self.version, "config": _DEFAULT | word["body"]["config"], "refused": {}}
        self._crowd.heard(self.name, self.version)
        self._publish(up(self.name, "reported"), self._sealer.seal(reported))

    def _judged(self, data: dict[str, Any]) -> dict[str, Any]:
        word = read_word(
            carried(data), kind="desired", station=self.name, roots=self._crowd.roots, wall=self._crowd.clock.wall(),
            clock_trusted=True,
        )  # fmt: skip
        verdict = consider(self._in_force, {**word.body, "version": word.version})
        self._in_force, self.version = verdict.in_force, verdict.in_force.version
        told: dict[str, Any] = encode(Reported(self.version, self._in_force.config, verdict.refused))
        return told

    def _presence(self, state: str) -> bytes:
        versions = _VERSIONS if state == "online" else {}
        said = Connection("agent", "online" if state == "online" else "offline", self._sealer.boot, 1, versions)
        return self._sealer.seal(said)

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        content_type = b"\x03" + _text("application/json")
        head = 0x32 | retain
        self._send(head, _text(topic) + self._next_id() + _number(len(content_type)) + content_type + payload)

    def _next_id(self) -> bytes:
        self._packet_id = self._packet_id % 0xFFFF + 1
        return self._packet_id.to_bytes(2, "big")

    def _send(self, head: int, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes((head,)) + _number(len(body)) + body)


def _connect(client_id: str, will_topic: str, will: bytes) -> bytes:
    """The variable header and payload of CONNECT: no clean start, a Will at QoS 1 that is retained."""
    properties = b"\x11" + _SESSION_EXPIRY_S.to_bytes(4, "big") + b"\x21" + _RECEIVE_MAXIMUM.to_bytes(2, "big")
    will_properties = b"\x18" + _WILL_DELAY_S.to_bytes(4, "big")
    return b"".join(
        (
            _text("MQTT"), b"\x05", bytes((0b00101100,)), KEEPALIVE_S.to_bytes(2, "big"),
            _number(len(properties)), properties, _text(client_id),
            _number(len(will_properties)), will_properties, _text(will_topic), len(will).to_bytes(2, "big"), will,
        )
    )  # fmt: skip


def _first(data: bytes) -> tuple[int, bytes, int] | None:
    """The first packet: its first byte, what follows its length, and its size in all; None: it is not whole yet."""
    length, shift = 0, 0
    for place in range(1, min(len(data), 5)):
        length |= (data[place] & 0x7F) << shift
        shift += 7
        if not data[place] & 0x80:
            size = place + 1 + length
            return (data[0], data[place + 1 : size], size) if len(data) >= size else None
    return None


def _published(head: int, body: bytes) -> tuple[str, bytes, bytes]:
    """Topic, packet id (empty at QoS 0) and payload."""
    end = 2 + int.from_bytes(body[:2], "big")
    topic, packet_id = body[2:end].decode(), b""
    if head & 0x06:
        packet_id, end = body[end : end + 2], end + 2
    length, shift = 0, 0
    while True:
        byte, end = body[end], end + 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return topic, packet_id, body[end + length :]


def _number(value: int) -> bytes:
    """A variable byte integer."""
    found = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        found.append(byte | 0x80 if value else byte)
        if not value:
            return bytes(found)


def _text(value: str) -> bytes:
    content = value.encode()
    return len(content).to_bytes(2, "big") + content
