"""Commands as they travel: what each must say, and that none reaches for camera or microphone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.codec import encode
from messaging.command import ENDED, ORDERS, Order, Progress, kind_of, read_order
from messaging.errors import MalformedMessage
from messaging.topics import down, up

SAID: dict[str, dict[str, Any]] = {
    "restart": {"process": "call"}, "message": {"text": "Vi kommer kl. 10"}, "volume": {"percent": 40},
    "wipe": {"station": "st-abc12345"},
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(ORDERS))
def test_every_command_travels_and_comes_back_the_same(kind: str) -> None:
    order = read_order(kind, SAID.get(kind, {}))
    assert kind_of(order) == kind
    assert read_order(kind, encode(order)) == order
    assert down("st-abc12345", "cmd", kind, "0" * 16).startswith("vs/1/d/")
    assert up("st-abc12345", "cmd", kind, "0" * 16).startswith("vs/1/d/")


@pytest.mark.parametrize("kind", sorted(SAID))
def test_what_must_be_said_is_missed(kind: str) -> None:
    with pytest.raises(MalformedMessage, match="missing"):
        read_order(kind, {})


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("restart", {"process": "sshd"}), ("volume", {"percent": 101}), ("volume", {"percent": True}),
        ("message", {"text": "x" * 121}), ("message", {"text": "a\nb"}), ("message", {"text": "‮gnp.exe"}),
        ("message", {"text": "Tillykke 🎂"}), ("message", {"text": "👩\N{ZERO WIDTH JOINER}⚕"}),
        ("identify", {"seconds": 0}), ("wipe", {"station": 5}), ("reboot", []),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(kind: str, data: Any) -> None:
    with pytest.raises(MalformedMessage):
        read_order(kind, data)


@pytest.mark.parametrize("text", ["Åse, vi kommer kl. 10 – hilsen IT", "kl.\N{NO-BREAK SPACE}10", "Ω ß ❤ 5 €", ""])
def test_what_the_screen_can_draw_is_taken(text: str) -> None:
    assert encode(read_order("message", {"text": text}))["text"] == text


def test_no_command_can_open_camera_or_microphone() -> None:
    words = " ".join((*ORDERS, *(name for order in ORDERS.values() for name in order.__dataclass_fields__)))
    assert not [word for word in ("camera", "picture", "video", "record", "listen", "stream", "shell") if word in words]


@given(
    st.text(max_size=20), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4)
)
def test_whatever_else_comes_is_refused_and_not_more(kind: str, data: object) -> None:
    try:
        order: Order = read_order(kind, data)
    except MalformedMessage:
        return
    assert kind in ORDERS
    assert isinstance(order, ORDERS[kind_of(order)])


def test_a_command_ends_well_or_badly_and_says_so_in_a_word() -> None:
    assert {"successful", "failed"} == ENDED
    assert encode(Progress("failed", "expired")) == {"state": "failed", "reason": "expired", "figures": {}}
