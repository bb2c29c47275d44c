"""Signalling messages: each side reads only what the other may say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging import call
from messaging.errors import MalformedMessage

SAMPLES_FROM_STATION: list[call.FromStation] = [
    call.Request(call.Devices()), call.Alerting(call.Devices(camera="missing")), call.Accept(),
    call.Accept(by_itself=True), call.Offer(1, "v=0"),
    call.Connected(1, 120.0), call.Lost(2), call.Media(call.Devices()), call.Status("in_call", 2, call.Devices()),
    call.Hangup("resident_left"), call.Rejected("foreign_call"),
]  # fmt: skip
SAMPLES_FROM_REGION: list[call.FromRegion] = [
    call.Ringing("Lægehuset", (call.IceServer(("turn:t.example:3478",), "u", "c"),)), call.Refused("no_clinic"),
    call.Invite("Læge", "GP"), call.Answer(1, "v=0", "Læge"), call.Candidate(1, "candidate:1", "0", 0),
    call.Renew(), call.Hangup("clinician_left"), call.Rejected("stale"),
]  # fmt: skip


@pytest.mark.parametrize("message", SAMPLES_FROM_STATION, ids=lambda m: type(m).__name__)
def test_the_region_reads_what_a_station_says(message: call.FromStation) -> None:
    assert call.from_station(call.to_data(message)) == message


@pytest.mark.parametrize("message", SAMPLES_FROM_REGION, ids=lambda m: type(m).__name__)
def test_a_station_reads_what_the_region_says(message: call.FromRegion) -> None:
    assert call.from_region(call.to_data(message)) == message


def test_the_samples_cover_every_type() -> None:
    assert {type(m) for m in SAMPLES_FROM_STATION} == set(call._FROM_STATION.values())
    assert {type(m) for m in SAMPLES_FROM_REGION} == set(call._FROM_REGION.values())


def test_a_station_cannot_be_told_to_accept_its_own_call() -> None:
    for message in (call.Accept(), call.Request(call.Devices()), call.Offer(1, "v=0")):
        with pytest.raises(MalformedMessage):
            call.from_region(call.to_data(message))


@pytest.mark.parametrize("data", [
    {}, {"type": 3}, {"type": "offer"}, {"type": "offer", "generation": 0, "sdp": ""},
    {"type": "offer", "generation": 1, "sdp": "x" * (call.MAX_SDP + 1)}, {"type": "hangup", "reason": "because"},
    {"type": ["offer"]}, {"type": "connected", "generation": 1, "after_ms": -1},
])  # fmt: skip
def test_a_bad_message_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        call.from_station(data)


FIELDS = st.sampled_from(["type", "generation", "sdp", "reason", "devices", "name"])


VALUES = st.none() | st.text(max_size=9) | st.integers() | st.lists(st.integers(), max_size=2)


@given(st.dictionaries(FIELDS, VALUES))
def test_noise_is_read_or_refused(data: dict[str, Any]) -> None:
    for read in (call.from_station, call.from_region):
        try:
            read(data)
        except MalformedMessage:
            continue


def test_call_ids_fit_the_topic_and_are_not_guessed() -> None:
    ids = {call.new_call_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(call.CALL_ID.fullmatch(one) for one in ids)
