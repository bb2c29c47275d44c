"""From what to what something was changed: on the log's page, in a station's history, the API, at the command line."""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from messaging.settings import HIDDEN
from messaging.twin import Language
from region.cli.audit import _details as at_the_command_line
from region.registry import schema
from region.registry.changes import of_clinic, of_person, of_station
from region.registry.records import AuditRow, Bound, Clinic, Person, Station
from region.stations.layout import LayoutService, Where
from region.web.audit import Teller
from region.web.words import LANGUAGES, OWN, Catalogue
from tests.kits.region.app import Kit, every_subject, region_kit
from tests.kits.region.log import changed

PSK, PASSWORD, RESIDENT = "en hemmelig noegle", "s3cret-proxy", "Karen Hansen"
SECRETS = (PSK, PASSWORD, RESIDENT)
WIFI = {"network": {"wifi": {"Solgaarden": {"psk": PSK}}, "proxy": {"url": "http://p.test:1", "password": PASSWORD}}}
CONSENT = {"auto_answer": {"on": True, "consent_by": RESIDENT, "consent_recorded_by": "sara",
                           "consent_until": "2027-01-01"}}  # fmt: skip


def _teller(language: Language) -> Teller:
    catalogue = Catalogue()
    catalogue.add(OWN)
    return Teller(catalogue.translator(language), catalogue.has, {})


def _row(action: str, *changes: tuple[str, Any, Any], **detail: Any) -> AuditRow:
    told = [{"field": field, "before": before, "after": after} for field, before, after in changes]
    return AuditRow(1, 5.0, "ivan", action, None, None, "done", {**detail, "changes": told})


LONG = {"start": "-----BEGIN CERTIFICATE-----", "length": 1204, "sha256": "0123456789abcdef"}


@pytest.mark.parametrize(
    ("action", "change", "danish", "english", "typed"),
    [
        ("layer.change", ("volume", 40, 60), ": fra 40 til 60", ": from 40 to 60", "volume: 40 -> 60"),
        ("layer.change", ("night.on", None, True), "sat til Ja; der stod ikke noget her før",
         "set to Yes; nothing was said here before", "night.on: - -> true"),
        ("layer.change", ("volume", 40, None), "Lydstyrke i et opkald (0 til 100): står her ikke mere; det var 40",
         "Volume in a call (0 to 100): said here no more; it was 40", "volume: 40 -> -"),
        ("layer.change", ("network.wifi.So.l.psk", HIDDEN, HIDDEN),
         "So.l.psk: ændret; hvad der står, gemmes ikke i loggen",
         "So.l.psk: changed; what it is stands in no log", "network.wifi.So.l.psk: (set) -> (set)"),
        ("profile.copy", ("network.proxy.password", None, HIDDEN), "sat til (noget, der ikke gemmes i loggen)",
         "set to (something that stands in no log)", "network.proxy.password: - -> (set)"),
        ("layer.change", ("opening.week.sun", [{"opens": "08:00", "closes": "12:00"}], []), "fra 08:00-12:00 til",
         "from 08:00-12:00 to", "opening.week.sun: "),
        ("layer.change", ("network.wired.eap.ca", "", LONG), "“-----BEGIN CERTIFICATE-----…” (1204 tegn i alt;",
         "“-----BEGIN CERTIFICATE-----…” (1204 characters in all;", "(1204 characters, SHA-256 0123456789abcdef…)"),
        ("person.change", ("role", "site_staff", "clinician"), "Rolle: fra personale på et sted til læge",
         "Role: from a site's staff to clinician", "role: site_staff -> clinician"),
        ("person.change", ("sites", ["Solgården", "Månelyst"], []), "Steder: fra Solgården, Månelyst til (ingenting)",
         "Sites: from Solgården, Månelyst to (nothing)", 'sites: ["Solgården", "Månelyst"] -> []'),
        ("station.change", ("serial", None, "1000a"), "Serienummer: fra (ingenting) til 1000a",
         "Serial number: from (nothing) to 1000a", "serial: - -> 1000a"),
        ("site.move", ("municipality", "Aarhus", ""), "Kommune: fra Aarhus til (ingenting)",
         "Municipality: from Aarhus to (nothing)", 'municipality: Aarhus -> ""'),
        ("room.rename", ("name", "Stue 4", "Stue 14"), "Navn: fra Stue 4 til Stue 14",
         "Name: from Stue 4 to Stue 14", "name: Stue 4 -> Stue 14"),
        ("clinic.change", ("phone", "", "12 34"), "Telefon: fra (ingenting) til 12 34",
         "Phone: from (nothing) to 12 34", 'phone: "" -> 12 34'),
    ],
)  # fmt: skip
def test_a_change_is_told_in_words(
    action: str, change: tuple[str, Any, Any], danish: str, english: str, typed: str
) -> None:
    row = _row(action, change, level="site")
    in_words: Mapping[Language, str] = {"da": danish, "en": english}
    for language, words in in_words.items():
        (told,) = _teller(language).tell(row).changes
        assert words in told
        assert len(_teller(language).tell(row).details) == 1, "they stand beside the details"
    assert typed in at_the_command_line(row.detail)


