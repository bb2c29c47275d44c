"""Stations are removed from the registry once they are shut out, on both databases. What has to stay, stays."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from messaging.status import Connection
from provisioning.authority.ports import Given, Invitation
from region.evaluation.gather import places, rows
from region.evaluation.weeks import week_of
from region.registry.records import Station
from region.registry.store import RegistryEnrolmentStore
from region.stations.admission import Admission
from region.stations.removing import RemovalService
from tests.kits.region.app import Kit, every_subject, region_kit, still
from tests.kits.region.asking import ask

DAY_S = 86_400.0


@pytest.fixture
async def kit(tmp_path: Path, database: str) -> AsyncIterator[Kit]:
    subjects = [still(make) for make in every_subject(tmp_path)]
    async with region_kit(tmp_path, subjects, database=database) as kit:
        yield kit


async def shut_out(kit: Kit, *stations: str) -> None:
    for one in stations:
        await Admission(kit.region.registry, kit.clock).revoke("ivan", one, "retired")


async def live_through(kit: Kit, station: Station) -> None:
    """Everything that a station comes to have: a certificate, reports, settings, a code, a call that has ended."""
    now, registry = kit.clock.wall(), kit.region.registry
    assert station.clinic_id is not None
    async with registry.begin() as t:
        await t.certificates.add(Given(station.id, "aa", "k1", b"der", now, now + 45 * DAY_S))
        await t.enrolments.put(Invitation(station.id, "c0de", now + DAY_S))
        await t.reports.set_presence(station.id, Connection("agent", "online", "b1", 1), now)
        await t.reports.set_report(station.id, "health", {"n": 1}, "b1", 1, now)
        await t.finding.keep(station.id, {"version": "1.0"})
        await t.layers.put("station", station.id, {"volume": 12}, "ivan", now)
        await t.calls.add("c0ffee00", station.id, station.clinic_id, "resident", "waiting", now)


async def test_one_that_is_in_use_stays_and_who_asks_is_told_what_to_do(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    path = f"/stations/{station.id}"
    refused = (await ask(ivan, "DELETE", path, 409))["detail"]
    assert refused.startswith(f"{station.id} is in use: shut it out first (region station revoke)")
    await Admission(kit.region.registry, kit.clock).quarantine(station.id, "used_twice")
    assert "is in quarantine" in (await ask(ivan, "DELETE", path, 409))["detail"]
    await live_through(kit, station)
    await shut_out(kit, station.id)
    assert "has a call that has not ended" in (await ask(ivan, "DELETE", path, 409))["detail"]
    await ask(ivan, "GET", path)
    await ask(ivan, "DELETE", "/stations/st-00000000", 404)
    async with kit.region.registry.begin() as t:
        await t.calls.end("c0ffee00", "resident_left", kit.clock.wall())
    await ask(ivan, "DELETE", path, 204)
    await ask(ivan, "DELETE", path, 404)


async def test_what_was_done_the_calls_and_the_revoked_certificate_outlive_it_and_nothing_else_does(
    kit: Kit, station: Station
) -> None:
    before = await _over(kit, station)
    await _remove_next_week(kit, station)
    now = kit.clock.wall()
    async with kit.region.registry.read() as t:
        assert [one.serial for one in await t.certificates.refused(now)] == ["aa"], "the revocation list names it on"
        assert await t.certificates.refused(now + 60 * DAY_S) == []
        assert await t.removals.shut_out(now) == {station.id}
        last = (await t.audit.recent(station_id=station.id))[0]
        call = await t.calls.get("c0ffee00")
        assert await t.reports.all_reports() == []
        assert await t.reports.all_presence() == []
        assert await t.enrolments.all() == {}
        assert await t.layers.of_stations() == {}
    assert (last.actor, last.action) == ("ivan", "station.remove")
    assert last.detail == {"name": "Room 4", "site": "Solgården", "room": "Room 4", "serial": ""}
    assert (call.station, call.site, call.clinic) == ("Room 4", "Solgården", "Bakkens Klinik")
    assert await _figures(kit) == before, "the pilots' figures of the weeks before are as they were"
    next_week = week_of(datetime.fromtimestamp(now + 8 * DAY_S, UTC).date())
    later = await rows(kit.region.registry, [next_week], await places(kit.region.registry))
    assert later == [], "and it is counted no more"
    store = RegistryEnrolmentStore(kit.region.registry, kit.clock)
    assert not await store.may_enrol(station.id), "neither its key nor its code gets anybody in"
    (known,) = [one for one in (await store.latest("k1"),) if one is not None]
    assert known.revoked is not None


async def test_the_same_computer_is_claimed_anew_and_its_room_is_free(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    await ask(ivan, "PATCH", f"/stations/{station.id}", serial="77aa")
    await shut_out(kit, station.id)
    await ask(ivan, "DELETE", f"/stations/{station.id}", 204)
    table = "site;room;serial\nSolgården;Room 4;77AA\n"
    taken = await ivan.post("/api/tables/stations", content=table.encode(), headers={"content-type": "text/csv"})
    assert taken.json()["added"] == 1, taken.text
    async with kit.region.registry.read() as t:
        again = await t.stations.with_serial("77aa")
    assert again is not None
    assert (again.room_id, again.id != station.id, again.admission) == (station.room_id, True, "admitted")


async def test_many_are_removed_together_or_none(kit: Kit, ivan: httpx.AsyncClient, station: Station) -> None:
    more = [
        (await ask(ivan, "POST", "/stations", 201, name=f"Stue {n}", site_id=station.site_id))["id"] for n in range(3)
    ]
    await shut_out(kit, *more[:2])
    told = (await ask(ivan, "POST", "/stations/remove", 409, stations=[*more, station.id]))["detail"]
    assert "is in use" in told
    assert told.endswith("so it is with 1 more")
    assert len(await ask(ivan, "GET", "/stations")) == 4, "none of them is gone"
    await ask(ivan, "POST", "/stations/remove", 422, stations=[])
    gone = await ask(ivan, "POST", "/stations/remove", where=["state=revoked"])
    assert sorted(gone["stations"]) == sorted(more[:2])
    assert {one["id"] for one in await ask(ivan, "GET", "/stations")} == {station.id, more[2]}
    assert (await ask(ivan, "POST", "/stations/remove", 422, where=["state=revoked"]))["detail"]


async def test_its_page_asks_first_and_leads_to_its_log_after(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    here = f"/stations/{station.id}"
    assert f"{here}/remove" not in (await ivan.get(here)).text, "not while it is in use"
    assert "can be removed. Shut them out first" in html.unescape((await ivan.get(f"{here}/remove")).text)
    refused = await ivan.post(f"{here}/remove")
    assert (refused.status_code, "is in use" in refused.text, "region station" in refused.text) == (409, True, False)
    await shut_out(kit, station.id)
    assert f'href="{here}/remove"' in (await ivan.get(here)).text
    assert "There is no way back" in (await ivan.get(f"{here}/remove")).text
    done = await ivan.post(f"{here}/remove")
    log = html.unescape((await ivan.get(done.headers["location"])).text)
    assert "This station was removed from the registry" in log
    assert "Station removed from the registry" in log
    assert f'href="{here}"' not in log, "there is no page any more that it could lead to"
    whole = (await ivan.get("/audit")).text
    assert f'<a href="/audit?station={station.id}">Room 4, Solgården</a>' in html.unescape(whole)
    assert (await ivan.get(here)).status_code == 404


async def test_many_are_removed_from_the_list_s_page(kit: Kit, ivan: httpx.AsyncClient, station: Station) -> None:
    other = (await ask(ivan, "POST", "/stations", 201, name="Stue 9", site_id=station.site_id))["id"]
    await shut_out(kit, other)
    chosen = await ivan.post("/bulk", data={"whom": "chosen", "station": [station.id, other]})
    assert 'action="/bulk/removal"' in chosen.text
    asked = html.unescape((await ivan.post("/bulk/removal", data={"stations": f"{station.id} {other}"})).text)
    assert "is not shut out" in asked
    assert 'action="/bulk/remove"' not in asked
    refused = await ivan.post("/bulk/remove", data={"stations": f"{station.id} {other}"})
    assert refused.status_code == 409
    await shut_out(kit, station.id)
    asked = (await ivan.post("/bulk/removal", data={"stations": f"{station.id} {other}"})).text
    assert "Remove 2 stations" in asked
    done = await ivan.post("/bulk/remove", data={"stations": f"{station.id} {other}"})
    assert "2 stations were removed" in done.text
    assert await ask(ivan, "GET", "/stations") == []


async def test_a_site_whose_stations_were_removed_closes_and_opens_again_with_its_figures(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    before = await _over(kit, station)
    told = (await ask(ivan, "DELETE", f"/places/site/{station.site_id}", 409))["detail"]
    assert "or remove those that are shut out (1)" in told
    await _remove_next_week(kit, station)
    await ask(ivan, "DELETE", f"/rooms/{station.room_id}", 204)
    await ask(ivan, "DELETE", f"/places/site/{station.site_id}", 204)
    assert await ask(ivan, "GET", "/sites") == []
    assert (await ivan.get(f"/profiles/site/{station.site_id}")).status_code == 404
    await ask(ivan, "GET", "/fleet?where=site%3DSolg%C3%A5rden", 404)
    await ask(ivan, "POST", "/stations", 404, name="Stue 1", site_id=station.site_id)
    assert await _figures(kit) == before
    moon = await ask(ivan, "POST", "/sites", 201, name="Månelyst")
    taken = await ask(ivan, "PATCH", f"/places/site/{moon['id']}", 409, name="Solgården")
    assert taken["detail"].startswith("a site that was removed is called Solgården")
    content = "name;municipality\nSolgården;\nMånelyst;\n".encode()
    table = await ivan.post("/api/tables/sites", content=content, headers={"content-type": "text/csv"})
    assert (table.json()["added"], table.json()["same"]) == (1, 1)
    again = next(one for one in await ask(ivan, "GET", "/sites") if one["name"] == "Solgården")
    assert again["id"] == station.site_id, "it is the same site again"
    assert await _figures(kit) == before


async def _over(kit: Kit, station: Station) -> list[object]:
    """It has lived, its call has ended, and it is shut out: what the figures have of it."""
    await live_through(kit, station)
    async with kit.region.registry.begin() as t:
        await t.calls.end("c0ffee00", "resident_left", kit.clock.wall())
    before = await _figures(kit)
    await shut_out(kit, station.id)
    return before


async def _remove_next_week(kit: Kit, station: Station) -> None:
    now = kit.clock.wall()
    kit.clock.set_wall(now + 8 * DAY_S)
    await RemovalService(kit.region.registry, kit.clock).remove("ivan", [station.id])
    kit.clock.set_wall(now)  # so that nobody has to sign in again


async def _figures(kit: Kit) -> list[object]:
    """What may be read of the week in which a call was made."""
    async with kit.region.registry.read() as t:
        at = (await t.calls.get("c0ffee00")).started_at
    week = week_of(datetime.fromtimestamp(at, UTC).date())
    return [*await rows(kit.region.registry, [week], await places(kit.region.registry))]
