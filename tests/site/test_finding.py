"""Finding stations in the database: the same answers as looking at each of them, on both databases."""

from __future__ import annotations

import random
from typing import Any

import pytest
import sqlalchemy

from messaging.call import Devices
from messaging.codec import encode
from messaging.envelope import Envelope
from messaging.health import Health
from messaging.settings import Telemetry
from messaging.status import Birth, Connection
from messaging.topics import Topic
from messaging.twin import Config, Proving, Reported, TakenBack
from region.fleet.intake import Intake
from region.fleet.listing import TROUBLES
from region.fleet.standing import DAY_S, Standing
from region.fleet.summary import summary
from region.fleet.whole import find_in_fleet
from region.registry import NotFound, Registry, Transaction
from region.registry.filters import STATES, Filter, State, read_words
from region.registry.finding import STALE_S
from region.registry.records import Station
from tests.kits.clock import ManualClock
from tests.kits.region.stations import NOW

Which = random.Random
_FLEET = 90
_WELL = 3  # of them
_DEVICES = ("camera", "microphone", "speaker")


def _is(state: State, station: Station, s: Standing) -> bool:
    """What the state means, by looking at the station itself."""
    codes = {remark.code for remark in s.remarks}
    refused = s.reported.refused if s.reported else {}
    proving = s.reported.proving if s.reported else Proving()
    if station.admission != "admitted":
        return state == station.admission or (state == "not_ready" and station.admission == "quarantined")
    match state:
        case "ready":
            return s.ready
        case "well":
            return s.ready and s.level == "good"
        case "limits":
            return s.ready and s.level == "warn"
        case "not_ready":
            return not s.ready
        case "in_call":
            return s.in_call
        case "never_seen" | "no_clinic":
            return state in codes
        case "offline":
            return bool(codes & {"offline", "unheard"})
        case "program_away":
            return bool(codes & {"call_offline", "agent_offline", "call_unheard", "agent_unheard"})
        case "device_fault":
            return any(code == "no_devices" or code.split("_")[0] in _DEVICES for code in codes)
        case "machine":
            return bool(codes & {"locked", "hot", "disk_full", "memory_full", "weak_wifi", "no_clock", "no_screen"})
        case "silent":
            return bool(codes & {"no_report", "old_report"})
        case "locked":
            return s.health is not None and s.health.locked
        case "config_waits":
            return s.version_in_force != s.desired_version
        case "refused":
            return bool(refused)
        case "taken_back":
            return proving.taken_back is not None
        case "on_trial":
            return proving.on_trial
        case "certificate_soon":
            return bool(codes & {"certificate_ends", "certificate_ended"})
        case _:
            return False


async def _told(t: Transaction, station: str, branch: str, message: object, at: float) -> None:
    """As the region keeps what a station tells."""
    await t.reports.set_report(station, branch, encode(message), "b1", 1, at)
    await t.finding.keep(station, summary(message, at))


def _health(some: Which) -> Health:
    devices = Devices(*(some.choice(("ok", "ok", "missing", "fault")) for _ in range(3)))
    return Health(
        9.0, some.choice(("ntp", "ntp", "unset")), devices, {"call": some.choice(("running", "running", "stopped"))},
        {"laegeknap": some.choice(("1.0", "1.1"))}, temperature_c=some.choice((50.0, 50.0, 90.0)),
        locked=some.random() < 0.1,
    )  # fmt: skip


