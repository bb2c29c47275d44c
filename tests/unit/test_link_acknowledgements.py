"""What the broker's acknowledgements are taken for: each for its own message, also when its number comes again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as mqtt
import pytest

from messaging.link.mqtt.connection import Connection
from messaging.link.mqtt.settings import MqttSettings
from messaging.link.port import LinkDown, LinkRefused

REFUSED = 0x87  # not authorised


class Spoken(Connection):
    """A connection whose broker is the test: every message has the number 7, as if 65,535 others lay between."""

    def says(self, code: int = 0) -> None:
        """The broker acknowledges number 7."""
        self._published(7, code)

    def send(self) -> asyncio.Task[None]:
        """Publish."""
        return asyncio.create_task(self.publish("a/topic", b"{}", retain=False, expiry_s=None))


@pytest.fixture
async def link(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Spoken]:
    nowhere = Path("/nonexistent")
    link = Spoken(1, MqttSettings("nowhere", 1, "a client", nowhere, nowhere, nowhere), print, 1.0)
    taken = SimpleNamespace(rc=mqtt.MQTT_ERR_SUCCESS, mid=7)
    monkeypatch.setattr(link.client, "publish", lambda *_args, **_kwargs: taken)
    yield link
    await link.close()


async def _turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_message_is_taken_when_the_broker_says_so_and_not_before(link: Spoken) -> None:
    sent = link.send()
    await _turn()
    assert not sent.done()
    link.says()
    await sent


async def test_what_the_broker_says_before_we_wait_for_it_counts(link: Spoken) -> None:
    link.says(REFUSED)
    with pytest.raises(LinkRefused):
        await link.send()


async def test_what_nobody_waits_for_any_more_is_not_taken_for_a_later_message(link: Spoken) -> None:
    given_up = link.send()
    await _turn()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    link.says()
    later = link.send()
    await _turn()
    assert not later.done(), "the broker has said nothing of it"
    link.says(REFUSED)
    with pytest.raises(LinkRefused):
        await later


async def test_whoever_waits_when_the_connection_breaks_is_told(link: Spoken) -> None:
    sent = link.send()
    await _turn()
    link.end("gone")
    with pytest.raises(LinkDown, match="gone"):
        await sent
