"""The pages and the API of people, as somebody of IT uses them; and what nobody does to oneself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from region.people.service import found
from region.registry.records import AuditRow, Bound, Person
from region.web import tokens
from region.web.events import Lease
from tests.kits.region.app import Kit, every_subject, region_kit, still
from tests.kits.region.log import changed
from tests.kits.servers.databases import BOTH, ready

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=BOTH)
async def kit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kit]:
    """One region for them all on each database, with two sites, a clinic, and Ivan of IT."""
    folder = tmp_path_factory.mktemp("region")
    async with region_kit(folder, map(still, every_subject(folder)), database=ready(request, folder)) as kit:
        async with kit.region.registry.begin() as t:
            for site in ("Solgården", "Månelyst"):
                await t.sites.add(site, kit.clock.wall())
            await t.clinics.add("Bakkens Klinik", "", kit.clock.wall())
        await kit.person("ivan", "it_admin")
        yield kit


@pytest_asyncio.fixture(loop_scope="module")
async def ivan(kit: Kit) -> AsyncIterator[httpx.AsyncClient]:
    """His browser, some time after the last one's."""
    await kit.clock.advance(601)
    async with kit.signed_in(await _person(kit, "ivan")) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def sara(kit: Kit, request: pytest.FixtureRequest) -> Person:
    """Somebody of Solgården's staff, new for each test."""
    name = re.sub("[^a-z]", "", request.node.name.removeprefix("test_").lower())[:50]
    return await kit.person(f"s.{name}", "site_staff", sites=[1])


async def _person(kit: Kit, name: str) -> Person:
    async with kit.region.registry.read() as t:
        person = await t.people.find(name)
    assert person is not None
    return person


async def _post(kit: Kit, browser: httpx.AsyncClient, path: str, **fields: Any) -> httpx.Response:
    return await browser.post(path, data={"csrf": await kit.csrf(browser), **fields})


async def _last(kit: Kit) -> AuditRow:
    async with kit.region.registry.read() as t:
        return (await t.audit.recent(1))[0]


async def test_somebody_is_added_found_and_let_in_by_a_link(kit: Kit, ivan: httpx.AsyncClient) -> None:
    added = await _post(
        kit, ivan, "/people", name=" Eva.Lund ", role="site_staff", sites=["1", "2"], display_name="Eva Lund", title=""
    )
    eva = await _person(kit, "eva.lund")
    assert added.headers["location"] == f"/people/{eva.id}?done=saved"
    assert "Saved." in (await ivan.get(added.headers["location"])).text
    assert [site.name for site in eva.sites] == ["Månelyst", "Solgården"]
    row = await _last(kit)
    assert (row.actor, row.action, row.detail["person"]) == ("ivan", "user.add", "eva.lund")
    for typed, there in (("lund sol", True), ("EVA", True), ("lund bakken", False)):
        page = (await ivan.get("/people", params={"q": typed})).text
        assert ("eva.lund" in page) == there, typed
    assert "Nobody fits" in (await ivan.get("/people?q=xyzzy")).text
    page = await _post(kit, ivan, f"/people/{eva.id}/link")
    link = re.search(r"http://region\.test(/once/[^<]+)", page.text)
    assert link
    async with kit.browser() as browser:
        assert (await browser.get(link[1])).headers["location"] == "/home"
        assert (await browser.get("/home")).status_code == 200
    async with kit.region.registry.read() as t:
        made = next(row for row in await t.audit.recent(5) if row.action == "sign_in.link")
    assert (made.actor, link[1][6:] in str(made.detail)) == ("ivan", False)


@pytest.mark.parametrize(("fields", "status", "words"), [
    ({"name": "ivan"}, 409, "somebody of that user name"),
    ({"name": "Two Words"}, 422, "user name has 2 to 64"),
    ({"name": "x" * 65}, 422, "user name has 2 to 64"),
    ({"name": "new", "role": "clinician"}, 422, "belongs to a clinic"),
    ({"name": "new", "role": "site_staff", "clinic": "1"}, 422, "belong to a site"),
    ({"name": "new", "role": "root"}, 422, ""),
    ({"name": "new", "role": "site_staff", "sites": ["99"]}, 404, ""),
    ({"name": "new", "role": "clinician", "clinic": "99"}, 404, ""),
    ({"name": "new", "role": "clinician", "clinic": "9" * 40}, 422, ""),
    ({"name": "new", "display_name": "x" * 81}, 422, "cannot be saved"),
])  # fmt: skip
async def test_what_cannot_be_added_is_said_and_what_was_typed_stays(
    kit: Kit, ivan: httpx.AsyncClient, fields: dict[str, Any], status: int, words: str
) -> None:
    answer = await _post(kit, ivan, "/people", **{"role": "evaluator", "title": "of the test", **fields})
    assert (answer.status_code, words in answer.text) == (status, True)
    if words:
        assert 'value="of the test"' in answer.text
    async with kit.region.registry.read() as t:
        assert await t.people.find("new") is None


