"""The link over MQTT 5 with mutual TLS: the only module that knows paho.

A new paho client is made for each connection, so nothing queues in memory behind our backs: a publish either reaches
the broker or fails, and whoever must not lose a message keeps it in an outbox. paho's network thread only enqueues
into the loop.

Source: MQTT 5.0 (OASIS); paho-mqtt 2.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random as random_module
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from messaging.clock import Clock
from messaging.link.backoff import FullJitter
from messaging.link.inbox import Inbox, Overfull
from messaging.link.port import Down, Inbound, LinkDown, LinkEvent, LinkRefused, Up

_log = logging.getLogger(__name__)
_KEEPALIVE_S = 30
_SESSION_EXPIRY_S = 24 * 3600
_WILL_DELAY_S = 60
CONNECT_S = 8.0
_HURRIED_CONNECT_S = 2.0
PAUSE_S = (0.5, 30.0)  # before a try to connect: base and cap of the full jitter
_HURRIED_PAUSE_S = (0.25, 1.0)
_UNACKED_MS = 10_000  # TCP gives a silent broker up after this
_RECEIVE_MAXIMUM = 20
_MOST_BYTES = 256 * 1024  # our own limit (64 KiB) is judged above; past this the broker drops the message itself
_NO_SUBSCRIBER = 0x10
_FAILURE = 0x80


@dataclass(frozen=True)
class MqttSettings:
    """Where the broker is, and who we are. Paths of PEM files; the files are read at each connection.

    `kept_s`: how long the broker keeps what comes while we are away; 0 for a client that only speaks.
    `at_once`: how many messages the broker may have sent us without an acknowledgement.
    """

    host: str
    port: int
    client_id: str
    ca: Path
    certificate: Path
    key: Path
    kept_s: int = _SESSION_EXPIRY_S
    at_once: int = _RECEIVE_MAXIMUM


class MqttLink:
    """A `Link` that keeps itself connected. `will` is asked for (topic, payload) before each connection."""

    def __init__(
        self,
        settings: MqttSettings,
        subscriptions: tuple[str, ...],
        will: Callable[[], tuple[str, bytes]] | None,
        clock: Clock,
        random: random_module.Random | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        self._settings = settings
        self._subscriptions = subscriptions
        self._will = will
        self._clock = clock
        self._backoff = FullJitter(*PAUSE_S, random)
        self._hurried_backoff = FullJitter(*_HURRIED_PAUSE_S, random)
        self._hurried = False
        self._hurry_up = asyncio.Event()
        self._inbox = inbox or Inbox()
        self._session: _Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._serial = 0

    @property
    def is_up(self) -> bool:
        """Whether the broker has this client connected and subscribed now."""
        return self._session is not None and self._session.is_up

    async def events(self) -> AsyncIterator[LinkEvent]:
        """What happens on the link, in order; one consumer."""
        while True:
            for event in await self._inbox.take():
                yield event

    async def burst(self, most: int) -> list[LinkEvent]:
        """What happens on the link, in order, `most` at once; one consumer, of these or of `events`."""
        return await self._inbox.take(most)

    async def start(self) -> None:
        """Begin to connect, and go on for ever."""
        self._task = asyncio.create_task(self._keep_connected(), name=f"mqtt {self._settings.client_id}")

    async def stop(self, last_words: tuple[str, bytes] | None = None) -> None:
        """Publish the last words (retained) in place of the Will, and disconnect in order."""
        if self.is_up and last_words is not None:
            with contextlib.suppress(LinkDown, LinkRefused, TimeoutError):
                await asyncio.wait_for(self.publish(*last_words, retain=True), 2)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._closing is not None:
            await self._closing
        self._inbox.clear()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> None:
        """Publish at QoS 1 and return when the broker has taken it; LinkDown if there is no connection or it breaks."""
        session = self._session
        if session is None or not session.is_up:
            raise LinkDown("not connected to the broker")
        await session.publish(topic, payload, retain, expiry_s)

    def ack(self, message: Inbound) -> None:
        """The message has been dealt with. One from an earlier connection comes again instead."""
        session = self._session
        if session is not None and message.token >> 32 == session.serial and message.token & 0xFFFF:
            session.client.ack(message.token & 0xFFFF, 1)

    def hurry(self, on: bool) -> None:
        """Connect with short waits for as long as `on`; a long one that has begun is cut short."""
        if on and not self._hurried:
            self._hurried_backoff.reset()
            self._hurry_up.set()
        self._hurried = on

    def renew(self) -> None:
        """Take the connection down at once, and connect again."""
        if self.is_up and self._session is not None:
            self._session.end("no answer")

    async def _keep_connected(self) -> None:
        while True:
            self._serial += 1
            connect_s = _HURRIED_CONNECT_S if self._hurried else CONNECT_S
            session = self._session = _Session(self._serial, self._settings, self._put, connect_s)
            self._hurry_up.clear()
            try:
                reason = await session.run(self._subscriptions, self._will() if self._will else None, self._came_up)
            finally:
                # Also when cancelled: paho's thread must not outlive the link.
                self._closing = asyncio.create_task(session.close())
                await asyncio.shield(self._closing)
                self._session = None
            self._put(Down(reason))
            await self._pause(reason)

    async def _pause(self, reason: str) -> None:
        delay = (self._hurried_backoff if self._hurried else self._backoff).next()
        _log.info("link to %s:%d is down (%s); trying again in %.1f s", *self._address, reason, delay)
        waits = (asyncio.ensure_future(self._clock.sleep(delay)), asyncio.ensure_future(self._hurry_up.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    @property
    def _address(self) -> tuple[str, int]:
        return self._settings.host, self._settings.port

    def _came_up(self, resumed: bool) -> None:
        self._backoff.reset()
        self._hurried_backoff.reset()
        _log.info("link to %s:%d is up", *self._address)
        self._put(Up(resumed))

    def _put(self, event: LinkEvent) -> None:
        assured = not isinstance(event, Inbound) or bool(event.token & 0xFFFF)
        try:
            self._inbox.put(event, assured=assured)
        except Overfull as error:
            if self._session is not None:
                _log.warning("too much has come at once (%s); connecting again, so that the rest comes again", error)
                self._session.end("more than can be held")


class _Session:
    """One connection, from its first byte to its last."""

    def __init__(self, serial: int, settings: MqttSettings, put: Callable[[LinkEvent], None], connect_s: float) -> None:
        self.serial = serial
        self.is_up = False
        self._closed = False
        self._settings = settings
        self._put = put
        self._connect_s = connect_s
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._connected: asyncio.Future[bool] = self._loop.create_future()
        self._subscribed: asyncio.Future[None] = self._loop.create_future()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._early: dict[int, int] = {}  # acknowledgements that overtook the return of publish()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, settings.client_id, protocol=mqtt.MQTTv5,
            reconnect_on_failure=False, manual_ack=True,
        )  # fmt: skip
        self.client.connect_timeout = connect_s
        self.client.on_socket_open = _give_up_silent_peers
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        self.client.on_disconnect = self._on_disconnect

    async def run(
        self, subscriptions: tuple[str, ...], will: tuple[str, bytes] | None, came_up: Callable[[bool], None]
    ) -> str:
        """Connect, subscribe and stay until it breaks; the reason."""
        try:
            await asyncio.to_thread(self._open, will)
            self.client.loop_start()
            async with asyncio.timeout(self._connect_s):
                resumed = await self._or_ended(self._connected)
                if subscriptions:
                    self.client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in subscriptions])
                    await self._or_ended(self._subscribed)
        except (OSError, ValueError, ssl.SSLError, TimeoutError, LinkRefused, LinkDown) as error:
            return str(error) or type(error).__name__
        self.is_up = True
        came_up(resumed)
        return await self._ended

    async def publish(self, topic: str, payload: bytes, retain: bool, expiry_s: int | None) -> None:
        expiry = {} if expiry_s is None else {"MessageExpiryInterval": expiry_s}
        properties = _properties(PacketTypes.PUBLISH, ContentType="application/json", **expiry)
        info = self.client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise LinkDown(mqtt.error_string(info.rc))
        code = self._early.pop(info.mid, None)
        if code is not None:
            _raise_refusal(topic, code)
            return
        done = self._waiting[info.mid] = self._loop.create_future()
        try:
            await done
        finally:
            self._waiting.pop(info.mid, None)

    def end(self, reason: str) -> None:
        """It is of no use any more: `run` returns."""
        self._went_down(reason)

    async def close(self) -> None:
        """Disconnect in order and end paho's thread."""
        self.is_up = False
        self._closed = True
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)
        self._fail_waiting(LinkDown("the connection was closed"))
        for future in (self._ended, self._connected, self._subscribed):
            future.cancel()

    def _open(self, will: tuple[str, bytes] | None) -> None:
        settings = self._settings
        self.client.tls_set_context(_tls(settings))
        if will is not None:
            delay = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=_WILL_DELAY_S)
            self.client.will_set(*will, qos=1, retain=True, properties=delay)
        properties = _properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=settings.kept_s,
            ReceiveMaximum=settings.at_once,
            MaximumPacketSize=_MOST_BYTES,
        )
        self.client.connect(settings.host, settings.port, _KEEPALIVE_S, clean_start=False, properties=properties)
        if self._closed:  # while this thread was connecting, which nothing cuts short
            self.client.disconnect()

    async def _or_ended(self, future: asyncio.Future[Any]) -> Any:
        await asyncio.wait((future, self._ended), return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        raise LinkDown(self._ended.result())

    # --- paho's thread, from here on; everything crosses by `_in_loop` ---

    def _in_loop(self, act: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to tell
            self._loop.call_soon_threadsafe(act, *args)

    def _on_connect(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            refusal = LinkRefused(f"the broker refuses us: {reason}", reason.value)
            self._in_loop(_settle, self._connected, None, refusal)
        else:
            self._in_loop(_settle, self._connected, bool(flags.session_present), None)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        failed = next((reason for reason in reasons if reason.is_failure), None)
        refusal = failed and LinkRefused(f"the broker refuses a subscription: {failed}", failed.value)
        self._in_loop(_settle, self._subscribed, None, refusal)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        mid = message.mid if message.qos else 0
        inbound = Inbound(message.topic, bytes(message.payload), message.retain, self.serial << 32 | mid)
        self._in_loop(self._deliver, inbound)

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        self._in_loop(self._published, mid, reason.value)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._in_loop(self._went_down, str(reason))

    # --- back in the loop ---

    def _deliver(self, inbound: Inbound) -> None:
        if not self._ended.done():  # else it comes again, and must not overtake what came before it
            self._put(inbound)

    def _published(self, mid: int, code: int) -> None:
        done = self._waiting.get(mid)
        if done is None:
            self._early[mid] = code
        elif not done.done():
            try:
                _raise_refusal("", code)
                done.set_result(None)
            except LinkRefused as refusal:
                done.set_exception(refusal)

    def _went_down(self, reason: str) -> None:
        self.is_up = False
        self._fail_waiting(LinkDown(reason))
        _settle(self._ended, reason, None)

    def _fail_waiting(self, error: LinkDown) -> None:
        for done in self._waiting.values():
            _settle(done, None, error)


class _Tls(ssl.SSLSocket):
    """One whose handshake has failed is closed: paho only forgets it."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _tls(settings: MqttSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(settings.ca))
    context.sslsocket_class = _Tls
    context.load_cert_chain(settings.certificate, settings.key)
    return context


async def knock(settings: MqttSettings, within_s: float = CONNECT_S) -> None:
    """Connect once, as this client id and with a clean session, and go: LinkRefused or LinkDown when we are not let in.

    Whoever was connected under this client id is disconnected, and what the broker kept for it is dropped.
    """
    await asyncio.to_thread(_knock, settings, within_s)


def _knock(settings: MqttSettings, within_s: float) -> None:
    heard: list[Any] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, settings.client_id, protocol=mqtt.MQTTv5)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: heard.append(reason)
    client.connect_timeout = within_s
    until = time.monotonic() + within_s
    try:
        client.tls_set_context(_tls(settings))
        client.connect(settings.host, settings.port, _KEEPALIVE_S, clean_start=True)
        while not heard and time.monotonic() < until and client.loop(0.1) == mqtt.MQTT_ERR_SUCCESS:
            continue
        client.disconnect()
        client.loop(0.1)
    except (OSError, ValueError) as error:
        raise LinkDown(str(error) or type(error).__name__) from error
    if not heard:
        raise LinkDown("the broker broke the connection off, or did not answer")
    if heard[0].is_failure:
        raise LinkRefused(f"the broker refuses us: {heard[0]}", heard[0].value)


def _properties(kind: int, **values: object) -> Properties:
    properties: Properties = Properties(kind)  # type: ignore[no-untyped-call]  # paho leaves this class untyped
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _raise_refusal(topic: str, code: int) -> None:
    if code >= _FAILURE and code != _NO_SUBSCRIBER:
        raise LinkRefused(f"the broker refuses the message {topic} (reason {code:#x})", code)


def _give_up_silent_peers(_client: Any, _data: Any, sock: Any) -> None:
    raw = getattr(sock, "socket", sock)
    with contextlib.suppress(OSError, AttributeError):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKED_MS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
