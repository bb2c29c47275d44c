"""Passkeys as the second step: made, used, removed; and what another place, session or key answers is refused."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from region.registry.records import Person
from region.web import tokens
from region.web.passkeys import Ceremony
from region.web.second_step import code_at, key_for
from tests.kits.region.app import PASSWORD, Kit, every_subject, region_kit, still
from tests.kits.region.passkeys import ORIGIN, SecurityKey
from tests.kits.servers.databases import BOTH, ready

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=BOTH)
async def kit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kit]:
    """One region for them all on each database, at an address that browsers have passkeys at."""
    folder = tmp_path_factory.mktemp("region")
    subjects, database = map(still, every_subject(folder)), ready(request, folder)
    async with region_kit(folder, subjects, public_url=ORIGIN, database=database) as kit:
        yield kit


@pytest_asyncio.fixture(loop_scope="module")
async def ivan(kit: Kit, request: pytest.FixtureRequest) -> Person:
    """Somebody of IT, new for each test, some time later."""
    await kit.clock.advance(601)
    name = re.sub("[^a-z]", "", request.node.name.removeprefix("test_").lower())[:60]
    return await kit.person(f"it{name}", "it_admin")


async def _halfway(kit: Kit, browser: httpx.AsyncClient, person: Person) -> None:
    """Name and password, and no more."""
    form = {"csrf": await kit.csrf(browser, "/sign-in"), "name": person.name, "password": PASSWORD}
    assert (await browser.post("/sign-in", data=form)).status_code == 303


async def _asked(browser: httpx.AsyncClient, what: str, path: str = "/second-step") -> str:
    """What the page asks of the browser; empty where it does not."""
    found = re.search(rf'data-passkey="{what}" data-options="([^"]+)"', (await browser.get(path)).text)
    return html.unescape(found[1]) if found else ""


async def _make(kit: Kit, browser: httpx.AsyncClient, answer: str, **more: str) -> httpx.Response:
    path = "/account" if (await browser.get("/account")).status_code == 200 else "/second-step"
    form = {"csrf": await kit.csrf(browser, path), "answer": answer, "name": "My key", **more}
    return await browser.post("/passkeys", data=form)


async def _use(kit: Kit, browser: httpx.AsyncClient, answer: str, **more: str) -> httpx.Response:
    form = {"csrf": await kit.csrf(browser, "/second-step"), "answer": answer, **more}
    return await browser.post("/second-step/passkey", data=form)


async def _with_a_key(kit: Kit, person: Person, key: SecurityKey) -> list[str]:
    """The person's first sign-in: makes a passkey of that key; gives the recovery codes."""
    async with kit.browser() as browser:
        await _halfway(kit, browser, person)
        page = await _make(kit, browser, key.make(await _asked(browser, "make")))
        assert (page.status_code, (await browser.get("/fleet")).status_code) == (200, 200)
        return re.findall(r"<li><code>([^<]+)</code>", page.text)


async def test_the_first_passkey_is_made_at_the_first_sign_in_and_used_at_the_next(kit: Kit, ivan: Person) -> None:
    key = SecurityKey()
    assert len(await _with_a_key(kit, ivan, key)) == 10
    async with kit.browser() as browser:
        await _halfway(kit, browser, ivan)
        page = (await browser.get("/second-step")).text
        assert "otpauth" not in page
        assert await _asked(browser, "make") == ""
        before = browser.cookies["__Host-session"]
        answer = await _use(kit, browser, key.use(await _asked(browser, "use")), next="/audit")
        assert answer.headers["location"] == "/audit"
        assert browser.cookies["__Host-session"] != before
        assert (await browser.get("/audit")).status_code == 200
    async with kit.region.registry.read() as t:
        told = [(row.action, row.outcome, row.detail.get("how")) for row in await t.audit.recent(6)]
    assert ("sign_in", "done", "passkey") in told
    assert ("passkey.add", "made", None) in told


