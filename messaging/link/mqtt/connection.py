"""One connection to the broker, from its first byte to its last."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from messaging.link.mqtt.settings import KEEPALIVE_S, MqttSettings, secure
from messaging.link.port import Inbound, LinkDown, LinkEvent, LinkRefused

_WILL_DELAY_S = 60
_UNACKED_MS = 10_000  # TCP gives a silent broker up after this
_MOST_BYTES = 256 * 1024  # our own limit (64 KiB) is judged above; past this the broker drops the message itself
_NO_SUBSCRIBER = 0x10
_FAILURE = 0x80


class Connection:
    """Connected by `run`, which returns when it has ended; used once. `put` takes what comes, in the loop."""

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
        self._waiting: dict[int, asyncio.Future[int]] = {}  # the broker's reason of each
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
                    options = SubscribeOptions(qos=1, retainAsPublished=True)
                    self.client.subscribe([(topic, options) for topic in subscriptions])
                    await self._or_ended(self._subscribed)
        except (OSError, ValueError, ssl.SSLError, TimeoutError, LinkRefused, LinkDown) as error:
            return str(error) or type(error).__name__
        self.is_up = True
        came_up(resumed)
        return await self._ended

    async def publish(self, topic: str, payload: bytes, retain: bool, expiry_s: int | None) -> bool:
        expiry = {} if expiry_s is None else {"MessageExpiryInterval": expiry_s}
        properties = _properties(PacketTypes.PUBLISH, ContentType="application/json", **expiry)
        info = self.client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise LinkDown(mqtt.error_string(info.rc))
        code = self._early.pop(info.mid, None)
        if code is None:
            code = await self._acknowledgement(info.mid)
        if code >= _FAILURE:
            raise LinkRefused(f"the broker refuses the message {topic} (reason {code:#x})", code)
        return code != _NO_SUBSCRIBER

    async def _acknowledgement(self, mid: int) -> int:
        done: asyncio.Future[int] = self._loop.create_future()
        self._waiting[mid] = done
        try:
            return await done
        finally:
            if not done.cancelled():  # else its acknowledgement is still to come, and is no later message's
                self._waiting.pop(mid, None)

    def end(self, reason: str) -> None:
        """It is of no use any more: `run` returns."""
        self._went_down(reason)

    async def close(self) -> None:
        """Disconnect in order and end paho's thread."""
        self.is_up = False
        self._closed = True
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)
        self.client._reset_sockets(sockpair_only=True)  # by which its thread was woken: paho would keep them (2.1)
        self._fail_waiting(LinkDown("the connection was closed"))
        for future in (self._ended, self._connected, self._subscribed):
            future.cancel()

    def _open(self, will: tuple[str, bytes] | None) -> None:
        settings = self._settings
        secure(self.client, settings)
        if will is not None:
            delay = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=_WILL_DELAY_S)
            self.client.will_set(*will, qos=1, retain=True, properties=delay)
        properties = _properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=settings.kept_s,
            ReceiveMaximum=settings.at_once,
            MaximumPacketSize=_MOST_BYTES,
        )
        self.client.connect(settings.host, settings.port, KEEPALIVE_S, clean_start=False, properties=properties)
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
        elif done.cancelled():
            del self._waiting[mid]
        else:
            _settle(done, code, None)

    def _went_down(self, reason: str) -> None:
        self.is_up = False
        self._fail_waiting(LinkDown(reason))
        _settle(self._ended, reason, None)

    def _fail_waiting(self, error: LinkDown) -> None:
        for done in self._waiting.values():
            _settle(done, None, error)


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


def _give_up_silent_peers(_client: Any, _data: Any, sock: Any) -> None:
    raw = getattr(sock, "socket", sock)
    with contextlib.suppress(OSError, AttributeError):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKED_MS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
