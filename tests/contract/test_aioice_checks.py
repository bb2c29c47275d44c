"""The private parts of aioice that device/media/aiortc_hooks/ice_checks.py holds on to.

If one fails after an upgrade, a call whose line comes back after ten seconds may wait eight more.
"""

from __future__ import annotations

import asyncio
import inspect

import aioice.ice
import aioice.stun
import aioice.turn
import pytest

from device.media.aiortc_hooks.ice_checks import CHECK_S, MOST_TRIES, SteadyTransaction, install_checks

PEER = ("192.0.2.9", 4000)
_STOCK = SteadyTransaction.__bases__[0]


class Wire:
    """A protocol that keeps what it is told to send."""

    def __init__(self) -> None:
        self.sent: list[aioice.stun.Message] = []

    def send_stun(self, message: aioice.stun.Message, _address: tuple[str, int]) -> None:
        self.sent.append(message)


class Timers:
    """In place of a loop's `call_later`: notes the delay, and fires when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.delays: list[float] = []
        self._due = None
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", self._call_later, raising=False)

    def _call_later(self, delay: float, act: object, *_: object) -> asyncio.TimerHandle:
        self.delays.append(delay)
        self._due = act
        return asyncio.TimerHandle(0, lambda: None, (), asyncio.get_running_loop())

    def fire(self) -> None:
        assert self._due is not None
        self._due()


def check(method: aioice.stun.Method = aioice.stun.Method.BINDING, **attributes: str) -> aioice.stun.Message:
    request = aioice.stun.Message(message_method=method, message_class=aioice.stun.Class.REQUEST)
    request.attributes.update(attributes)
    return request


async def delays_of(
    monkeypatch: pytest.MonkeyPatch, request: aioice.stun.Message, count: int, **more: int
) -> tuple[list[float], int]:
    """The waits after the first tries, and how often it was sent."""
    wire, timers = Wire(), Timers(monkeypatch)
    transaction = SteadyTransaction(request, PEER, wire, **more)
    running = asyncio.ensure_future(transaction.run())
    await asyncio.sleep(0)
    for _ in range(count):
        timers.fire()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    monkeypatch.undo()
    return timers.delays, len(wire.sent)


def test_aioice_makes_its_transactions_by_the_name_that_we_put_ours_in_place_of() -> None:
    install_checks()
    assert aioice.stun.Transaction is SteadyTransaction
    for module in (aioice.ice, aioice.turn):
        assert "stun.Transaction(" in inspect.getsource(module)
    assert "_Transaction__retry" in vars(_STOCK)


def test_a_check_is_a_binding_request_with_a_user_name_and_consent_asks_once() -> None:
    assert 'request.attributes["USERNAME"]' in inspect.getsource(aioice.ice.Connection.build_request)
    assert "retransmissions=0" in inspect.getsource(aioice.ice.Connection.query_consent)


async def test_a_check_keeps_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    delays, sent = await delays_of(monkeypatch, check(USERNAME="them:us"), 20)
    assert (delays, sent) == ([CHECK_S] * 21, 21)
    assert MOST_TRIES * CHECK_S >= 20, "longer than a connection is waited for"


@pytest.mark.parametrize("request_", [check(), check(aioice.stun.Method.ALLOCATE, USERNAME="relay")])
async def test_what_is_asked_of_a_server_backs_off_as_before(
    monkeypatch: pytest.MonkeyPatch, request_: aioice.stun.Message
) -> None:
    delays, _ = await delays_of(monkeypatch, request_, 3)
    assert delays == [0.5, 1.0, 2.0, 4.0]


async def test_consent_that_asks_once_asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, sent = await delays_of(monkeypatch, check(USERNAME="them:us"), 1, retransmissions=0)
    assert sent == 1