async def _fleet(registry: Registry, some: Which) -> None:
    """Stations of every kind: each fact of each is drawn."""
    async with registry.begin() as t:
        clinic = await t.clinics.add("Bakkens Klinik", "", NOW)
        cluster = await t.clusters.add("Øst", NOW)
        towns = [await t.municipalities.add("Skive", cluster.id, NOW), await t.municipalities.add("Ærø", None, NOW)]
        sites = [await t.sites.add(f"Hus {n}", NOW, town.id) for n, town in enumerate(towns)]
        stations = [
            (await t.stations.add(f"Stue {n}", some.choice(sites).id, some.choice((clinic.id, None)), NOW)).id
            for n in range(_FLEET - _WELL)
        ]
        for n in range(_WELL):
            await _well(t, (await t.stations.add(f"Stue {_FLEET - n}", sites[0].id, clinic.id, NOW)).id)
        for station in stations:
            await t.stations.set_admission(station, some.choice(("admitted", "admitted", "quarantined", "revoked")))
            for process in ("agent", "call"):
                if some.random() < 0.85:
                    state, call = some.choice(("online", "online", "offline")), some.choice((None, "c1"))
                    await t.reports.set_presence(station, Connection(process, state, "b1", 1, {}, call), NOW)
                    if some.random() < 0.2:
                        await t.reports.not_heard_of(station, process, ("b1", 1), NOW - 60)
        for station in stations:
            await _tell_all(t, station, some)


async def _well(t: Transaction, station: str) -> None:
    """Nothing is wrong with it."""
    for process in ("agent", "call"):
        await t.reports.set_presence(station, Connection(process, "online", "b1", 1), NOW)
    health = Health(9.0, "ntp", Devices(), {"call": "running"}, {"laegeknap": "1.0"})
    for branch, told in (("m/health", health), ("reported", Reported(1, Config(), {}))):
        await _told(t, station, branch, told, NOW)


async def _tell_all(t: Transaction, station: str, some: Which) -> None:
    if some.random() < 0.9:
        await _told(t, station, "m/health", _health(some), NOW - some.choice((5.0, 5.0, STALE_S + 5)))
    if some.random() < 0.9:
        taken = TakenBack(some.choice((1, 2)), "link lost")
        proving = some.choice((Proving(), Proving(), Proving(True), Proving(False, 1), Proving(taken_back=taken)))
        refused = some.choice(({}, {}, {"volume": "?"}))
        config = Config(telemetry=Telemetry(health_s=some.choice((60, 60, 3600))))
        told = Reported(some.choice((0, 1, 1)), config, refused, proving)
        await _told(t, station, "reported", told, NOW)
    if some.random() < 0.9:
        ends = some.choice((None, NOW + 40 * DAY_S, NOW + 40 * DAY_S, NOW + DAY_S, NOW - DAY_S))
        await _told(t, station, "birth", Birth("sim", {}, 1, ends), NOW)


async def test_the_database_finds_what_looking_at_each_station_finds(registry: Registry) -> None:
    await _fleet(registry, random.Random(4))
    everybody = await find_in_fleet(registry, Filter(), NOW)
    assert everybody.tally.found == len(everybody.stations) == _FLEET
    for state in STATES:
        found = await find_in_fleet(registry, Filter(state=(state,)), NOW)
        expected = [one.station.id for one in everybody.stations if _is(state, one.station, one.standing)]
        assert [one.station.id for one in found.stations] == expected, state
        assert 0 < len(expected) < _FLEET, f"the fleet shows nothing of {state}"
        assert found.tally.found == len(expected)
        assert found.tally.ready == sum(one.standing.ready for one in found.stations), state
        assert everybody.tally.like[state] == len(expected), state


async def test_whatever_is_wrong_with_a_station_is_one_of_the_states_it_is_found_by(registry: Registry) -> None:
    """Or it would be in trouble, and not in any of the numbers above the list."""
    await _fleet(registry, random.Random(6))
    for one in (await find_in_fleet(registry, Filter(), NOW)).stations:
        if one.standing.level != "good":
            named = [state for state in TROUBLES if _is(state, one.station, one.standing)]
            assert named or one.station.admission == "revoked", one.standing.remarks


async def test_those_in_trouble_come_first_and_rooms_are_counted_as_people_count(registry: Registry) -> None:
    await _fleet(registry, random.Random(7))
    found = await find_in_fleet(registry, Filter(), NOW, worst_first=True)
    ranks = [
        3 if one.station.admission == "revoked" else ["bad", "warn", "good"].index(one.standing.level)
        for one in found.stations
    ]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2, 3}
    worst = [(one.station.site, int(one.station.name.split()[1])) for one in found.stations[: ranks.count(0)]]
    assert worst == sorted(worst)