async def test_role_and_places_are_changed_and_what_means_nothing_to_the_role_is_left_out(
    kit: Kit, ivan: httpx.AsyncClient, sara: Person
) -> None:
    path = f"/people/{sara.id}"
    assert "checked" in (await ivan.get(path)).text
    async with kit.signed_in(sara) as hers:
        await _post(kit, ivan, path, role="site_staff", sites=["2"], display_name="Sara", title="")
        assert (await hers.get("/home")).status_code == 200
        saved = await _post(kit, ivan, path, role="clinician", clinic="1", sites=["2"], display_name="", title="GP")
        assert saved.headers["location"] == f"{path}?done=saved"
        assert (await hers.get("/account")).status_code == 303, "another role ends what was"
    now = await _person(kit, sara.name)
    assert (now.role, now.clinic, now.sites, now.display_name, now.title) == (
        "clinician", "Bakkens Klinik", (), sara.name, "GP",
    )  # fmt: skip
    assert (await _post(kit, ivan, path, role="site_staff")).status_code == 422
    assert (await _person(kit, sara.name)).role == "clinician"
    row = await _last(kit)
    assert (row.actor, row.action, row.detail["person"]) == ("ivan", "person.change", sara.name)
    assert changed(row.detail) == {
        "role": ("site_staff", "clinician"), "clinic": ("", "Bakkens Klinik"), "display_name": ("Sara", sara.name),
        "title": ("", "GP"), "sites": (["Månelyst"], []),
    }  # fmt: skip


async def test_somebody_is_signed_out_shut_out_and_let_in_again(
    kit: Kit, ivan: httpx.AsyncClient, sara: Person
) -> None:
    path = f"/people/{sara.id}"
    async with kit.signed_in(sara) as one, kit.signed_in(sara) as other:
        out = await _post(kit, ivan, f"{path}/sign-out")
        assert out.headers["location"] == f"{path}?done=sign-out"
        assert [(await browser.get("/home")).status_code for browser in (one, other)] == [303, 303]
    row = await _last(kit)
    assert (row.actor, row.action, row.detail) == ("ivan", "user.sign_out", {"person": sara.name, "count": 2})
    async with kit.signed_in(sara) as hers:
        link = await kit.link(sara)
        assert (await _post(kit, ivan, f"{path}/block")).headers["location"] == f"{path}?done=block"
        assert (await hers.get("/home")).status_code == 303
        assert (await hers.get(link)).status_code == 410
    assert "Shut out" in (await ivan.get(f"{path}?done=block")).text
    await _post(kit, ivan, f"{path}/unblock")
    async with kit.signed_in(sara) as hers:
        assert (await hers.get("/home")).status_code == 200
    assert (await _post(kit, ivan, f"{path}/promote")).status_code == 422


async def test_a_lost_second_step_is_forgotten(kit: Kit, ivan: httpx.AsyncClient, sara: Person) -> None:
    path = f"/people/{sara.id}"
    assert "Forget the second step" not in (await ivan.get(path)).text
    async with kit.region.registry.begin() as t:
        await t.second_steps.set_up(sara.id, "A" * 32, 1, ["one"], kit.clock.wall())
    assert "Forget the second step" in (await ivan.get(path)).text
    await _post(kit, ivan, f"{path}/reset-second-step")
    assert not (await _person(kit, sara.name)).second_step
    assert (await _last(kit)).action == "second_step.reset"


async def test_nobody_shuts_out_or_demotes_oneself(kit: Kit, ivan: httpx.AsyncClient) -> None:
    me = await _person(kit, "ivan")
    path = f"/people/{me.id}"
    assert "This is you" in (await ivan.get(path)).text
    for what in ("block", "unblock", "sign-out", "reset-second-step"):
        answer = await _post(kit, ivan, f"{path}/{what}")
        assert (answer.status_code, "ask another administrator" in answer.text) == (409, True), what
    assert (await _post(kit, ivan, path, role="evaluator")).status_code == 409
    assert (await _post(kit, ivan, path, role="it_admin", display_name="Ivan Berg")).status_code == 303
    assert (await _person(kit, "ivan")).display_name == "Ivan Berg"
    assert (await ivan.get("/people")).status_code == 200


async def test_those_whom_the_provider_vouches_for_are_shown_as_such(
    kit: Kit, ivan: httpx.AsyncClient, sara: Person
) -> None:
    async with kit.region.registry.begin() as t:
        await t.identities.bind("https://login.test", "1", sara.id, kit.clock.wall())
    page = (await ivan.get(f"/people/{sara.id}")).text
    assert "come from the groups" in page
    assert "the region&#39;s own sign-in" in page


async def test_what_is_not_there_is_not_found(ivan: httpx.AsyncClient, kit: Kit) -> None:
    for path in ("/people/999", "/people/999/link", "/people/999/block"):
        answer = await _post(kit, ivan, path, role="evaluator") if path != "/people/999" else await ivan.get(path)
        assert answer.status_code == 404, path


