"""The log as people read it: every stable word has words in both languages, and nothing is told empty."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.health.processes import Happened
from messaging.twin import Language
from region.registry.actions import LEFT_OUT, AuditAction, AuditOutcome
from region.registry.records import AuditRow, Station
from region.web.audit import Teller
from region.web.words import LANGUAGES, OWN, Catalogue
from tests.kits.region.app import Kit, every_subject, region_kit

ROOT = Path(__file__).parents[2]
STATION = Station("st-00000001", "Room 4", 1, "Solgården", 1, "Bakkens Klinik", "", "da", 70, 3, 3, 0.0)


def _teller(language: Language = "en") -> Teller:
    catalogue = Catalogue()
    catalogue.add(OWN)
    return Teller(catalogue.translator(language), catalogue.has, {STATION.id: STATION})


def _row(action: str, outcome: str, actor: str = "ivan", station: str | None = None, **detail: object) -> AuditRow:
    return AuditRow(1, 5.0, actor, action, station, None, outcome, detail)


def _nodes(folder: str) -> Iterator[ast.AST]:
    for path in (ROOT / folder).rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text()))


def _calls(folder: str, name: str) -> list[ast.Call]:
    return [
        node for node in _nodes(folder)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]  # fmt: skip


def _chosen() -> set[str]:
    """What stands in the tables from which an action is chosen: `dict[..., AuditAction]`."""
    tables = (
        node.value for node in _nodes("region")
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).endswith("AuditAction]")
    )  # fmt: skip
    return {word for one in tables if isinstance(one, ast.Dict) for value in one.values for word in _constants(value)}


def _audited() -> list[ast.Call]:
    """Every `….audit.add(...)` of the region."""
    return [
        call for call in _calls("region", "add")
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).split(".")[-1] == "audit"
    ]  # fmt: skip


def _constants(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_and_outcome_the_region_writes_has_words(language: Language) -> None:
    """mypy holds the writers to these two types; this holds the words to them."""
    words = OWN[language]
    assert [one for one in get_args(AuditAction) if f"web.audit.action.{one}" not in words] == []
    assert [one for one in get_args(AuditOutcome) if f"web.audit.outcome.{one}" not in words] == []


def test_what_is_written_is_what_the_types_name() -> None:
    """Also where mypy does not look, and so that no word stays that nobody writes."""
    calls = _audited()
    written = set().union(*(_constants(call.args[1]) for call in calls))
    written |= set().union(*(_constants(call) for call in _calls("region", "_audit")))  # region.desk.ear's own hand
    written |= set().union(*(_constants(call.args[0]) for call in _calls("region/stations/importing", "tell")))
    written |= _chosen()
    assert len(calls) > 15
    assert {word for call in calls for word in _constants(call.args[1])} <= set(get_args(AuditAction))
    unsaid = set(get_args(AuditAction)) - written - {"event", "user.block", "user.unblock"}
    assert unsaid == set()


def test_every_detail_the_region_writes_has_words() -> None:
    keys = {keyword.arg for call in _audited() for keyword in call.keywords if keyword.arg is not None}
    keys |= {"detail", "count", "name", "site", "clinic", "language", "volume"}  # of events, and of a changed station
    missing = [key for key in sorted(keys - {"station_id", "call_id"}) if f"web.audit.detail.{key}" not in OWN["da"]]
    assert missing == []


def test_every_event_a_station_of_this_version_tells_has_words() -> None:
    kinds = {call.args[0].value for call in _calls("device/agent", "event") if call.args and _constants(call.args[0])}
    kinds |= {*get_args(get_type_hints(Happened)["kind"]), LEFT_OUT}
    assert {"process_gone", "config_refused"} <= kinds
    assert [kind for kind in sorted(kinds) if f"web.audit.event.{kind}" not in OWN["en"]] == []


def test_a_row_is_told_in_words_with_stations_by_name() -> None:
    row = _row("call.ended", "no_answer", STATION.id, STATION.id, clinician=None, seconds=83.4, connected_seconds=12)
    told = _teller().tell(row)
    assert (told.who, told.what, told.outcome) == ("Room 4, Solgården", "Call ended", "Nobody answered")
    assert (told.station_id, told.station) == (STATION.id, "Room 4, Solgården")
    assert told.details == (("Lasted", "1 min 23 s"), ("Connected for", "12 s"))
    assert _teller("da").tell(row).outcome == "Ingen svarede"


def test_nothing_empty_is_told_and_once_is_not_counted() -> None:
    assert _teller().tell(_row("event", "enrolled", STATION.id, detail="", count=1)).details == ()
    told = _teller().tell(_row("event", "process_gone", STATION.id, detail="screen", count=3))
    assert (told.outcome, told.details) == ("A program stopped", (("Which", "the screen"), ("Times", "3")))


@given(st.text(max_size=40), st.text(max_size=40), st.dictionaries(st.text(max_size=9), st.text(max_size=9)))
def test_a_word_nobody_knows_is_told_as_it_is(action: str, outcome: str, detail: dict[str, str]) -> None:
    told = _teller().tell(AuditRow(1, 5.0, "st-gone", f"new.{action}", "st-gone", None, f"new.{outcome}", detail))
    assert (told.what, told.outcome) == (f"new.{action}", f"new.{outcome}")
    assert (told.who, told.station) == ("st-gone", "st-gone")
    assert len(told.details) == len([value for value in detail.values() if value])


async def test_the_pages_tell_words_and_the_api_the_stable_ones(tmp_path: Path) -> None:
    async with region_kit(tmp_path, every_subject(tmp_path)) as kit:
        station, ivan = await _an_event_is_told(kit), await kit.person("ivan", "it_admin")
        async with kit.signed_in(ivan) as browser:
            log, page = (await browser.get("/audit")).text, (await browser.get(f"/stations/{station}")).text
            await browser.post("/language", data={"csrf": await kit.csrf(browser), "language": "da", "next": "/audit"})
            danish = (await browser.get("/audit")).text
            api = (await browser.get(f"/api/audit?station={station}")).json()
    for text in (log, page):
        assert "A program started again" in text
        assert "process_restarted" not in text
        assert "Room 4, Solgården" in text
    assert "Et program startede igen" in danish
    assert [(row["action"], row["outcome"], row["detail"]["detail"]) for row in api] == [
        ("event", "process_restarted", "call")
    ]


async def _an_event_is_told(kit: Kit) -> str:
    _, _, station = await kit.places()
    async with kit.region.registry.begin() as t:
        await t.audit.add_event(station.id, "process_restarted", kit.clock.wall(), "call")
    return station.id
