"""API tokens from the making to the end of them; on both databases."""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from messaging.times import read_rfc_3339
from region.cli import main
from region.registry.records import ApiToken, AuditRow, Person
from region.web.bearer import new_token
from tests.kits.region.app import PASSWORD, Kit, every_subject, region_kit, still
from tests.kits.servers.databases import BOTH, ready

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_S = 86_400
SECRET = re.compile(r"vs_[a-z2-7]{8}_[a-z2-7]{48}")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=BOTH)
async def kit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kit]:
    """One region for them all on each database; its commands find it at `home`."""
    folder = tmp_path_factory.mktemp("region")
    database = ready(request, folder)
    async with region_kit(folder, map(still, every_subject(folder)), database=database) as kit:
        await kit.places()
        kit.app.state.home = ("--data", str(folder), "--database", database)
        yield kit


@pytest_asyncio.fixture(loop_scope="module")
async def ivan(kit: Kit, request: pytest.FixtureRequest) -> Person:
    """Somebody of IT, new for each test, some time later."""
    await kit.clock.advance(601)
    return await kit.person(f"it{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}", "it_admin")


async def _ask(kit: Kit, secret: str, path: str = "/api/sites") -> httpx.Response:
    async with kit.script(secret) as script:
        return await script.get(path)


async def _token(kit: Kit, token_id: str) -> ApiToken:
    async with kit.region.registry.read() as t:
        return await t.api_tokens.get(token_id, kit.clock.wall())


async def _rows(kit: Kit, who: str, action: str) -> list[AuditRow]:
    """What this person, or a token of this person's, is told to have done."""
    async with kit.region.registry.read() as t:
        rows = await t.audit.recent(1000)
    return [row for row in rows if row.actor.startswith(who) and row.action == action]


