"""Giving commands: to one station or many, what is refused, and what the log says of it. On both databases."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.codec import encode
from messaging.command import LONGEST_S, ORDERS, Progress
from messaging.envelope import Envelope
from messaging.errors import MalformedMessage
from messaging.topics import Topic
from region.registry import Conflict, Invalid, NotFound, Registry
from region.registry.filters import Filter
from region.stations.commanding import FURTHEST_S, MOST_OPEN, Asked, Commanding, Whom, from_texts
from region.stations.progress import CommandProgress, UnknownCommand
from tests.kits.clock import ManualClock
from tests.kits.region.stations import NOW, command, order, stand

IDENTIFY = Asked("identify", {})


@pytest.fixture
def commanding(registry: Registry) -> Commanding:
    return Commanding(registry, ManualClock())


async def rows(registry: Registry, action: str) -> list[Any]:
    async with registry.read() as t:
        return [row for row in await t.audit.recent(500) if row.action == action]


async def test_a_command_to_a_place_is_one_to_each_station_there(registry: Registry, commanding: Commanding) -> None:
    async with registry.begin() as t:
        cluster = await t.clusters.add("East", NOW)
        municipality = await t.municipalities.add("Skive", cluster.id, NOW)
        site = await t.sites.add("Månelyst", NOW, municipality.id)
        there = {(await t.stations.add(f"Stue {n}", site.id, None, NOW)).id for n in range(3)}
    elsewhere = set(await stand(registry, 2))
    for whom, stations in (
        (Whom(where=Filter(site=("Månelyst",))), there), (Whom(where=Filter(municipality=("Skive",))), there),
        (Whom(where=Filter(cluster=("East",))), there), (Whom(where=Filter()), there | elsewhere),
        (Whom(stations=tuple(elsewhere)), elsewhere),
    ):  # fmt: skip
        handed = await commanding.give("ivan", whom, Asked("identify", {"seconds": 30}, "which one?"))
        assert {one.station_id for one in handed.commands} == stations == {s.id for s in await commanding.look(whom)}
        assert {(one.batch, one.actor, one.why) for one in handed.commands} == {(handed.batch, "ivan", "which one?")}
        assert [one.fields for one in handed.commands] == [{"seconds": 30}] * len(stations)
    told = await rows(registry, "command.give")
    assert len(told) == 3 * 3 + 5 + 2, "a row for each station"
    assert told[0].detail["command"] == "identify"


async def test_those_that_are_shut_out_are_left_out_and_alone_refused(
    registry: Registry, commanding: Commanding
) -> None:
    fit, revoked, held = await stand(registry, 3)
    async with registry.begin() as t:
        await t.stations.set_admission(revoked, "revoked")
        await t.stations.set_admission(held, "quarantined")
    handed = await commanding.give("ivan", Whom(where=Filter()), IDENTIFY)
    assert [one.station_id for one in handed.commands] == [fit]
    assert handed.left_out == {revoked: "revoked", held: "quarantined"}
    for station, told in ((revoked, "shut out for good"), (held, "in quarantine")):
        with pytest.raises(Conflict, match=told):
            await commanding.give("ivan", Whom((station,)), IDENTIFY)
    assert len(await rows(registry, "command.give")) == 1


async def test_a_script_gone_astray_is_stopped(registry: Registry, commanding: Commanding) -> None:
    (station,) = await stand(registry)
    for _ in range(MOST_OPEN):
        await commanding.give("ivan", Whom((station,)), IDENTIFY)
    with pytest.raises(Conflict, match="have not ended"):
        await commanding.give("ivan", Whom((station,)), IDENTIFY)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked("explode", {}), "no command explode"),
        (Asked("camera_on", {}), "no command camera_on"),
        (Asked("identify", {"minutes": 3}), "does not say minutes"),
        (Asked("identify", {"seconds": 500}), "seconds"),
        (Asked("restart", {}), "process"),
        (Asked("volume", {"percent": "loud"}), "percent"),
        (Asked("message", {"text": "   "}), "text"),
        (Asked("message", {"text": "a\x1bb"}), "text"),
        (Asked("identify", {}, at=NOW - 3600), "past"),
        (Asked("identify", {}, at=NOW + FURTHEST_S + 3600), "days ahead"),
        (Asked("identify", {}, good_for_s=LONGEST_S + 1), "expires"),
        (Asked("identify", {}, good_for_s=0), "expires"),
        (Asked("identify", {}, why="x" * 121), "why"),
        (Asked("wipe", {"station": "st-00000000"}), "is not the one"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_given(
    registry: Registry, commanding: Commanding, asked: Asked, told: str
) -> None:
    (station,) = await stand(registry)
    with pytest.raises(Invalid, match=told):
        await commanding.give("ivan", Whom((station,)), asked)
    assert await rows(registry, "command.give") == []


async def test_a_wipe_is_for_one_station_that_is_named_twice(registry: Registry, commanding: Commanding) -> None:
    one, other = await stand(registry, 2)
    wipe = Asked("wipe", {"station": one})
    for whom in (Whom(where=Filter()), Whom((one, other)), Whom((other,))):
        with pytest.raises(Invalid, match="wipe"):
            await commanding.give("ivan", whom, wipe)
    assert len((await commanding.give("ivan", Whom((one,)), wipe)).commands) == 1


async def test_nowhere_is_told(registry: Registry, commanding: Commanding) -> None:
    for whom in (Whom(("st-00000000",)), Whom(where=Filter(site=("Mars",)))):
        with pytest.raises(NotFound):
            await commanding.give("ivan", whom, IDENTIFY)
    with pytest.raises(Conflict, match="no station there"):
        await commanding.give("ivan", Whom(where=Filter()), IDENTIFY)


async def test_what_has_not_been_sent_is_called_back_and_what_has_is_not(
    registry: Registry, commanding: Commanding
) -> None:
    stations = await stand(registry, 3)
    handed = await commanding.give("ivan", Whom(where=Filter()), IDENTIFY)
    sent, *unsent = handed.commands
    async with registry.begin() as t:
        await t.commands.claim([sent], NOW)
    with pytest.raises(Conflict, match="cannot be called back"):
        await commanding.cancel("ivan", sent.id)
    assert (await commanding.cancel("ivan", unsent[0].id)).reason == "cancelled"
    with pytest.raises(Conflict, match="ended already: failed cancelled"):
        await commanding.cancel("ivan", unsent[0].id)
    done, late = await commanding.cancel_batch("ivan", handed.batch)
    assert ([one.id for one in done], len(late)) == ([unsent[1].id], 2)
    for unknown in (commanding.cancel("ivan", "0" * 16), commanding.cancel_batch("ivan", "0" * 16)):
        with pytest.raises(NotFound):
            await unknown
    assert {row.station_id for row in await rows(registry, "command.cancel")} == set(stations) - {sent.station_id}


def test_what_is_typed_becomes_what_an_order_says() -> None:
    assert from_texts("message", {"text": "12", "seconds": "60"}) == {"text": "12", "seconds": 60}
    for texts in ({"percent": "forty"}, {"percent": "-1"}, {"percent": "²"}):
        with pytest.raises(Invalid):
            from_texts("volume", texts)


@given(
    st.sampled_from([*ORDERS, "explode"]),
    st.dictionaries(st.sampled_from(["text", "seconds", "percent", "station", "process", "x"]), st.text(max_size=20)),
)
def test_whatever_is_typed_is_read_or_refused(kind: str, texts: dict[str, str]) -> None:
    try:
        read = from_texts(kind, texts)
    except Invalid:
        return
    assert set(read) == set(texts)


# --- what stations say ---


class Ear:
    """Hears stations, as the wire hands on what they say."""

    def __init__(self, registry: Registry, clock: ManualClock) -> None:
        self.news: list[str] = []
        self.clock = clock
        self._progress = CommandProgress(registry, clock, self.news.append)

    async def hear(self, station: str, kind: str, cid: str, data: dict[str, Any], *, clock: Any = "ntp") -> None:
        envelope = Envelope(1, "id", "b", 1, 1.0, self.clock.wall() - 60, clock, data)
        await self._progress.handle(Topic(station, "up", "cmd", (kind, cid)), envelope)


@pytest.fixture
def ear(registry: Registry) -> Ear:
    return Ear(registry, ManualClock(wall=NOW + 120))


async def test_what_a_station_says_is_noted_logged_at_the_end_and_told_the_pages(registry: Registry, ear: Ear) -> None:
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station])
    for _ in range(2):
        for told in (Progress("init"), Progress("executing"), Progress("failed", "no_screen", {"tries": 2.0})):
            await ear.hear(station, "identify", cid, encode(told))
    known = await command(registry, cid)
    assert (known.state, known.reason, known.figures) == ("failed", "no_screen", {"tries": 2.0})
    assert known.ended_at == NOW + 60, "by the station's own clock: its outbox may be late"
    assert ear.news == [station] * 3
    (row,) = await rows(registry, "command.ended")
    assert (row.actor, row.outcome, row.detail["reason"]) == (station, "failed", "no_screen")


async def test_another_s_command_or_none_is_refused_and_changes_nothing(registry: Registry, ear: Ear) -> None:
    mine, other = await stand(registry, 2)
    (cid,) = await order(registry, [mine])
    for station, kind, which in ((other, "identify", cid), (mine, "reboot", cid), (mine, "identify", "0" * 16)):
        with pytest.raises(UnknownCommand):
            await ear.hear(station, kind, which, encode(Progress("successful")))
    assert (await command(registry, cid)).state == "init"
    assert ear.news == []


@pytest.mark.parametrize(
    "data",
    [
        {"state": "done"}, {}, {"state": "failed", "reason": "\x1b[31mred"}, {"state": "failed", "reason": "x" * 65},
        {"state": "executing", "figures": {"Ω": 1.0}}, {"state": "executing", "figures": {"a": "b"}},
        {"state": "executing", "figures": {f"f{n}": 1.0 for n in range(17)}}, {"state": None},
    ],
)  # fmt: skip
async def test_rubbish_is_refused(registry: Registry, ear: Ear, data: dict[str, Any]) -> None:
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station])
    with pytest.raises(MalformedMessage):
        await ear.hear(station, "identify", cid, data)
    assert (await command(registry, cid)).state == "init"


async def test_a_station_that_has_erased_itself_is_not_let_in_any_more(registry: Registry, ear: Ear) -> None:
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station], "wipe", station=station)
    await ear.hear(station, "wipe", cid, encode(Progress("executing")))
    async with registry.read() as t:
        assert (await t.stations.get(station)).admission == "admitted"
    await ear.hear(station, "wipe", cid, encode(Progress("successful")))
    async with registry.read() as t:
        assert (await t.stations.get(station)).admission == "revoked"
    (row,) = await rows(registry, "station.revoke")
    assert (row.actor, row.detail["why"]) == ("region", "retired")


async def test_a_clock_nobody_trusts_dates_nothing(registry: Registry, ear: Ear) -> None:
    (station,) = await stand(registry)
    (cid,) = await order(registry, [station])
    await ear.hear(station, "identify", cid, encode(Progress("executing")), clock="unset")
    assert (await command(registry, cid)).executing_at == ear.clock.wall()


def test_no_command_reaches_for_camera_or_microphone() -> None:
    words = {field.name for kind in ORDERS.values() for field in dataclasses.fields(kind)} | set(ORDERS)
    assert not {word for word in words if "camera" in word or "microphone" in word or "record" in word}
