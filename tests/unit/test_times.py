"""Moments as the API says them and is told them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from messaging.codec import decode, encode
from messaging.errors import MalformedMessage
from messaging.status import Birth
from messaging.times import Instant, UnixTime, read_rfc_3339, rfc_3339

_BOUNDS = Instant()
moments = st.floats(_BOUNDS.least, _BOUNDS.most)


@dataclass(frozen=True)
class Told:
    at: UnixTime
    until: UnixTime | None = None


@given(moments)
def test_what_is_told_can_be_read_again_to_the_millisecond(at: float) -> None:
    text = rfc_3339(at)
    assert text.endswith("Z")
    assert abs(read_rfc_3339(text) - at) <= 0.001
    assert rfc_3339(read_rfc_3339(text)) == text


@given(moments, moments)
def test_texts_sort_as_their_times_do(one: float, other: float) -> None:
    assert (rfc_3339(one) <= rfc_3339(other)) or one > other


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T03:00:00+01:00", "2026-11-22T02:00:00Z", "2026-11-22t02:00:00.000z", "2026-11-21T21:00:00-05:00",
     "2026-11-22T02:00:00.000000000-00:00"],
)  # fmt: skip
def test_any_offset_will_do(text: str) -> None:
    assert read_rfc_3339(text) == 1_795_312_800.0


@pytest.mark.parametrize(
    "said",
    ["2026-11-22T03:00:00", "2026-11-22T03:00Z", "2026-11-22 03:00:00Z", "2026-11-22", "20261122T030000Z", "tonight",
     "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-22T24:30:00Z", "0000-01-01T00:00:00Z", "",
     "٢026-11-22T03:00:00Z",
     "2026-11-22T03:00:00+25:00", 1_795_312_800, 1_795_312_800.0, None, True, ["2026-11-22T02:00:00Z"]],
)  # fmt: skip
def test_all_else_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match=r"with its offset|no such time"):
        read_rfc_3339(said)


@given(
    st.text(max_size=40)
    | st.from_regex(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", fullmatch=True)
)
def test_nothing_that_is_said_breaks_it(said: str) -> None:
    try:
        read_rfc_3339(said)
    except ValueError as error:
        assert "time" in str(error)


def test_records_and_messages_hold_seconds_and_the_api_tells_texts() -> None:
    told = Told(1_795_312_800.25)
    assert encode(told) == {"at": 1_795_312_800.25}
    assert decode(Told, {"at": 1_795_312_800.25}) == told
    assert TypeAdapter(Told).dump_python(told, mode="json") == {"at": "2026-11-22T02:00:00.250Z", "until": None}
    assert TypeAdapter(Told).json_schema(mode="serialization")["properties"]["at"]["format"] == "date-time"


@pytest.mark.parametrize("expires", [-1.0, 1e300])
def test_a_station_tells_no_time_that_no_calendar_has(expires: float) -> None:
    with pytest.raises(MalformedMessage, match="certificate_expires"):
        decode(Birth, {"hardware": "sim", "versions": {}, "config_version": 1, "certificate_expires": expires})
