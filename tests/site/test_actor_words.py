"""Who did something, on every page that says so: in the reader's words, and by one function."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from messaging.twin import Language
from region.people.tokens import TokenService, WantedToken
from region.registry.actors import COMMAND_LINE, Typist
from region.registry.records import Station
from region.stations.commanding import Asked, Commanding, Whom
from region.stations.layout import LayoutService
from region.web.actors import ActorTeller
from region.web.words import OWN, Catalogue
from tests.kits.region.app import Kit, every_subject, region_kit

ROOT = Path(__file__).parents[2]
ANNA = Typist("anna").actor
STATION = Station("st-00000001", "Stue 4", 1, "Solgården", 1, "Bakkens Klinik", "", "da", 70, 3, 3, 0.0)
TOKENS = {"vs_abcd2345": "Overvågning"}


def _teller(language: Language) -> ActorTeller:
    catalogue = Catalogue()
    catalogue.add(OWN)
    return ActorTeller(catalogue.translator(language), catalogue.has, TOKENS, {STATION.id: STATION})


@pytest.mark.parametrize(
    ("actor", "danish", "english", "inside"),
    [
        (COMMAND_LINE, "Kommandolinjen", "The command line", "kommandolinjen"),
        (ANNA, "Kommandolinjen (anna)", "The command line (anna)", "kommandolinjen (anna)"),
        (Typist("Bo", by_sudo=True).actor, "Kommandolinjen (Bo, ifølge sudo)", "The command line (Bo, as sudo has it)",
         "kommandolinjen (Bo, ifølge sudo)"),
        ("region", "Regionen", "The region", "regionen"),
        ("Ivan", "Ivan", "Ivan", "Ivan"),
        (STATION.id, "Stue 4, Solgården", "Stue 4, Solgården", "Stue 4, Solgården"),
        ("ivan (vs_abcd2345)", "ivan med API-nøglen “Overvågning” (vs_abcd2345)",
         "ivan, by the API token “Overvågning” (vs_abcd2345)", "ivan med API-nøglen “Overvågning” (vs_abcd2345)"),
        (f"{COMMAND_LINE} (vs_abcd2345)", "Kommandolinjen med API-nøglen “Overvågning” (vs_abcd2345)",
         "The command line, by the API token “Overvågning” (vs_abcd2345)",
         "kommandolinjen med API-nøglen “Overvågning” (vs_abcd2345)"),
        ("somebody (else)", "somebody (else)", "somebody (else)", "somebody (else)"),
    ],
)  # fmt: skip
def test_an_actor_is_told_in_words(actor: str, danish: str, english: str, inside: str) -> None:
    assert (_teller("da").who(actor), _teller("en").who(actor)) == (danish, english)
    assert _teller("da").inside(actor) == inside


async def _done(kit: Kit, actor: str) -> list[str]:
    """Something of every kind of which a page tells who did it; where that is told."""
    registry, clock = kit.region.registry, kit.clock
    _, _, station = await kit.places()
    layout = LayoutService(registry, clock)
    await layout.say(actor, await layout.find("site", "Solgården"), [(("volume",), 30)])
    asked = Asked("identify", {"seconds": 5})
    given = await Commanding(registry, clock).give(actor, Whom(stations=(station.id,)), asked)
    await TokenService(registry, clock).make(actor, WantedToken("Overvågning", "it_admin"))
    return ["/audit", f"/stations/{station.id}", f"/stations/{station.id}/commands", "/profiles/site/1",
            f"/batches/{given.batch}", "/people/tokens"]  # fmt: skip


async def test_no_danish_page_has_the_stable_word_where_it_tells_who(tmp_path: Path) -> None:
    async with region_kit(tmp_path, every_subject(tmp_path)) as kit:
        pages, ivan = await _done(kit, ANNA), await kit.person("ivan", "it_admin")
        async with kit.signed_in(ivan) as browser:
            await browser.post("/language", data={"csrf": await kit.csrf(browser), "language": "da", "next": "/audit"})
            told = {path: html.unescape((await browser.get(path)).text) for path in pages}
            stale = re.search(r'name="version" value="(\d+)"', told["/profiles/site/1"])
            assert stale is not None
            layout = LayoutService(kit.region.registry, kit.clock)
            await layout.say(ANNA, await layout.find("site", "Solgården"), [(("volume",), 35)])
            form = {"csrf": await kit.csrf(browser), "version": stale[1], "volume": "40"}
            conflict = await browser.post("/profiles/site/1", data=form)
    assert conflict.status_code == 409
    assert "ændret af kommandolinjen (anna)" in html.unescape(conflict.text)
    assert [path for path, page in told.items() if COMMAND_LINE in page] == []
    by_name = {path: "ommandolinjen (anna)" in page for path, page in told.items()}
    assert by_name == dict.fromkeys(pages, True) | {"/people/tokens": False}, "a token outlives who made it"
    assert "Kommandolinjen" in told["/people/tokens"]
    assert "Givet af kommandolinjen (anna)" in told[pages[4]]


def test_templates_tell_an_actor_by_that_function_alone() -> None:
    templates = [*ROOT.glob("region/**/templates/*.html")]
    told = [
        (path.name, one) for path in templates
        for one in re.findall(r"{{[^}]*\b(?:actor|made_by|changed_by|decided_by)\b[^}]*}}", path.read_text())
        if not re.search(r"actors\.(?:who|inside)\(", one) and "t('people.token.made_by')" not in one
        and 't("people.token.made_by")' not in one
    ]  # fmt: skip
    assert len(templates) > 30
    assert told == []
