"""What IT does by a page can be done by the API and by a `region` command: every button of the console, looked at."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from region.cli.api import site
from region.cli.commands import build_parser
from region.web import rights
from region.web.auth import stated
from region.web.openapi import PREFIX
from region.web.site import every_route
from tests.kits.region.api import every_operation

# What a button of a page does: the operation of the API that does the same, and the command.
BY_SCRIPT: dict[str, tuple[str, str]] = {
    "POST /sites": ("add_site", "site add"),
    "POST /sites/move": ("move_site", "site move"),
    "POST /clusters": ("add_cluster", "cluster add"),
    "POST /municipalities": ("add_municipality", "municipality add"),
    "POST /municipalities/move": ("move_municipality", "municipality move"),
    "POST /places/{kind}/{number}": ("rename_place", "site rename"),
    "POST /places/{kind}/{number}/remove": ("remove_place", "cluster remove"),
    "POST /places/site/{number}/rooms/{room}": ("rename_room", "room rename"),
    "POST /places/site/{number}/rooms/{room}/remove": ("remove_room", "room remove"),
    "POST /clinics": ("add_clinic", "clinic add"),
    "POST /clinics/{clinic_id}": ("change_clinic", "clinic set"),
    "POST /clinics/{clinic_id}/remove": ("remove_clinic", "clinic remove"),
    "POST /stations": ("add_station", "station add"),
    "POST /stations/{station_id}": ("change_station", "station set"),
    "POST /stations/{station_id}/code": ("make_code", "station code"),
    "POST /stations/{station_id}/revoke": ("revoke", "station revoke"),
    "POST /stations/{station_id}/release": ("release", "station release"),
    "POST /stations/{station_id}/commands": ("give_command", "command send"),
    "POST /stations/{station_id}/wipe": ("give_command", "command send"),
    "POST /stations/{station_id}/commands/{cid}/cancel": ("cancel_command", "command cancel"),
    "POST /stations/{station_id}/remove": ("remove_station", "station remove"),
    "POST /bulk/remove": ("remove_stations", "station remove"),
    "POST /bulk/commands": ("give_command", "command send"),
    "POST /bulk/settings/save": ("set_settings", "profile set"),
    "POST /batches/{batch}/cancel": ("cancel_batch", "command cancel"),
    "POST /profiles/{level}/{place}": ("put_profile", "profile put"),
    "POST /profiles/copy": ("copy_profile", "profile copy"),
    "POST /cards": ("prepare_cards", "card prepare"),
    "POST /claims/{key}/approve": ("approve_claim", "claim approve"),
    "POST /claims/{key}/refuse": ("refuse_claim", "claim refuse"),
    "POST /tables": ("take_in", "import"),
    "POST /people": ("add_person", "user add"),
    "POST /people/{person_id}": ("change_person", "user set"),
    "POST /people/{person_id}/link": ("make_sign_in_link", "link"),
    "POST /people/{person_id}/{action}": ("block_person", "user block"),
    "POST /people/tokens": ("make_token", "token add"),
    "POST /people/tokens/{token_id}/revoke": ("revoke_token", "token revoke"),
}
# What changes nothing: forms, and whom a command would reach (`GET /api/fleet?where=` and `station list` tell it).
FORMS: set[str] = {"POST /bulk", "POST /bulk/settings", "POST /bulk/removal"}
# What a page of IT shows: the operation that tells it, and the command; pieces of a page and its live news aside.
SHFORMS: dict[str, tuple[str, str]] = {
    "GET /fleet": ("fleet", "station list"),
    "GET /fleet/stations/{station_id}": ("station_standing", "station show"),
    "GET /audit": ("audit", "audit list"),
    "GET /sites": ("sites", "site list"),
    "GET /places/{kind}/{number}": ("rooms", "room list"),
    "GET /stations/{station_id}": ("station", "station show"),
    "GET /stations/{station_id}/commands": ("commands", "command list"),
    "GET /stations/{station_id}/wipe": ("station", "station show"),
    "GET /stations/{station_id}/remove": ("station", "station show"),
    "GET /stations/{station_id}/diagnostics/{cid}": ("read_diagnostics", "diagnostics save"),
    "GET /batches/{batch}": ("commands", "command list"),
    "GET /claims": ("claims_waiting", "claim list"),
    "GET /claims/{key}": ("claims_waiting", "claim list"),
    "GET /profiles": ("sites", "site list"),
    "GET /profiles/{level}/{place}": ("profile", "profile show"),
    "GET /profiles/copy": ("copy_profile", "profile copy"),
    "GET /cards": ("sites", "site list"),
    "GET /cards/region": ("region_file", "card region"),
    "GET /tables": ("export", "export"),
    "GET /evaluation": ("figures", "evaluation"),
    "GET /people": ("people", "user list"),
    "GET /people/{person_id}": ("person", "user list"),
    "GET /people/tokens": ("tokens", "token list"),
}
PIECES: set[str] = {
    "GET /fleet/stations", "GET /fleet/events", "GET /fleet/stations/{station_id}/events", "GET /claims/waiting",
    "GET /batches/{batch}/commands",
}  # fmt: skip
ADVICE = (
    "Whatever IT does in the browser, a script must be able to do: give it a route below /api and a `region` command "
    "that call the same function, and name both here, in BY_SCRIPT or SHFORMS of tests/architecture/test_api_parity.py "
    "(FORMS or PIECES where it is nothing of the region's)."
)


def console() -> Iterator[tuple[str, str]]:
    """Method and path of every page of the region's that IT may use; one's own account is one's own."""
    for route in every_route(site().routes):
        right = stated(route)
        assert right is not None
        if not route.path.startswith(PREFIX) and right not in (rights.OWN_ACCOUNT, rights.HALFWAY):
            yield from ((method, route.path) for method in route.methods or () if "it_admin" in (right.roles or ()))


