"""Who may use what: every route of the running application, tried as everybody, from everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Mount

from region.registry.records import Bound, Person, Role, Station
from region.web import rights
from region.web.auth import stated
from region.web.guard import LOGOUTS
from region.web.site import build_site
from region.web.subject import Subject
from tests.kits.region.app import Kit
from tests.kits.region.rights import ROLES, UNSAFE, Stage, told, two_of_each

# What each right opens, said once more by hand: whoever widens a right has to come here and mean it.
WHOSE: dict[str, set[Role]] = {
    "own_account": set(ROLES), "halfway": set(ROLES), "desk": {"clinician"}, "home": {"site_staff"},
    "figures": {"it_admin", "evaluator"}, "region": {"it_admin"}, "people": {"it_admin"},
}  # fmt: skip
FOR_ANYBODY = {
    "/", "/api", "/sign-in", "/once/{token}", "/sign-out", "/language", "/.well-known/security.txt",
    "/sign-in/region", "/sign-in/region/back", "/sign-out/region",
}  # fmt: skip


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with two_of_each(tmp_path) as stage:
        yield stage


def test_every_route_states_a_right_and_each_right_is_theirs_who_should_have_it(stage: Stage) -> None:
    named = {}
    for _, route in stage.routes():
        right = stated(route)
        assert right is not None, f"{route.path}: say in its handler who may use it (region/web/rights.py)"
        named[right.name] = right.roles
        assert (right.roles is None) == (route.path in FOR_ANYBODY | {LOGOUTS}), route.path
        assert (right is rights.SIGNED) == (route.path == LOGOUTS), route.path
    assert {name: set(roles) for name, roles in named.items() if roles is not None} == WHOSE


def test_nothing_answers_beside_the_routes_with_rights(stage: Stage) -> None:
    others = [
        route for route in stage.kit.app.routes
        if not isinstance(route, APIRoute | Mount) and not hasattr(route, "original_router")
    ]  # fmt: skip
    assert [getattr(route, "path", "") for route in others] == ["/api/openapi.json"]
    assert all(str(one.path).startswith("/static/") for one in stage.kit.app.routes if isinstance(one, Mount))


def test_a_region_with_a_route_that_says_nothing_does_not_start(stage: Stage, tmp_path: Path) -> None:
    router = APIRouter()

    @router.get("/new-and-open")
    async def new() -> str:
        return "anybody reads this"

    with pytest.raises(RuntimeError, match="/new-and-open"):
        build_site(stage.kit.region, [Subject("new", tmp_path, router, {"en": {}, "da": {}})])


async def test_nobody_gets_in_who_is_not_signed_in(stage: Stage) -> None:
    async with stage.kit.browser(accept="application/json") as stranger:
        await stranger.get("/sign-in", headers={"accept": "text/html"})
        token = await stage.kit.csrf(stranger, "/sign-in")
        for method, route in stage.routes():
            right = stated(route)
            if right is None or right.roles is None:
                continue
            answer = await stranger.request(method, stage.path(route), headers={"x-csrf-token": token}, json={})
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), (method, route.path)


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_gets_in_where_it_may_and_nowhere_else(stage: Stage, role: Role) -> None:
    before = await told(stage.kit)
    async with stage.kit.signed_in(stage.people[role], accept="application/json") as browser:
        headers = {"x-csrf-token": await stage.kit.csrf(browser)}
        for method, route in stage.routes():
            right = stated(route)
            if right is None or right.roles is None or role in right.roles:
                continue
            answer = await browser.request(method, stage.path(route), headers=headers, json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), (role, method, route.path)
    assert await told(stage.kit) == before


@pytest.mark.parametrize("role", ROLES)
async def test_nothing_is_done_without_the_sessions_own_token_or_from_another_site(stage: Stage, role: Role) -> None:
    other: Role = "clinician" if role == "it_admin" else "it_admin"
    async with stage.kit.signed_in(stage.people[other]) as theirs:
        token_of_another = await stage.kit.csrf(theirs)
    before = await told(stage.kit)
    async with stage.kit.signed_in(stage.people[role], accept="application/json") as browser:
        token = await stage.kit.csrf(browser)
        tries = (
            {}, {"x-csrf-token": ""}, {"x-csrf-token": token_of_another},
            {"x-csrf-token": token, "origin": "https://evil.test"}, {"x-csrf-token": token, "origin": "null"},
            {"x-csrf-token": token, "sec-fetch-site": "cross-site"},
        )  # fmt: skip
        unsafe = [
            (method, route) for method, route in stage.routes()
            if method in UNSAFE and stated(route) is not rights.SIGNED
        ]  # fmt: skip
        assert len(unsafe) > 15
        for method, route in unsafe:
            for headers in tries:
                answer = await browser.request(method, stage.path(route), headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "bad_token"), (method, route.path, headers)
    assert await told(stage.kit) == before


@pytest.mark.parametrize("role", ["clinician", "site_staff", "evaluator"])
async def test_what_is_another_places_is_neither_read_nor_touched(stage: Stage, role: Role) -> None:
    """Every route that this role may use, with the ids of another site's and clinic's things; and every list."""
    kit, (_, theirs) = stage.kit, stage.stations
    page, before = "p" * 16, await told(kit)
    bodies = {"answer": {"generation": 1, "sdp": "v=0"}, "candidates": {"generation": 1, "candidates": [
        {"candidate": "x"}]}, "calls": {"station": theirs.id}}  # fmt: skip
    async with kit.signed_in(stage.people[role], accept="application/json") as browser:
        headers = {"x-csrf-token": await kit.csrf(browser)}
        for method, route in stage.routes():
            right = stated(route)
            if (
                right is None
                or right.roles is None
                or role not in right.roles
                or right in (rights.OWN_ACCOUNT, rights.HALFWAY)
            ):
                continue
            if route.path.endswith("/events"):
                continue  # told below by what they listen to
            body = {"page": page, **bodies.get(route.path.rsplit("/", 1)[-1], {})}
            answer = await browser.request(method, stage.path(route), headers=headers, json=body)
            if "{" in route.path or method in UNSAFE:
                # A hang-up of a call that is not one's own is no error, as of one that is over: it does nothing.
                done = route.path == "/desk/calls/{call}/hangup" and answer.status_code == 200
                assert answer.status_code == 404 or done, (method, route.path, answer.text)
            else:
                assert answer.status_code == 200, (route.path, answer.text)
                assert theirs.site not in answer.text, route.path
                assert theirs.id not in answer.text, route.path
    assert await told(kit) == before
    async with kit.region.registry.read() as t:
        assert (await t.calls.get(stage.call)).state == "waiting"


async def test_a_sites_staff_see_their_own_stations_and_what_they_can_do(stage: Stage) -> None:
    ours, theirs = stage.stations
    async with stage.kit.signed_in(stage.people["site_staff"]) as browser:
        assert (await browser.get("/")).headers["location"] == "/home"
        page = (await browser.get("/home")).text
        listed = (await browser.get("/api/home")).json()
        one = await browser.get(f"/api/home/{ours.id}")
        of_others = await browser.get(f"/api/home/{theirs.id}")
        of_nobody = await browser.get("/api/home/st-99999999")
    assert "Room at Solgården" in page
    assert "Is it plugged in" in page
    assert [station["id"] for station in listed] == [ours.id]
    assert one.json() == listed[0]
    assert (listed[0]["ready"], listed[0]["advice"]) == (False, ["plug"])
    assert of_others.status_code == of_nobody.status_code == 404
    assert of_others.text.replace(theirs.id, "") == of_nobody.text.replace("st-99999999", "")


async def test_a_page_of_a_sites_staff_listens_to_its_own_stations_alone(stage: Stage, monkeypatch) -> None:
    heard: list[list[str]] = []
    real = stage.kit.region.hub.response
    monkeypatch.setattr(
        stage.kit.region.hub, "response", lambda topics, *more: heard.append(list(topics)) or real([], *more)
    )
    stage.kit.region.hub.close()  # so that the stream ends by itself
    async with stage.kit.signed_in(stage.people["site_staff"]) as browser:
        assert (await browser.get("/home/events")).status_code == 200
    assert heard == [[f"station:{stage.stations[0].id}"]]


async def test_an_evaluator_reads_the_figures_of_the_places_bound_to_and_unbound_all(stage: Stage) -> None:
    kit = stage.kit
    free = await kit.person("erik", "evaluator")
    async with kit.signed_in(stage.people["evaluator"]) as bound, kit.signed_in(free) as whole:
        assert (await bound.get("/")).headers["location"] == "/evaluation"
        assert "Månelyst" not in (await bound.get("/evaluation")).text
        assert "Månelyst" in (await whole.get("/evaluation")).text
        for place, status in (("region", 404), ("site-2", 404), ("clinic-1", 404), ("site-1", 200)):
            assert (await bound.get(f"/evaluation?place={place}")).status_code == status, place
            assert (await bound.get(f"/api/evaluation?place={place}")).status_code == status, place
            assert (await whole.get(f"/api/evaluation?place={place}")).status_code == 200, place


async def test_a_session_is_not_carried_over_into_another_role(stage: Stage) -> None:
    """Fixation and rise of rights: the token from before is dead, and so is a link made before."""
    kit, sara = stage.kit, stage.people["site_staff"]
    link = await kit.link(sara)
    async with kit.signed_in(sara) as browser:
        async with kit.region.registry.begin() as t:
            await t.people.change(
                sara.id, role="it_admin", clinic_id=None, display_name="Sara", title="", language=None
            )
        for path in ("/fleet", "/home", "/account"):
            assert (await browser.get(path)).headers["location"].startswith("/sign-in"), path
        assert (await browser.get(link)).status_code == 410
    async with kit.signed_in(await _again(kit, sara)) as anew:
        assert (await anew.get("/fleet")).status_code == 200
        assert (await anew.get("/home")).status_code == 403


async def test_other_sites_hold_from_the_next_request_on(stage: Stage) -> None:
    kit, sara, theirs = stage.kit, stage.people["site_staff"], stage.stations[1]
    async with kit.signed_in(sara) as browser:
        async with kit.region.registry.begin() as t:
            await t.people.change(
                sara.id, role="site_staff", clinic_id=None, display_name="Sara", title="", language=None,
                sites=[theirs.site_id],
            )  # fmt: skip
        assert [one["id"] for one in (await browser.get("/api/home")).json()] == [theirs.id]


async def _again(kit: Kit, person: Person) -> Person:
    async with kit.region.registry.read() as t:
        return await t.people.get(person.id)


_ids = st.integers(1, 6)
_people = st.builds(
    Person, st.just(1), st.just("x"), st.just("X"), st.just(""), st.sampled_from(ROLES), st.none() | _ids, st.just(""),
    st.none(), st.booleans(), st.booleans(), st.just(0.0),
    st.lists(_ids, max_size=3, unique=True).map(lambda found: tuple(Bound(one, f"S{one}") for one in found)),
)  # fmt: skip


@given(_people, _ids, st.none() | _ids)
def test_a_station_is_seen_by_those_of_its_site_or_clinic(person: Person, site: int, clinic: int | None) -> None:
    station = Station("st-00000001", "Room", site, "S", clinic, "", "", "da", 70, 1, 1, 0.0)
    sites = {one.id for one in person.sites}
    sees = {
        "it_admin": True,
        "clinician": clinic is not None and clinic == person.clinic_id,
        "site_staff": site in sites,
        "evaluator": (not sites and person.clinic_id is None) or site in sites
        or (clinic is not None and clinic == person.clinic_id),
    }[person.role]  # fmt: skip
    assert rights.scope_of(person).has(station) == sees