async def test_an_answer_of_another_session_place_or_key_is_refused(kit: Kit, ivan: Person) -> None:
    key = SecurityKey()
    await _with_a_key(kit, ivan, key)
    async with kit.browser() as other:
        await _halfway(kit, other, ivan)
        of_another_session = await _asked(other, "use")
    async with kit.browser() as browser:
        await _halfway(kit, browser, ivan)
        options = await _asked(browser, "use")
        wrong = {
            "another session's": key.use(of_another_session),
            "another origin": replace(key, origin="https://region.test.evil.example").use(options),
            "plain HTTP": replace(key, origin="http://region.test").use(options),
            "another port": replace(key, origin="https://region.test:8443").use(options),
            "another place's": replace(key, rp_id="evil.example").use(options),
            "another key of that name": replace(key, key=SecurityKey().key).use(options),
            "an unknown key": SecurityKey().use(options),
            "nobody there": replace(key, present=False).use(options),
            "a made one": key.make(options),
            "nonsense": "{}",
        }
        assert len(wrong) > 8
        for how, answer in list(wrong.items())[:7]:
            refused = await _use(kit, browser, answer)
            assert (refused.status_code, "answer is not right" in refused.text) == (401, True), how
        await kit.clock.advance(601)
        for how, answer in list(wrong.items())[7:]:
            assert (await _use(kit, browser, answer)).status_code == 401, how
        assert (await browser.get("/fleet")).status_code == 303
        assert (await _use(kit, browser, key.use(options))).status_code == 303


async def test_an_answer_that_was_seen_before_and_a_copied_key_are_refused(kit: Kit, ivan: Person) -> None:
    key = SecurityKey()
    await _with_a_key(kit, ivan, key)
    copy = replace(key)
    async with kit.browser() as browser, kit.browser() as thief:
        await _halfway(kit, browser, ivan)
        seen = key.use(await _asked(browser, "use"))
        halfway = browser.cookies["__Host-session"]
        assert (await _use(kit, browser, seen)).status_code == 303
        thief.cookies.set("__Host-session", halfway)
        assert (await thief.get("/second-step")).headers["location"].startswith("/sign-in"), "its session is over"
    async with kit.browser() as browser:
        await _halfway(kit, browser, ivan)
        options = await _asked(browser, "use")
        assert (await _use(kit, browser, copy.use(options))).status_code == 401, "its count does not grow"
        assert (await _use(kit, browser, key.use(options))).status_code == 303


async def test_a_key_that_never_counts_is_taken(kit: Kit, ivan: Person) -> None:
    key = SecurityKey(never_counts=True)
    await _with_a_key(kit, ivan, key)
    for _ in range(2):
        async with kit.browser() as browser:
            await _halfway(kit, browser, ivan)
            assert (await _use(kit, browser, key.use(await _asked(browser, "use")))).status_code == 303


async def test_with_a_password_alone_nothing_is_added_to_a_second_step(kit: Kit, ivan: Person) -> None:
    """Neither a passkey, nor an authenticator's key where there is a passkey."""
    key = SecurityKey()
    await _with_a_key(kit, ivan, key)
    async with kit.browser() as thief:
        await _halfway(kit, thief, ivan)
        options = json.dumps({"challenge": json.loads(await _asked(thief, "use"))["challenge"]})
        assert (await _make(kit, thief, SecurityKey().make(options))).status_code == 422, "that is another challenge"
        csrf = await kit.csrf(thief, "/second-step")
        making = Ceremony(ORIGIN, csrf).to_make(ivan, [])
        added = await thief.post(
            "/passkeys", data={"csrf": csrf, "name": "x", "answer": SecurityKey().make(making)},
            headers={"accept": "application/json"},
        )  # fmt: skip
        assert (added.status_code, added.json()["code"]) == (401, "second_step_needed")
        session = thief.cookies[tokens.cookie_name(tokens.SESSION, secure=kit.region.settings.secure)]
        code = code_at(key_for(session), kit.clock.wall())
        assert (await thief.post("/second-step", data={"csrf": csrf, "code": code})).status_code == 401
        assert (await thief.get("/fleet")).status_code == 303