def commands() -> set[str]:
    """Every `region` command that there is, as it is typed."""
    return set(_commands(build_parser(), ""))


def _commands(parser: argparse.ArgumentParser, said: str) -> Iterator[str]:
    groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not groups:
        yield said
    for group in groups:
        for name, inner in group.choices.items():
            yield from _commands(inner, f"{said} {name}".strip())


def test_every_button_of_the_console_has_its_operation_and_its_command() -> None:
    buttons = {f"{method} {path}" for method, path in console() if method != "GET"}
    assert sorted(buttons - set(BY_SCRIPT) - FORMS) == [], ADVICE
    assert sorted((set(BY_SCRIPT) | FORMS) - buttons) == [], "these are named, and no page has them any more"


def test_whatever_a_page_of_it_shows_a_script_can_read() -> None:
    pages = {f"{method} {path}" for method, path in console() if method == "GET"}
    assert sorted(pages - set(SHFORMS) - PIECES) == [], ADVICE
    assert sorted((set(SHFORMS) | PIECES) - pages) == [], "these are named, and are not there any more"


def test_the_operations_and_commands_that_are_named_are_there() -> None:
    there, typed = {one.name for one in every_operation()}, commands()
    for page, (operation, command) in {**BY_SCRIPT, **SHFORMS}.items():
        assert operation in there, page
        assert command in typed, page
    assert len(typed) > 40, "the enumeration has lost its commands"


def test_what_a_script_can_change_by_the_api_it_can_by_a_command_and_the_other_way() -> None:
    """Beyond what pages do: no operation that changes something without its command."""
    beyond = {
        "move_station": "station move", "change_profile": "profile set",
        "unblock_person": "user unblock", "sign_out_person": "user sign-out",
        "reset_second_step": "user reset-second-step",
    }  # fmt: skip
    changing = {one.name for one in every_operation() if one.method != "GET"}
    named = {operation for operation, _ in BY_SCRIPT.values()} | set(beyond)
    assert sorted(changing - named) == [], f"{ADVICE} Or name its command in `beyond` of this test."
    assert set(beyond.values()) <= commands()