def test_rows_from_before_values_were_kept_are_told_as_they_were() -> None:
    layer = AuditRow(
        1, 5.0, "ivan", "layer.change", None, None, "done", {"level": "site", "fields": "volume, night.on"}
    )
    told = _teller("da").tell(layer)
    assert (told.details, told.changes) == ((("Niveau", "et sted"), ("Felter", "volume, night.on")), ())
    station = AuditRow(1, 5.0, "ivan", "station.change", None, None, "done", {"volume": 40, "language": "da"})
    assert _teller("en").tell(station).details == (("Volume", "40"), ("Language", "Danish"))
    assert at_the_command_line(station.detail) == "volume=40, language=da"
    site = AuditRow(1, 5.0, "ivan", "site.move", None, None, "done", {"site": "Solgården", "before": "Aarhus"})
    assert _teller("da").tell(site).details == (("Sted", "Solgården"), ("Før", "Aarhus"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_what_the_registry_holds_has_a_name_in_words(language: Language) -> None:
    station = Station("st-00000001", "Stue 4", 1, "Solgården", 1, "Bakken", "", "da", 70, 3, 3, 0.0)
    person = Person(1, "sara", "Sara", "", "site_staff", None, "", None, True, True, 0.0)
    clinic = Clinic(1, "Bakken", "", 0.0)
    changes = [
        *of_station(station, replace(station, name="x", clinic="x", language="en", volume=1, serial="x")).told,
        *of_person(person, replace(person, role="it_admin", clinic="x", display_name="x", title="x", language="da",
                                   sites=(Bound(1, "x"),))).told,
        *of_clinic(clinic, replace(clinic, name="x", phone="1")).told,
    ]  # fmt: skip
    assert len(changes) == 13
    assert [one["field"] for one in changes if f"web.audit.detail.{one['field']}" not in OWN[language]] == []


def test_fields_that_a_row_had_no_room_for_are_counted() -> None:
    assert ("Flere felter", "7") in _teller("da").tell(_row("layer.change", ("volume", 1, 2), more=7)).details


KEYS = st.sampled_from(["opens", "sha256", "x"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
fields = st.sampled_from(
    ["volume", "opening.week.mon", "opening.closed", "night.on", "network.wifi", "time_servers", ""]
)


@given(fields | st.text(max_size=9), values, values, st.sampled_from(["layer.change", "person.change"]))
def test_a_page_tells_whatever_another_version_has_written(field: str, before: Any, after: Any, action: str) -> None:
    (told,) = _teller("da").tell(_row(action, (field, before, after))).changes
    assert told
    assert at_the_command_line(_row(action, (field, before, after)).detail)


@pytest.mark.parametrize("odd", ["text", 5, None, [1, "x"], [{}]])
def test_nor_does_a_row_that_somebody_has_altered_stop_a_page(odd: Any) -> None:
    assert isinstance(
        _teller("da").tell(AuditRow(1, 5.0, "i", "layer.change", None, None, "done", {"changes": odd})).changes, tuple
    )


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    async with region_kit(tmp_path, every_subject(tmp_path)) as kit:
        yield kit


async def _change_everything(kit: Kit) -> str:
    """A change of each level and of each kind, secrets and a resident's consent among them; a station's id."""
    _, _, station = await kit.places()
    layout = LayoutService(kit.region.registry, kit.clock)
    own = Where("station", station.id, station.id)
    async with kit.region.registry.begin() as t:
        await t.sites.add("Månelyst", kit.clock.wall())
        cluster = await t.clusters.add("Vest", kit.clock.wall())
        municipality = await t.municipalities.add("Skive", cluster.id, kit.clock.wall())
        stations = await t.stations.all()
    above = [Where("region", "", ""), Where("cluster", str(cluster.id), "Vest"),
             Where("municipality", str(municipality.id), "Skive"), Where("site", "1", "Solgården")]  # fmt: skip
    for where in (*above, own):
        await layout.say_all("ivan", where, {**WIFI, "volume": 30})
        await layout.say("ivan", where, [(("network", "wifi", "Solgaarden", "psk"), f"{PSK} 2"), (("volume",), 35)])
    await layout.say_all("ivan", own, {**WIFI, **CONSENT})
    await layout.say_each("ivan", stations, [(("network", "proxy", "password"), f"{PASSWORD} 2"), (("volume",), 45)])
    await layout.say_each("ivan", stations, [(("auto_answer",), None)])
    there = [await layout.find("site", name) for name in ("Solgården", "Månelyst")]
    await layout.copy("ivan", await layout.compare(*there, (), ()))
    return station.id


async def test_no_secret_and_no_resident_is_in_any_row_of_the_database(kit: Kit) -> None:
    station = await _change_everything(kit)
    async with kit.region.registry.read() as t:
        rows = (await t._connection.execute(select(schema.audit))).mappings().all()
        assert (await t.audit.verify()).broken is None
        said = json.dumps((await t.layers.get("station", station)).document)
    assert PASSWORD in said, "it was really set"
    written = json.dumps([dict(row) for row in rows], ensure_ascii=False)
    assert [secret for secret in SECRETS if secret in written] == []
    consent = [changed(row["detail"]).get("auto_answer.consent_by") for row in rows]
    assert {(None, HIDDEN), (HIDDEN, None)} <= {*consent}
    assert {row["detail"]["level"] for row in rows if row["action"] == "layer.change"} == {
        "region", "cluster", "municipality", "site", "station",
    }  # fmt: skip


async def _asked(browser: httpx.AsyncClient, path: str) -> str:
    return html.unescape((await browser.get(path)).text)


async def test_pages_and_api_tell_it(kit: Kit) -> None:
    station, ivan = await _change_everything(kit), await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        english = [await _asked(browser, path) for path in ("/audit", f"/stations/{station}")]
        await browser.post("/language", data={"csrf": await kit.csrf(browser), "language": "da", "next": "/audit"})
        danish = [await _asked(browser, path) for path in ("/audit", f"/stations/{station}")]
        api = (await browser.get("/api/audit")).json()
    for page in english:
        assert "Volume in a call (0 to 100): set to 45; nothing was said here before" in page
        assert "Volume in a call (0 to 100): from 30 to 35" in page
    for page in danish:
        assert "Lydstyrke i et opkald (0 til 100): sat til 45; der stod ikke noget her før" in page
        assert "Solgaarden.psk: ændret; hvad der står, gemmes ikke i loggen" in page
    assert "felter</summary>" in danish[0], "many are folded away"
    told = [one for row in api for one in row["detail"].get("changes", ())]
    assert {"field": "volume", "before": 30, "after": 35} in told
    assert [secret for secret in SECRETS for page in (*english, *danish, json.dumps(api)) if secret in page] == []
