"""Topics are built and read in one place, and only ours pass."""

from __future__ import annotations

import contextlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging import topics
from messaging.errors import MalformedMessage
from messaging.health import EventType, MeasurementType
from messaging.topics import Topic
from tests.kits.servers.memory_broker import matches

STATION = "st-k3m9q2x7"
word = st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True)
station = st.from_regex(topics.STATION_ID, fullmatch=True)
PATTERNS = topics.acl_patterns()
DENIED = [line.removeprefix("pattern deny ") for line in topics.acl_denials()]
branches = st.sampled_from([(d, b, len(p)) for d, table in topics._BRANCHES.items() for b, p in table.items()])


def may_write(name: str, topic: str) -> bool:
    """Whether mosquitto lets a station of that name write there."""
    allowed = [one.removeprefix("pattern write ").replace("%u", name) for one in PATTERNS if "write" in one]
    written = any(matches(one, topic) for one in allowed)
    assert topics.may_write(name, topic) == written, "asked of one topic the same"
    return written and not any(matches(one, topic) for one in DENIED)


@given(station, branches, st.lists(word, min_size=2, max_size=2))
def test_a_topic_survives_the_wire(name: str, branch: tuple[str, str, int], words: list[str]) -> None:
    direction, kind, count = branch
    topic = Topic(name, direction, kind, tuple(words[:count]))  # type: ignore[arg-type]
    assert topics.parse(str(topic)) == topic


@given(st.text(max_size=80) | st.lists(st.text(max_size=9), max_size=9).map("/".join))
def test_whatever_comes_as_a_topic_is_one_of_ours_or_refused(text: str) -> None:
    with contextlib.suppress(MalformedMessage):
        assert str(topics.parse(text)) == text


@pytest.mark.parametrize("name", ["st-a+b-cd", "st-abc/de", "st-abc#de", "short", "St-ABCDEFG", "x" * 41, "", "region"])
def test_a_name_that_could_reach_past_its_branch_is_no_station(name: str) -> None:
    with pytest.raises(MalformedMessage):
        topics.up(name, "birth")


@pytest.mark.parametrize("text", [
    "vs/1/d/st-k3m9q2x7/up", "vs/2/d/st-k3m9q2x7/up/birth", "vs/1/d/st-k3m9q2x7/up/birth/x",
    "vs/1/d/st-k3m9q2x7/up/call",
    "vs/1/d/st-k3m9q2x7/dn/birth", "vs/1/d/st-k3m9q2x7/up/call/+", "vs/1/d/st-k3m9q2x7/sideways/call/c1",
])  # fmt: skip
def test_a_topic_that_is_not_in_the_tree_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        topics.parse(text)


def test_what_the_region_sends_is_what_the_station_listens_to() -> None:
    filters = topics.agent_subscriptions(STATION) + topics.call_subscriptions(STATION)
    for topic in (
        topics.down(STATION, "desired"), topics.down(STATION, "cmd", "reboot", "c1"),
        topics.down(STATION, "call", "c1"), topics.down(STATION, "rebirth"),
        topics.down(STATION, "conn", "agent"), topics.down(STATION, "conn", "call"),
    ):  # fmt: skip
        assert any(matches(one, topic) for one in filters)
        assert not any(matches(one, topic.replace(STATION, "st-another1")) for one in filters)


def test_the_region_hears_every_station_alone_or_in_a_group() -> None:
    for group in ("", "ingest"):
        (one,) = topics.region_subscriptions(group)
        assert matches(one, topics.up(STATION, "e", "press"))
        assert not matches(one, topics.down(STATION, "desired"))


def test_the_patterns_hold_each_station_to_its_own_branch() -> None:
    assert [one for one in PATTERNS if one.startswith("pattern read")] == ["pattern read vs/1/d/%u/dn/#"]
    assert all(one.startswith("pattern write vs/1/d/%u/up/") for one in PATTERNS if not one.startswith("pattern read"))


WRITTEN = [
    ("conn", "agent"), ("conn", "call"), ("birth",), ("reported",), ("cmd", "volume", "0" * 16), ("call", "c0ffee00"),
    *(("m", one) for one in get_args(MeasurementType)), *(("e", one) for one in get_args(EventType)),
]  # fmt: skip


@pytest.mark.parametrize("words", WRITTEN)
def test_what_a_station_says_it_may_say_and_nobody_else_in_its_name(words: tuple[str, ...]) -> None:
    assert may_write(STATION, topics.up(STATION, *words))
    assert not may_write("st-another1", topics.up(STATION, *words))


@given(branches, st.lists(word.filter(lambda one: one != "up"), min_size=2, max_size=2))
def test_a_station_can_retain_without_end_only_under_the_ids_of_calls_and_commands(
    branch: tuple[str, str, int], words: list[str]
) -> None:
    direction, kind, count = branch
    topic = str(Topic(STATION, direction, kind, tuple(words[:count])))  # type: ignore[arg-type]
    said = tuple(topic.split("/")[5:])
    assert may_write(STATION, topic) == (direction == "up" and (kind in ("cmd", "call") or said in WRITTEN))


@pytest.mark.parametrize(
    "rest", ["up", "up/x", "up/conn", "up/conn/agent/x", "up/birth/x", "up/a/fall", "up/call", "x"]
)
def test_what_is_no_topic_of_a_station_it_may_not_write(rest: str) -> None:
    assert not may_write(STATION, f"vs/1/d/{STATION}/{rest}")


def test_presence_and_config_are_there_to_stay_and_nothing_else() -> None:
    stays = [words for words in WRITTEN if topics.is_retained(topics.up(STATION, *words))]
    assert stays == [("conn", "agent"), ("conn", "call")]
    assert topics.is_retained(topics.down(STATION, "desired"))
    for topic in (topics.down(STATION, "rebirth"), topics.down(STATION, "cmd", "reboot", "c1"), "", "vs/1/d/+/up/conn"):
        assert not topics.is_retained(topic)


@given(station, branches, st.lists(word | st.just("up"), min_size=2, max_size=2))
def test_what_is_denied_to_names_with_slashes_is_no_topic_of_ours(
    name: str, branch: tuple[str, str, int], words: list[str]
) -> None:
    direction, kind, count = branch
    topic = Topic(name, direction, kind, tuple(words[:count]))  # type: ignore[arg-type]
    for denied in DENIED:
        assert not matches(denied, str(topic)) or "up" in topic.words


@pytest.mark.parametrize("beneath", ["up", "dn", "up/cmd", "dn/cmd", "up/cmd/volume", "dn/call", "up/m"])
@pytest.mark.parametrize("rest", ["", "/x", "/x/y"])
def test_no_name_with_slashes_writes_into_a_branch_of_another(beneath: str, rest: str) -> None:
    opened = f"vs/1/d/{STATION}/{beneath}/up{rest}"  # what `pattern write` opens to <station>/<beneath>
    assert any(matches(one, opened) for one in DENIED)


@given(station)
def test_all_of_a_station_that_stays_at_the_broker_is_named(name: str) -> None:
    named = set(topics.retained_topics(name))
    assert all(topics.is_retained(one) for one in named)
    said = {one.removeprefix("pattern write ").replace("%u", name) for one in PATTERNS if "write" in one}
    assert {one for one in said if topics.is_retained(one)} <= named, "what the station may have it keep"
    assert topics.down(name, "desired") in named, "and what the region does"
