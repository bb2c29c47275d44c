"""Envelopes: what travels, what is refused, and in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.envelope import MAX_BYTES, Envelope, OrderGuard, Sealer, open_envelope, parse_json
from messaging.errors import MalformedMessage, MessageError, OversizedMessage, StaleMessage, UnknownVersion
from messaging.twin import Config, Desired
from tests.kits.clock import ManualClock


def sealer(boot: str = "b1") -> Sealer:
    clock = ManualClock()
    return Sealer(clock.monotonic, clock.wall, lambda: "floor", boot)


def numbered(boot: str, seq: int) -> Envelope:
    return Envelope(1, "id", boot, seq, 0.0, 0.0, "ntp", {})


def test_a_message_arrives_with_its_order_and_its_time() -> None:
    seal = sealer()
    first, second = (open_envelope(seal.seal(Desired(n, Config(clinic="Lægehuset")))) for n in (1, 2))
    assert (first.boot, first.seq, second.seq) == ("b1", 1, 2)
    assert (first.wall, first.clock) == (1_800_000_000.0, "floor")
    assert second.data["config"]["clinic"] == "Lægehuset"
    assert first.id != second.id


def test_fields_of_a_newer_sender_survive_in_the_data() -> None:
    data = {"type": "request", "newer": {"deep": [1]}}
    assert open_envelope(sealer().seal(data)).data == data


def test_what_is_too_large_does_not_leave_and_is_not_taken() -> None:
    with pytest.raises(OversizedMessage):
        sealer().seal({"text": "x" * MAX_BYTES})
    with pytest.raises(OversizedMessage):
        open_envelope(b" " * (MAX_BYTES + 1))


@pytest.mark.parametrize("payload", [
    b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"v": 1}', b'{"v": "1"}', b'{"v": NaN}', b"[" * 3000,
    b'{"v":1,"id":"i","boot":"b","seq":1,"mono":1e999,"wall":0,"clock":"ntp","data":{}}',
    b'{"v":1,"id":"i","boot":"b","seq":-1,"mono":0,"wall":0,"clock":"ntp","data":{}}',
    b'{"v":1,"id":"i","boot":"b","seq":1,"mono":0,"wall":0,"clock":"sun","data":{}}',
    b'{"v":1,"id":"i","boot":"b","seq":1,"mono":0,"wall":0,"clock":"ntp","data":[]}',
])  # fmt: skip
def test_what_is_no_envelope_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedMessage):
        open_envelope(payload)


def test_deep_nesting_is_refused_before_it_costs_anything() -> None:
    deep: Any = {}
    for _ in range(40):
        deep = {"a": deep}
    with pytest.raises(MalformedMessage, match="deep"):
        parse_json(json.dumps(deep))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_refused_wherever_it_stands(number: str) -> None:
    for text in (number, f"[{number}]", f'{{"a": {{"b": {number}}}}}'):
        with pytest.raises(MalformedMessage):
            parse_json(text)


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_version_is_said_to_be_one(version: int) -> None:
    with pytest.raises(UnknownVersion, match=str(version)):
        open_envelope(json.dumps({"v": version}).encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_noise_is_refused_with_one_of_our_errors(payload: bytes) -> None:
    with pytest.raises(MessageError):
        open_envelope(payload)


def test_a_replay_or_a_step_back_is_stale_and_changes_nothing() -> None:
    guard = OrderGuard()
    guard.admit(numbered("b1", 5))
    for seq in (5, 4):
        with pytest.raises(StaleMessage):
            guard.admit(numbered("b1", seq))
    guard.admit(numbered("b1", 6))


def test_a_restarted_peer_replaces_the_one_before() -> None:
    guard = OrderGuard()
    guard.admit(numbered("b1", 9))
    guard.admit(numbered("b2", 1))
    with pytest.raises(StaleMessage):
        guard.admit(numbered("b1", 10))
    guard.admit(numbered("b2", 2))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=40))
def test_nothing_is_ever_admitted_twice(arrivals: list[tuple[str, int]]) -> None:
    guard, taken = OrderGuard(), []
    for boot, seq in arrivals:
        try:
            guard.admit(numbered(boot, seq))
            taken.append((boot, seq))
        except StaleMessage:
            continue
    assert len(taken) == len(set(taken))
    boots = [boot for boot, _ in taken]
    assert all(boot not in boots[i + 1 :] or boots[i + 1] == boot for i, boot in enumerate(boots))