async def test_a_lost_passkey_is_replaced_by_a_recovery_code_and_a_new_one(kit: Kit, ivan: Person) -> None:
    codes = await _with_a_key(kit, ivan, SecurityKey())
    key = SecurityKey()
    async with kit.browser() as browser:
        await _halfway(kit, browser, ivan)
        csrf = await kit.csrf(browser, "/second-step")
        assert (await browser.post("/second-step", data={"csrf": csrf, "code": codes[0]})).status_code == 303
        made = await _make(kit, browser, key.make(await _asked(browser, "make", "/account")), name="New one")
        assert made.headers["location"] == "/account"
        account = (await browser.get("/account")).text
        assert re.findall(r'aria-label="Remove ([^"]+)"', account) == ["My key", "New one"]
        remove = re.findall(r'action="(/account/passkeys/[0-9]+/remove)"', account)[0]
        csrf = await kit.csrf(browser)
        assert (await browser.post(remove, data={"csrf": csrf})).headers["location"] == "/account"
        assert (await browser.post(remove, data={"csrf": csrf})).status_code == 404
        again = await _make(kit, browser, key.make(await _asked(browser, "make", "/account")))
        assert again.status_code == 409, "one key is one passkey"
    async with kit.browser() as browser:
        await _halfway(kit, browser, ivan)
        assert (await _use(kit, browser, key.use(await _asked(browser, "use")))).status_code == 303
    stranger = await kit.person(f"{ivan.name[:50]}.other", "it_admin")
    async with kit.signed_in(stranger) as browser, kit.region.registry.read() as t:
        (mine,) = await t.passkeys.of(ivan.id)
        csrf = await kit.csrf(browser)
        assert (await browser.post(f"/account/passkeys/{mine.id}/remove", data={"csrf": csrf})).status_code == 404


async def test_others_may_make_one_and_are_asked_for_it_from_then_on(kit: Kit, ivan: Person) -> None:
    eva = await kit.person(f"e{ivan.name[:50]}", "evaluator")
    key = SecurityKey()
    async with kit.browser() as browser:
        await _halfway(kit, browser, eva)
        page = await _make(kit, browser, key.make(await _asked(browser, "make", "/account")))
        assert "recovery codes" in page.text
        assert (await browser.get("/evaluation")).status_code == 200
    async with kit.browser() as browser:
        await _halfway(kit, browser, eva)
        assert (await browser.get("/evaluation")).headers["location"].startswith("/second-step")
        assert (await _use(kit, browser, key.use(await _asked(browser, "use")))).headers["location"] == "/evaluation"


async def test_a_reset_forgets_passkeys_and_recovery_codes(kit: Kit, ivan: Person) -> None:
    key = SecurityKey()
    codes = await _with_a_key(kit, ivan, key)
    async with kit.region.registry.begin() as t:
        assert await t.second_steps.reset(ivan.id)
        assert await t.passkeys.of(ivan.id) == []
    async with kit.browser() as browser:
        await _halfway(kit, browser, ivan)
        assert "otpauth" in (await browser.get("/second-step")).text
        csrf = await kit.csrf(browser, "/second-step")
        assert (await browser.post("/second-step", data={"csrf": csrf, "code": codes[0]})).status_code == 401
        assert (await _use(kit, browser, key.use(Ceremony(ORIGIN, csrf).to_use([])))).status_code == 401


async def test_where_browsers_have_none_nothing_is_said_of_them(tmp_path: Path) -> None:
    async with region_kit(tmp_path, every_subject(tmp_path), public_url="http://10.0.0.5:8400") as kit:
        ivan = await kit.person("ivan", "it_admin")
        async with kit.browser() as browser:
            await _halfway(kit, browser, ivan)
            assert "data-passkey" not in (await browser.get("/second-step")).text
            assert (await _use(kit, browser, "{}")).status_code == 404