async def test_what_was_reported_to_an_older_version_is_found_once_it_has_caught_up(registry: Registry) -> None:
    await _fleet(registry, random.Random(5))
    wanted = Filter(state=("limits", "refused"))
    before = await find_in_fleet(registry, wanted, NOW)
    await _as_before_the_table(registry)
    assert (await find_in_fleet(registry, Filter(state=("refused",)), NOW)).stations == []
    await Intake(registry, ManualClock()).catch_up()
    assert await find_in_fleet(registry, wanted, NOW) == before


async def test_a_station_is_found_by_its_report_as_soon_as_that_is_kept(registry: Registry) -> None:
    async with registry.begin() as t:
        site = await t.sites.add("Solgården", NOW)
        station = await t.stations.add("Stue 4", site.id, None, NOW)
    told = encode(Reported(1, Config(), {"volume": "?"}))
    envelope = Envelope(1, "id", "b1", 1, 5.0, NOW, "ntp", told)
    await Intake(registry, ManualClock()).handle(Topic(station.id, "up", "reported", ()), envelope)
    assert await _ids(registry, "state=refused") == ["Stue 4"]


async def _as_before_the_table(registry: Registry) -> None:
    async with registry._engine.begin() as connection:
        await connection.execute(sqlalchemy.text("DELETE FROM standing"))


async def _ids(registry: Registry, *words: str, **more: Any) -> list[str]:
    async with registry.read() as t:
        return [one.name for one in await t.finding.find(read_words(words), NOW, **more)]


@pytest.fixture
async def houses(registry: Registry) -> Registry:
    async with registry.begin() as t:
        town = await t.municipalities.add("Skive", (await t.clusters.add("Øst", NOW)).id, NOW)
        clinic = await t.clinics.add("Bakkens Klinik", "", NOW)
        sun, moon = await t.sites.add("Solgården", NOW, town.id), await t.sites.add("Månelyst", NOW)
        for n in (1, 2, 3):
            await t.stations.add(f"Stue {n}", sun.id, clinic.id, NOW, serial=f"10000000{n}")
        await t.stations.add("Køkken 100%", moon.id, None, NOW)
    return registry


async def test_places_words_and_numbers(houses: Registry) -> None:
    assert await _ids(houses) == ["Køkken 100%", "Stue 1", "Stue 2", "Stue 3"], "by site, then by name"
    assert await _ids(houses, "site=Solgården", "text=stue 2") == ["Stue 2"]
    assert await _ids(houses, "site=Solgården", "site=Månelyst", "text=100000003") == ["Stue 3"]
    assert await _ids(houses, "cluster=Øst") == await _ids(houses, "municipality=Skive")
    assert await _ids(houses, "clinic=Bakkens Klinik", most=1, skip=1) == ["Stue 2"]
    assert await _ids(houses, "text=KØKKEN") == await _ids(houses, "text=100%") == ["Køkken 100%"]
    assert await _ids(houses, "text=1_0%") == [], "no wildcards: what is typed is looked for"


async def test_only_the_sites_that_somebody_is_bound_to_are_looked_at(houses: Registry) -> None:
    async with houses.read() as t:
        moon = (await t.sites.named("Månelyst")).id
        assert (await t.finding.tally(Filter(), NOW, within=[moon])).found == 1
        assert (await t.finding.tally(Filter(), NOW, within=[])).found == 0
    assert await _ids(houses, within=[moon]) == ["Køkken 100%"]
    assert await _ids(houses, "site=Solgården", within=[moon]) == []


@pytest.mark.parametrize("word", ["site=Mars", "cluster=X", "municipality=X", "clinic=X", "station=st-00000000"])
async def test_a_place_that_is_not_there_is_told(houses: Registry, word: str) -> None:
    async with houses.read() as t:
        with pytest.raises(NotFound, match=word.partition("=")[2]):
            await t.finding.check(read_words([word]))


async def test_many_named_one_by_one_are_found(houses: Registry) -> None:
    async with houses.read() as t:
        known = [one.id for one in await t.stations.all()]
        named = (*(f"st-{number:08}" for number in range(2500)), *known)
        assert len(await t.finding.find(Filter(station=named), NOW)) == len(known)
