"""One station's page: wanted beside in force and whose word it is, its certificate, its commands, its log."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import httpx

from messaging.codec import encode
from messaging.reasons import say
from messaging.settings import HIDDEN, Network, Static, Wifi, Wired
from messaging.status import Connection
from messaging.times import read_rfc_3339, rfc_3339
from messaging.twin import Config, Reported
from provisioning.authority.ports import Given
from provisioning.authority.profiles import Layer, Merged, merge
from provisioning.authority.setting_fields import settings
from region.fleet.twin import TwinLine, twin_lines
from region.registry.records import Station
from region.stations.standing import enrolment_of
from region.web.settings_told import SettingTeller
from region.web.words import OWN, Catalogue
from tests.kits.region.app import Kit

DAY_S = 86_400.0


def _teller() -> SettingTeller:
    catalogue = Catalogue()
    catalogue.add(OWN)
    return SettingTeller(catalogue.translator("en"), catalogue.has)


def _lines(merged: Merged, reported: Reported | None) -> tuple[dict[str, TwinLine], int]:
    wanted = merged.document | {"station": "Room 4", "site": "Solgården", "phone": "", "fallback_phone": ""}
    told, others = twin_lines(wanted, merged, reported, _teller())
    return {line.name: line for line in told}, others


def test_hours_that_are_not_said_are_told_by_what_they_mean() -> None:
    monday = next(one for one in settings("station") if one.name == "opening.week.mon")
    assert _teller().value(monday, {"opening": {"week": {"mon": []}}}) == "closed all day"
    assert _teller().value(monday, {}) == "not set (closed, if another day is set)"


def test_each_setting_stands_beside_what_the_station_says_of_it() -> None:
    merged = merge([Layer("region", {"volume": 55, "night": {"on": True}}), Layer("site", {"volume": 30})])
    as_wanted = Config(station="Room 4", site="Solgården", volume=30)
    lines, others = _lines(merged, Reported(3, as_wanted, {"night.on": "no clock"}))
    volume, night = lines["Volume in a call (0 to 100)"], lines["Night hours"]
    assert (volume.wanted, volume.in_force, volume.source, volume.level) == ("30", "30", "the site", "good")
    assert (night.wanted, night.in_force, night.source) == ("Yes", "No", "the region")
    assert (night.refused, night.level) == ("no clock", "bad")
    assert lines["Site"].source == "the registry"
    assert "Language" not in lines, "at its default, here and there"
    assert others > 30


def test_what_differs_is_told_though_nobody_has_said_it_and_silence_is_no_difference() -> None:
    nobody = merge([])
    lines, _ = _lines(nobody, Reported(1, Config(language="en"), {}))
    told = lines["Language"]
    assert (told.wanted, told.in_force, told.level) == ("Danish", "English", "warn")
    assert told.source == "the default"
    lines, _ = _lines(nobody, None)
    assert {line.in_force for line in lines.values()} == {""}
    assert {line.level for line in lines.values()} == {"good"}


def test_a_secret_is_shown_by_neither_side() -> None:
    merged = merge([Layer("site", {"network": {"wifi": {"Home": {"psk": "secret-words"}}}})])
    config = Config()
    config.network.wifi["Home"] = Wifi(psk=HIDDEN)
    lines, _ = _lines(merged, Reported(1, config, {"network.wifi.Home": "not found"}))
    told = lines["Wireless networks"]
    assert "secret-words" not in told.wanted + told.in_force
    assert HIDDEN in told.wanted
    assert told.refused == "not found"


def test_a_network_as_it_was_written_is_no_other_than_the_one_in_force() -> None:
    """A layer says a passphrase; the station tells the whole of that network."""
    written = {"wifi": {"Home": {"psk": "secret-words"}}, "wired": {"ip": {"address": "10.0.0.5/24"}}}
    merged = merge([Layer("site", {"network": written})])
    network = Network(wifi={"Home": Wifi(psk=HIDDEN)}, wired=Wired(ip=Static("10.0.0.5/24")))
    lines, _ = _lines(merged, Reported(1, Config(network=network), {}))
    for name in ("Wireless networks", "The network socket"):
        assert (lines[name].in_force, lines[name].level) == (lines[name].wanted, "good"), name
    hidden = replace(network, wifi={"Home": Wifi(psk=HIDDEN, hidden=True)})
    lines, _ = _lines(merged, Reported(1, Config(network=hidden), {}))
    assert lines["Wireless networks"].level == "warn"


async def _page(browser: httpx.AsyncClient, path: str, **headers: str) -> str:
    answer = await browser.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


async def test_the_live_part_is_a_page_of_its_own_for_who_runs_no_scripts(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    refused = Reported(1, Config(volume=20), {"volume": "out of range"})
    async with kit.region.registry.begin() as t:
        await t.layers.put("site", str(station.site_id), {"volume": 30}, "ivan", kit.clock.wall())
        await t.reports.set_report(station.id, "reported", encode(refused), "b1", 1, kit.clock.wall())
    part = await _page(ivan, f"/fleet/stations/{station.id}", **{"hx-request": "true"})
    whole = await _page(ivan, f"/fleet/stations/{station.id}")
    assert "<html" not in part
    assert "<h1>Room 4, Solgården</h1>" in whole
    for page in (part, whole):
        assert re.search(r"Volume in a call.*?>30<.*?>the site<.*?>20<small>Refused: out of range", page, re.DOTALL)
    assert f'<noscript><p><a class="button" href="/fleet/stations/{station.id}">' in await _page(
        ivan, f"/stations/{station.id}"
    )


async def test_who_reads_danish_is_told_in_danish_what_the_station_refuses(
    kit: Kit, station: Station, ivan: httpx.AsyncClient
) -> None:
    refused = Reported(1, Config(), {"volume": say("range", least=0, most=100), "night": say("no_night")})
    async with kit.region.registry.begin() as t:
        await t.people.set_language(next(one.id for one in await t.people.all() if one.name == "ivan"), "da")
        await t.reports.set_presence(station.id, Connection("agent", "online", "b1", 1), kit.clock.wall())
        await t.reports.set_report(station.id, "reported", encode(refused), "b1", 1, kit.clock.wall())
    page = await _page(ivan, f"/fleet/stations/{station.id}")
    assert "skal være fra 0 til 100" in page
    assert "natten begynder, når den slutter" in page
    assert "not between" not in page


async def test_the_menu_says_where_somebody_is_who_looks_at_one_station_or_at_many(
    ivan: httpx.AsyncClient, station: Station
) -> None:
    here = '<a href="/fleet" aria-current="page">'
    many = (await ivan.post("/bulk", data={"whom": "chosen", "station": station.id})).text
    for page in (await _page(ivan, f"/stations/{station.id}"), await _page(ivan, f"/stations/{station.id}/wipe"), many):
        assert here in page
    assert here not in await _page(ivan, "/sites")


async def test_the_api_tells_how_it_came_in_as_its_page_does(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    path, now = f"/api/stations/{station.id}/enrolment", kit.clock.wall()
    assert (await ivan.get(path)).json() == {
        "station": station.id, "state": "no_code", "code_expires": None, "certificates": [],
    }  # fmt: skip
    assert (await ivan.post(f"/api/stations/{station.id}/code")).status_code == 201
    waiting = (await ivan.get(path)).json()
    assert (waiting["state"], waiting["code_expires"] > rfc_3339(now)) == ("code_waits", True)
    async with kit.region.registry.begin() as t:
        late = await enrolment_of(t, station.id, read_rfc_3339(waiting["code_expires"]) + 1)
        assert (late.state, late.code_expires) == ("code_expired", None)
        for serial, issued in (("aa01", now), ("bb02", now + DAY_S)):
            await t.certificates.add(Given(station.id, serial, "k" * 64, b"", issued, issued + 45 * DAY_S, None))
        await t.certificates.revoke(station.id, now + 2 * DAY_S)
    newest, first = (await ivan.get(path)).json()["certificates"]
    assert first == {
        "serial": "aa01", "issued": rfc_3339(now), "expires": rfc_3339(now + 45 * DAY_S),
        "revoked": rfc_3339(now + 2 * DAY_S),
    }  # fmt: skip
    assert newest["serial"] == "bb02"
    assert (await ivan.get("/api/stations/st-00000000/enrolment")).status_code == 404


async def test_its_certificate_is_told_and_can_be_renewed_from_there(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    now = kit.clock.wall()
    async with kit.region.registry.begin() as t:
        for serial, age in (("aa01", 40), ("bb02", 10)):
            issued = now - age * DAY_S
            await t.certificates.add(Given(station.id, serial, "k" * 64, b"", issued, issued + 45 * DAY_S, None))
    page = await _page(ivan, f"/stations/{station.id}")
    assert page.index("<code>bb02</code>") < page.index("Those before it (1)") < page.index("<code>aa01</code>")
    csrf = {"csrf": await kit.csrf(ivan)}
    assert 'value="renew"><button>Renew the certificate' in page
    await ivan.post(f"/stations/{station.id}/commands", data={**csrf, "type": "renew"})
    page = await _page(ivan, f"/stations/{station.id}")
    assert '<th scope="row">Renew the certificate</th>' in page, "its commands are there without a script"
    async with kit.region.registry.begin() as t:
        await t.certificates.revoke(station.id, now)
    assert "It counts no more." in await _page(ivan, f"/stations/{station.id}")


async def test_the_log_can_be_read_of_one_station(kit: Kit, ivan: httpx.AsyncClient, station: Station) -> None:
    async with kit.region.registry.begin() as t:
        for number in range(120):
            await t.audit.add_event(station.id, f"thing{number}", kit.clock.wall())
        await t.audit.add("anna", "password", "changed", kit.clock.wall())
    path = f"/audit?station={station.id}"
    assert f'href="{path}"' in await _page(ivan, f"/stations/{station.id}")
    first = await _page(ivan, path)
    assert "Log of Room 4, Solgården" in first
    assert "thing119" in first
    assert "anna" not in first
    older = re.search(r'href="(/audit\?before=[^"]+)"', first)[1]
    second = await _page(ivan, older)
    assert "thing0<" in second
    assert "Log of Room 4" in second
    assert "anna" in await _page(ivan, "/audit")
    assert (await ivan.get("/audit?station=st-00000000")).status_code == 404