async def test_scripts_can_do_what_the_pages_do(kit: Kit, sara: Person) -> None:
    async with kit.signed_in(await _person(kit, "ivan"), accept="application/json") as script:
        headers = {"x-csrf-token": await kit.csrf(script)}

        async def ask(method: str, path: str, body: object = None) -> httpx.Response:
            return await script.request(method, f"/api/people{path}", json=body, headers=headers)

        new = {"name": "anna", "role": "clinician", "clinic_id": 1, "display_name": "Anna Holm", "title": "GP"}
        anna = (await ask("POST", "", new)).json()
        assert (anna["clinic"], anna["title"], anna["active"]) == ("Bakkens Klinik", "GP", True)
        changed = (await ask("PATCH", f"/{anna['id']}", {"role": "site_staff", "sites": [1]})).json()
        assert [site["name"] for site in changed["sites"]] == ["Solgården"]
        assert (changed["display_name"], changed["title"]) == ("Anna Holm", "GP"), "what is not named stays as it is"
        changed = (await ask("PATCH", f"/{anna['id']}", {"role": "evaluator", "clinic_id": None})).json()
        assert [site["name"] for site in changed["sites"]] == ["Solgården"], "and nobody sees more by it"
        assert changed["clinic"] == ""
        changed = (await ask("PATCH", f"/{anna['id']}", {"title": "", "sites": []})).json()
        assert (changed["role"], changed["title"], changed["sites"]) == ("evaluator", "", [])
        assert (await ask("GET", f"/{anna['id']}")).json() == changed
        assert changed in (await ask("GET", "")).json()
        assert (await ask("POST", f"/{anna['id']}/block")).json()["active"] is False
        assert (await ask("POST", f"/{anna['id']}/unblock")).json()["active"] is True
        async with kit.signed_in(sara):
            assert (await ask("POST", f"/{sara.id}/sign-out")).json() == {"browsers": 1}
        assert (await ask("POST", f"/{anna['id']}/reset-second-step")).status_code == 204
        link = (await ask("POST", f"/{anna['id']}/link")).json()
        assert (link["link"].startswith("http://region.test/once/"), link["expires_s"]) == (True, 900)
        me = (await _person(kit, "ivan")).id
        for refused, status in (
            (await ask("POST", "", new), 409), (await ask("POST", "", {**new, "name": "b", "role": "root"}), 422),
            (await ask("POST", "", {**new, "name": "bo", "clinic_id": None}), 422),
            (await ask("PATCH", "/999", {"role": "evaluator"}), 404), (await ask("POST", f"/{me}/block"), 422),
            (await ask("PATCH", f"/{me}", {"role": "evaluator"}), 422),
        ):  # fmt: skip
            assert refused.status_code == status, refused.text


async def test_people_are_found_by_all_that_is_shown_of_them() -> None:
    eva = Person(1, "eva", "Eva Lund", "GP", "evaluator", 1, "Bakken", None, True, True, 0.0, (Bound(1, "Sol"),))
    for typed in ("", "eva", "LUND gp", "bakken", "sol eva", "evaluator"):
        assert found([eva], typed) == [eva]
    assert found([eva], "eva sara") == []


async def test_whoever_is_signed_out_shut_out_or_given_another_role_hears_nothing_more_at_once(
    kit: Kit, ivan: httpx.AsyncClient, sara: Person
) -> None:
    path = f"/api/people/{sara.id}"
    headers = {"x-csrf-token": await kit.csrf(ivan)}
    settings = {"display_name": "Sara", "sites": [1]}
    for method, where, body, ends in (
        ("PATCH", path, {"role": "site_staff", **settings}, False), ("POST", f"{path}/sign-out", None, True),
        ("POST", f"{path}/reset-second-step", None, True), ("PATCH", path, {"role": "evaluator", **settings}, True),
        ("POST", f"{path}/block", None, True),
    ):  # fmt: skip
        async with kit.signed_in(sara) as browser:
            session = tokens.cookie_name(tokens.SESSION, secure=False)

            async def holds(token: str = browser.cookies[session]) -> bool:
                async with kit.region.registry.read() as t:
                    return await t.sessions.find(token, kit.clock.wall(), 60.0, 60.0) is not None

            stream = kit.region.hub.stream(["a page"], Lease(holds, f"person:{sara.id}"))
            await anext(stream)
            assert (await ivan.request(method, where, json=body, headers=headers)).status_code in (200, 204), where
            last = asyncio.ensure_future(anext(stream))
            if ends:
                assert (await last).startswith("event: signed_out"), where
            else:
                await asyncio.wait([last], timeout=0)
                assert not last.done(), where
                last.cancel()
                await asyncio.gather(last, return_exceptions=True)
            await stream.aclose()
        await kit.clock.advance(1)
