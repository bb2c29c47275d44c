"""Whether the broker lets somebody in: asked by trying."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from messaging.link.mqtt.settings import CONNECT_S, KEEPALIVE_S, MqttSettings, secure
from messaging.link.port import LinkDown, LinkRefused


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
        secure(client, settings)
        client.connect(settings.host, settings.port, KEEPALIVE_S, clean_start=True)
        while not heard and time.monotonic() < until and client.loop(0.1) == mqtt.MQTT_ERR_SUCCESS:
            continue
        client.disconnect()
        client.loop(0.1)
    except (OSError, ValueError) as error:
        raise LinkDown(str(error) or type(error).__name__) from error
    finally:
        client._reset_sockets()
    if not heard:
        raise LinkDown("the broker broke the connection off, or did not answer")
    if heard[0].is_failure:
        raise LinkRefused(f"the broker refuses us: {heard[0]}", heard[0].value)
