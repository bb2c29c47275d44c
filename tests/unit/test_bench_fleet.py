"""The parts of the fleet's benches that can be wrong without being seen: packets, and the figures of a return."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.config import KEYS, table
from tests.bench.light_station import _first, _number, _published, _text
from tests.bench.reconnect import Comings, figures, told


@given(st.integers(0, 268_435_455))
def test_a_packet_s_length_is_read_as_it_is_written(length: int) -> None:
    head = bytes((0x30,)) + _number(length)
    assert 2 <= len(head) <= 5
    assert _first(head) == (None if length else (0x30, b"", 2))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.data())
def test_packets_are_taken_whole_wherever_the_stream_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(bytes((0x40,)) + _number(len(body)) + body for body in bodies)
    cut = data.draw(st.integers(0, len(stream)))
    found, rest = [], b""
    for part in (stream[:cut], stream[cut:]):
        rest += part
        while (packet := _first(rest)) is not None:
            found.append(packet[1])
            rest = rest[packet[2] :]
    assert (found, rest) == (bodies, b"")


@given(st.text(max_size=60), st.binary(max_size=200), st.binary(max_size=130), st.booleans())
def test_a_publication_s_parts_are_found(topic: str, payload: bytes, properties: bytes, acknowledged: bool) -> None:
    packet_id = b"\x12\x34" if acknowledged else b""
    body = _text(topic) + packet_id + _number(len(properties)) + properties + payload
    assert _published(0x32 if acknowledged else 0x30, body) == (topic, packet_id, payload)


def test_a_return_is_told_by_its_shares_and_its_busiest_second() -> None:
    came = [100.0 + share for share in (0.1, 0.2, 0.3, 1.5, 3.9)]
    found = figures(came, back=100.0, tries=12)
    assert (found["half_s"], found["all_s"], found["tries"]) == (0.3, 3.9, 12)
    assert (found["spread"], found["busiest"]) == ([3, 1, 0, 1], 3)


def test_who_was_back_before_the_broker_said_so_came_in_its_first_second() -> None:
    assert figures([99.9, 100.4], back=100.0, tries=2)["spread"] == [2]


@given(st.lists(st.floats(0, 50), min_size=1, max_size=200))
def test_everybody_is_in_the_spread_once(after: list[float]) -> None:
    found = figures(after, back=0.0, tries=len(after))
    assert sum(found["spread"]) == len(after)
    assert found["half_s"] <= found["most_s"] <= found["all_s"]
    assert told({"stations": len(after), "at_once_s": 1.0, "outages": [{"away_s": 1, "broker_cpu_s": 0.1, **found}]})


async def test_everybody_is_back_when_each_has_come_however_often() -> None:
    comings = Comings(wanted=2)
    for name in ("one", "one"):
        comings.came(name)
    assert not comings.everybody.is_set()
    comings.came("other")
    await asyncio.wait_for(comings.everybody.wait(), 1)


@pytest.mark.parametrize("databases", [("sqlite",), ("sqlite", "postgresql")])
def test_every_figure_is_told_with_what_it_is(databases: tuple[str, ...]) -> None:
    one: dict[str, Any] = dict.fromkeys(KEYS, 1.5) | {"answer_ms": {"median": 2.0, "longest": 30.0}}
    text = table({"stations": 10, "databases": dict.fromkeys(databases, one)})
    assert len(text.splitlines()) == 1 + len(KEYS)
    assert text.count("2 / 30") == len(databases)
    assert all(meaning in text for meaning in KEYS.values())