async def _make(kit: Kit, browser: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    form = {"csrf": await kit.csrf(browser), "name": "Import from the register", "role": "it_admin", "days": "90"}
    return await browser.post("/people/tokens", data={**form, **fields})


async def test_every_token_is_another_and_looks_like_one_to_who_searches_for_secrets() -> None:
    made = [new_token() for _ in range(100)]
    assert len({secret for _, secret in made}) == 100
    for token_id, secret in made:
        assert SECRET.fullmatch(secret)
        assert secret.startswith(f"{token_id}_")


async def test_a_token_is_made_on_the_page_shown_once_and_works_without_cookie_or_csrf(kit: Kit, ivan: Person) -> None:
    async with kit.signed_in(ivan) as browser:
        assert 'href="/people/tokens"' in (await browser.get("/people")).text
        page = await _make(kit, browser)
        (secret,) = SECRET.findall(page.text)
        again = (await browser.get("/people/tokens")).text
    assert SECRET.search(again) is None, "shown once"
    assert ("Import from the register" in again, secret[:11] in again, "never" in again) == (True, True, True)
    async with kit.script(secret) as script:
        made = await script.post("/api/sites", json={"name": "Åhjemmet"})
        told = (await script.get("/api/session")).json()
    assert made.status_code == 201
    assert "set-cookie" not in made.headers
    assert told == {"name": f"{ivan.name} ({secret[:11]})", "role": "it_admin", "csrf": "", "whole": True}
    async with kit.region.registry.read() as t:
        assert "Åhjemmet" in [site.name for site in await t.sites.all()]


async def test_the_log_names_the_token_and_its_maker_and_nothing_holds_the_secret(kit: Kit, ivan: Person) -> None:
    made = await kit.token(ivan.name, "it_admin", reads_only=False)
    async with kit.script(made.secret) as script:
        await script.post("/api/sites", json={"name": "Fjordglimt"})
    (added,), (site,) = await _rows(kit, ivan.name, "token.add"), await _rows(kit, ivan.name, "site.add")
    assert (added.actor, added.detail["token"], added.detail["name"]) == (ivan.name, made.token.id, made.token.name)
    assert site.actor == f"{ivan.name} ({made.token.id})"
    async with kit.signed_in(ivan) as browser:
        page = html.unescape((await browser.get("/audit")).text)
    assert f"{ivan.name}, by the API token “{made.token.name}” ({made.token.id})" in page
    assert made.secret not in page + repr(added) + repr(site) + repr(await _token(kit, made.token.id))
    async with kit.region.registry.read() as t:
        assert (await t.audit.verify()).broken is None


async def test_that_it_is_used_is_known_to_the_day(kit: Kit, ivan: Person) -> None:
    made = await kit.token(ivan.name, "evaluator")
    assert made.token.used_at is None
    now = kit.clock.wall()
    days = []
    for later in (DAY_S - now % DAY_S + 5, 3600, DAY_S):
        await kit.clock.advance(later)
        assert (await _ask(kit, made.secret, "/api/session")).status_code == 200
        days.append((await _token(kit, made.token.id)).used_at)
    begins = now - now % DAY_S + DAY_S
    assert days == [begins, begins, begins + DAY_S]


async def test_whatever_is_wrong_with_it_the_answer_is_the_same(kit: Kit, ivan: Person) -> None:
    """To its bearer; the log tells which it was."""
    ida = await kit.person(f"ida.{ivan.name}", "it_admin")
    good = await kit.token(ivan.name, "it_admin")
    old, revoked, of_ida = [await kit.token(name, "it_admin", days=1) for name in (ivan.name, ivan.name, ida.name)]
    async with kit.signed_in(ivan) as browser:
        gone = await browser.post(
            f"/people/tokens/{revoked.token.id}/revoke", data={"csrf": await kit.csrf(browser)}, follow_redirects=True
        )
    assert "Revoked: it opens nothing any more" in gone.text
    async with kit.region.registry.begin() as t:
        await t.people.set_active(ida.id, False)
    tries = {
        "altered": good.secret[:-1] + ("a" if good.secret[-1] != "a" else "b"), "its id alone": good.token.id,
        "another's id": revoked.secret[:11] + good.secret[11:], "upper case": good.secret.upper(), "empty": "",
        "not ours": "eyJhbGciOiJub25lIn0.e30.", "long": "x" * 5000, "latin": "\xe6\xf8\xe5",
        "revoked": revoked.secret, "maker_out": of_ida.secret,
    }  # fmt: skip
    answers = {}
    for how, secret in tries.items():
        async with kit.browser(accept="application/json") as script:
            header = {"authorization": f"Bearer {secret}".encode("latin-1")}
            answers[how] = await script.get("/api/sites", headers=header)  # type: ignore[arg-type]
    await kit.clock.advance(DAY_S)
    answers["expired"] = await _ask(kit, old.secret)
    for how, answer in answers.items():
        assert (answer.status_code, answer.json()["code"]) == (401, "token_refused"), how
        assert answer.json() == answers["altered"].json(), how
        assert answer.headers["www-authenticate"].startswith("Bearer"), how
        assert "set-cookie" not in answer.headers, how
    assert "region token add" in answers["altered"].json()["detail"]
    rows = await _rows(kit, ivan.name, "token") + await _rows(kit, ida.name, "token")
    assert {(row.actor, row.detail["why"]) for row in rows} == {
        (f"{ivan.name} ({revoked.token.id})", "revoked"), (f"{ida.name} ({of_ida.token.id})", "maker_out"),
        (f"{ivan.name} ({old.token.id})", "expired"),
    }  # fmt: skip
    assert (await _ask(kit, good.secret)).status_code == 200


async def test_it_ends_with_its_makers_time_at_it_and_goes_on_with_it(kit: Kit, ivan: Person) -> None:
    ida = await kit.person(f"ida.{ivan.name}", "it_admin")
    made = await kit.token(ida.name, "it_admin")

    async def answered(role: Any, *, active: bool) -> int:
        async with kit.region.registry.begin() as t:
            await t.people.change(ida.id, role=role, clinic_id=None, display_name="Ida", title="", language=None)
            await t.people.set_active(ida.id, active)
        return (await _ask(kit, made.secret)).status_code

    found = [await answered(role, active=active) for role, active in
             (("it_admin", False), ("it_admin", True), ("evaluator", True), ("it_admin", True))]  # fmt: skip
    assert found == [401, 200, 401, 200]


async def test_guesses_are_held_back_and_the_right_one_is_not(kit: Kit, ivan: Person) -> None:
    made, before = await kit.token(ivan.name, "it_admin"), len(await _rows(kit, "unknown", "token"))
    answers = [await _ask(kit, new_token()[1]) for _ in range(21)]
    assert [one.status_code for one in answers] == [401] * 20 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert (await _ask(kit, made.secret)).status_code == 200, "a script of the same address"
    assert len(await _rows(kit, "unknown", "token")) == before + 20
    await kit.clock.advance(601)
    assert (await _ask(kit, new_token()[1])).status_code == 401


async def test_a_cookie_does_not_stand_in_for_a_wrong_token_nor_a_token_for_a_cookie(kit: Kit, ivan: Person) -> None:
    made = await kit.token(ivan.name, "evaluator")
    async with kit.signed_in(ivan, accept="application/json") as browser:
        assert (await browser.get("/api/sites")).status_code == 200
        for secret, status in ((new_token()[1], 401), (made.secret, 403)):
            answer = await browser.get("/api/sites", headers={"authorization": f"Bearer {secret}"})
            assert answer.status_code == status
        other = await browser.post("/api/sites", json={"name": "X"}, headers={"authorization": "Basic aXZhbjp4"})
        assert (other.status_code, other.json()["code"]) == (403, "bad_token"), "only a bearer is a script"


async def test_who_has_not_given_the_second_step_makes_none(kit: Kit, ivan: Person) -> None:
    async with kit.browser() as browser:
        form = {"csrf": await kit.csrf(browser, "/sign-in"), "name": ivan.name, "password": PASSWORD}
        await browser.post("/sign-in", data=form)
        csrf = await kit.csrf(browser, "/second-step")
        made = await browser.post("/api/tokens", json={"name": "x", "role": "it_admin"}, headers={"x-csrf-token": csrf})
        page = await browser.post("/people/tokens", data={"csrf": csrf, "name": "x", "role": "it_admin"})
    assert (made.status_code, page.status_code) == (401, 401)
    async with kit.region.registry.read() as t:
        assert ivan.name not in [token.made_by for token in await t.api_tokens.all(kit.clock.wall())]


@pytest.mark.parametrize(("body", "status", "words"), [
    ({"days": 0}, 422, "days"), ({"days": 366}, 422, "days"), ({"name": "  "}, 422, "name"),
    ({"role": "clinician"}, 422, "role"), ({"role": "root"}, 422, "role"), ({"sites": [1]}, 422, "all of the region's"),
    ({"clinic_id": 1}, 422, "all of the region's"), ({"role": "site_staff"}, 422, "site"),
    ({"role": "site_staff", "sites": [1], "clinic_id": 1}, 422, "sites alone"),
    ({"role": "evaluator", "sites": [99]}, 404, ""), ({"role": "evaluator", "clinic_id": 99}, 404, ""),
])  # fmt: skip
async def test_what_cannot_be_is_said(kit: Kit, ivan: Person, body: dict[str, Any], status: int, words: str) -> None:
    async with kit.signed_in(ivan, accept="application/json") as browser:
        headers = {"x-csrf-token": await kit.csrf(browser)}
        answer = await browser.post("/api/tokens", json={"name": "x", "role": "it_admin", **body}, headers=headers)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert await _rows(kit, ivan.name, "token.add") == []


async def test_the_page_keeps_what_was_typed_and_leaves_out_places_that_mean_nothing(kit: Kit, ivan: Person) -> None:
    async with kit.signed_in(ivan) as browser:
        for fields, words in (
            ({"role": "site_staff"}, "belong to a site"),
            ({"name": "x\x00"}, "what the token is for"),
        ):
            answer = await _make(kit, browser, days="7", reads_only="true", **fields)
            assert (answer.status_code, words in answer.text) == (422, True), answer.text
            assert 'value="7"' in answer.text
            assert 'name="reads_only" value="true" checked' in answer.text
        assert (await _make(kit, browser, days="366")).status_code == 422
        assert (await _make(kit, browser, role="root")).status_code == 422
        page = await _make(kit, browser, sites=["1"], clinic="1", days="365", reads_only="true")
    async with kit.region.registry.read() as t:
        token = (await t.api_tokens.all(kit.clock.wall()))[0]
    assert page.status_code == 200
    assert (token.role, token.sites, token.clinic, token.reads_only) == ("it_admin", (), "", True)
    assert token.expires_at == token.made_at + 365 * DAY_S


async def test_scripts_of_people_make_list_and_revoke_them(kit: Kit, ivan: Person) -> None:
    async with kit.signed_in(ivan, accept="application/json") as browser:
        headers = {"x-csrf-token": await kit.csrf(browser)}
        new = {"name": "Figures", "role": "evaluator", "clinic_id": 1, "sites": [1]}
        made = (await browser.post("/api/tokens", json=new, headers=headers)).json()
        token = made["token"]
        assert (token["clinic"], token["sites"], token["made_by"], token["state"]) == (
            "Bakkens Klinik", [{"id": 1, "name": "Solgården"}], ivan.name, "good",
        )  # fmt: skip
        assert read_rfc_3339(token["expires_at"]) == read_rfc_3339(token["made_at"]) + 90 * DAY_S
        assert (await _ask(kit, made["secret"], "/api/evaluation")).status_code == 200
        assert (await browser.get("/api/tokens")).json()[0]["id"] == token["id"]
        path = f"/api/tokens/{token['id']}/revoke"
        ended = [(await browser.post(path, headers=headers)).json() for _ in range(2)]
        assert ended[0] == ended[1]
        assert ended[0]["state"] == "revoked"
        assert (await browser.post("/api/tokens/vs_22222222/revoke", headers=headers)).status_code == 404
    assert (await _ask(kit, made["secret"], "/api/evaluation")).status_code == 401
    assert len(await _rows(kit, ivan.name, "token.revoke")) == 1, "once is once"


async def test_the_command_line_makes_lists_and_revokes_them(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    async def region(*words: str) -> str:
        code = await asyncio.to_thread(main, ["token", *words, *kit.app.state.home])
        out, err = capsys.readouterr()
        return out if code == 0 else err

    secret = (await region("add", "Monitoring", "--role", "site_staff", "--site", "Solgården", "--read-only")).strip()
    assert SECRET.fullmatch(secret)
    listed = await region("list")
    assert [word in listed for word in (secret[:11], "Monitoring", "reads only", "Solgården", "command line")] == [
        True
    ] * 5
    assert secret not in listed
    told = next(one for one in json.loads(await region("list", "--json")) if one["id"] == secret[:11])
    lasts_s = read_rfc_3339(told["expires_at"]) - read_rfc_3339(told["made_at"])
    assert (told["state"], told["used_at"], lasts_s) == ("good", None, pytest.approx(90 * DAY_S))
    assert "is revoked" in await region("revoke", secret[:11])
    assert "no such token" in await region("revoke", "vs_22222222")
    assert "366" not in await region("add", "x", "--role", "it_admin", "--days", "366")
    assert "from 1 to 365" in await region("add", "x", "--role", "it_admin", "--days", "366")
    assert "no site Nowhere" in await region("add", "x", "--role", "evaluator", "--site", "Nowhere")
