"""Signing in, out, by link; sessions and their ends; how often one may try."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.kits.region.app import HTML, PASSWORD, Kit, region_kit


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    async with region_kit(tmp_path) as kit:
        yield kit


async def _sign_in(kit: Kit, browser, name: str, password: str, **more: str):
    csrf = await kit.csrf(browser, "/sign-in")
    return await browser.post("/sign-in", data={"csrf": csrf, "name": name, "password": password, **more})


async def test_the_right_password_signs_in_and_leads_to_where_the_person_works(kit: Kit) -> None:
    clinic, _, _ = await kit.places()
    await kit.person("anna", "clinician", clinic)
    await kit.person("ivan", "it_admin")
    async with kit.browser() as anna, kit.browser() as ivan:
        assert (await _sign_in(kit, anna, " Anna ", PASSWORD)).headers["location"] == "/desk"
        assert (await _sign_in(kit, ivan, "ivan", PASSWORD)).headers["location"] == "/fleet"
        assert (await anna.get("/account")).status_code == 200


async def test_a_wrong_name_and_a_wrong_password_look_the_same(kit: Kit) -> None:
    await kit.person("ivan", "it_admin")
    async with kit.browser() as browser:
        wrong = await _sign_in(kit, browser, "ivan", "no such password")
        nobody = await _sign_in(kit, browser, "nobody", PASSWORD)
    assert (wrong.status_code, nobody.status_code) == (401, 401)
    assert "The user name or the password is wrong." in wrong.text
    assert wrong.text == nobody.text


async def test_a_name_nobody_has_costs_a_hash_as_well(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    real = kit.region.passwords._verify
    monkeypatch.setattr(
        kit.region.passwords, "_verify", lambda hashed, word: verified.append(hashed) or real(hashed, word)
    )
    async with kit.browser() as browser:
        await _sign_in(kit, browser, "nobody", PASSWORD)
    assert len(verified) == 1


async def test_somebody_shut_out_is_out_at_once_and_cannot_come_back(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as inside, kit.browser() as outside:
        async with kit.region.registry.begin() as t:
            await t.people.set_active(ivan.id, False)
        assert (await inside.get("/account")).status_code == 303
        assert (await _sign_in(kit, outside, "ivan", PASSWORD)).status_code == 401


async def test_signing_in_gives_a_new_token_and_ends_the_old_one(kit: Kit) -> None:
    """Fixation: a token somebody else planted or knew is worth nothing afterwards."""
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        planted = browser.cookies["session"]
        link = await kit.link(ivan)
        await browser.get(link)
        assert browser.cookies["session"] != planted
    async with kit.browser() as thief:
        thief.cookies.set("session", planted)
        assert (await thief.get("/account")).status_code == 303


async def test_a_token_a_stranger_chose_is_never_taken_over(kit: Kit) -> None:
    await kit.person("ivan", "it_admin")
    async with kit.browser() as browser:
        browser.cookies.set("session", "chosen-by-a-stranger", domain="region.test")
        response = await _sign_in(kit, browser, "ivan", PASSWORD)
        assert response.status_code == 303
        assert "session=chosen" not in response.headers["set-cookie"]
    async with kit.browser() as stranger:
        stranger.cookies.set("session", "chosen-by-a-stranger")
        assert (await stranger.get("/account")).status_code == 303


async def test_cookies_are_out_of_reach_of_scripts_and_other_sites(tmp_path: Path) -> None:
    async with region_kit(tmp_path, public_url="https://region.test") as kit:
        ivan = await kit.person("ivan", "it_admin")
        link = await kit.link(ivan)
        async with kit.browser() as browser:
            response = await browser.get(link)
        cookie = next(c for c in response.headers.get_list("set-cookie") if c.startswith("__Host-session="))
        assert {"HttpOnly", "SameSite=lax", "Secure", "Path=/"} <= set(cookie.split("; "))
        assert response.headers["strict-transport-security"]


async def test_sign_out_ends_the_session_for_good(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        token = browser.cookies["session"]
        response = await browser.post("/sign-out", data={"csrf": await kit.csrf(browser)})
        assert response.headers["location"] == "/sign-in"
    async with kit.browser() as again:
        again.cookies.set("session", token)
        assert (await again.get("/account")).status_code == 303


@pytest.mark.parametrize(("active_every_s", "lasts_s"), [(9 * 3600, 8 * 3600), (3600, 14 * 3600)])
async def test_a_session_ends_when_idle_and_when_old(kit: Kit, active_every_s: int, lasts_s: int) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        lived = 0
        while (await browser.get("/account")).status_code == 200:
            await kit.clock.advance(active_every_s)
            lived += active_every_s
            assert lived < 48 * 3600, "it never ends"
    assert lived >= lasts_s
    assert lived - active_every_s < lasts_s


async def test_a_link_signs_in_once_and_only_in_time(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    link, late = await kit.link(ivan), await kit.link(ivan)
    async with kit.browser() as first, kit.browser() as second:
        assert (await first.get(link)).headers["location"] == "/fleet"
        assert (await first.get(link)).headers["location"] == "/fleet"  # a reload, still signed in
        spent = await second.get(link)
        assert spent.status_code == 410
        assert "has been used or has expired" in spent.text
        await kit.clock.advance(61)
        assert (await second.get(late)).status_code == 410


async def test_guessing_links_is_held_back(kit: Kit) -> None:
    async with kit.browser() as browser:
        answers = [(await browser.get(f"/once/guess{number}")).status_code for number in range(25)]
    assert answers == [410] * 20 + [429] * 5


async def test_another_address_of_the_same_network_is_no_way_round(kit: Kit) -> None:
    """Whoever has an IPv6 line has as many addresses as there could be tries."""

    async def guess(address: str) -> int:
        transport = httpx.ASGITransport(kit.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=kit.region.settings.public_url) as browser:
            return (await browser.get("/once/guess")).status_code

    assert [await guess(f"2001:db8::{number:x}") for number in range(25)] == [410] * 20 + [429] * 5
    assert await guess("2001:db8:0:1::1") == 410, "another line"


async def test_too_many_wrong_passwords_close_the_account_for_a_while(kit: Kit) -> None:
    await kit.person("ivan", "it_admin")
    async with kit.browser() as browser:
        for _ in range(8):
            assert (await _sign_in(kit, browser, "ivan", "wrong wrong wrong")).status_code == 401
        held = await _sign_in(kit, browser, "ivan", PASSWORD)
        assert held.status_code == 429
        assert 0 < int(held.headers["retry-after"]) <= 601
        assert "Too many attempts" in held.text
        await kit.clock.advance(601)
        assert (await _sign_in(kit, browser, "ivan", PASSWORD)).status_code == 303


async def test_one_address_cannot_try_many_accounts(kit: Kit) -> None:
    async with kit.browser() as browser:
        answers = {
            (await _sign_in(kit, browser, f"name{number}", "wrong wrong wrong")).status_code for number in range(40)
        }
        assert answers == {401}
        assert (await _sign_in(kit, browser, "one more", "wrong wrong wrong")).status_code == 429


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/stations/st-00000000?x=1", "/stations/st-00000000?x=1"),
        ("//evil.example/", "/fleet"),
        ("///evil.example/", "/fleet"),
        ("https://evil.example/", "/fleet"),
        ("/\\evil.example", "/fleet"),
        ("javascript:alert(1)", "/fleet"),
        ("/\n/evil", "/fleet"),
    ],
)
async def test_after_signing_in_one_goes_on_but_never_to_another_site(kit: Kit, wanted: str, leads_to: str) -> None:
    await kit.person("ivan", "it_admin")
    async with kit.browser() as browser:
        assert (await _sign_in(kit, browser, "ivan", PASSWORD, next=wanted)).headers["location"] == leads_to


async def test_a_page_asked_for_without_a_session_comes_after_signing_in(kit: Kit) -> None:
    async with kit.browser() as browser:
        response = await browser.get("/account?changed=true")
        assert (response.status_code, response.headers["location"]) == (303, "/sign-in?next=/account%3Fchanged%3Dtrue")
    async with kit.browser(accept="application/json") as script:
        response = await script.get("/account")
        assert response.status_code == 401
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == "not_signed_in"


async def test_a_person_changes_the_password_and_is_signed_out_elsewhere(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as here, kit.signed_in(ivan) as elsewhere:
        csrf = await kit.csrf(here)
        wrong = await here.post(
            "/account/password", data={"csrf": csrf, "old": "not it at all", "new": "a new long one"}
        )
        assert (wrong.status_code, "The present password is wrong." in wrong.text) == (422, True)
        short = await here.post("/account/password", data={"csrf": csrf, "old": PASSWORD, "new": "short"})
        assert short.status_code == 422
        done = await here.post("/account/password", data={"csrf": csrf, "old": PASSWORD, "new": "a new long one"})
        assert done.status_code == 303
        assert (await here.get("/account")).status_code == 200
        assert (await elsewhere.get("/account")).status_code == 303
    async with kit.browser() as browser:
        assert (await _sign_in(kit, browser, "ivan", PASSWORD)).status_code == 401
        assert (await _sign_in(kit, browser, "ivan", "a new long one")).status_code == 303


async def test_signing_in_leaves_an_audit_row_without_what_was_typed(kit: Kit) -> None:
    await kit.person("ivan", "it_admin")
    async with kit.browser() as browser:
        await _sign_in(kit, browser, "my secret password", "x" * 20)
        await _sign_in(kit, browser, "ivan", PASSWORD)
    async with kit.region.registry.read() as t:
        rows = [(row.actor, row.action, row.outcome) for row in await t.audit.recent()]
    assert rows == [("ivan", "sign_in", "done"), ("unknown", "sign_in", "refused")]


@pytest.mark.parametrize(
    ("accept", "region", "words"),
    [
        ("da-DK,da;q=0.9,en;q=0.8", None, "Log ind"),
        ("en-GB", None, "Sign in"),
        ("fr", None, "Sign in"),
        ("en", "da", "Log ind"),
    ],
)
async def test_pages_speak_the_readers_language(tmp_path: Path, accept: str, region, words: str) -> None:
    async with (
        region_kit(tmp_path, language=region) as kit,
        kit.browser(**HTML, **{"accept-language": accept}) as browser,
    ):
        assert f"<h1>{words}</h1>" in (await browser.get("/sign-in")).text


async def test_a_person_chooses_a_language_and_keeps_it(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        answer = await browser.post(
            "/language", data={"csrf": await kit.csrf(browser), "language": "da", "next": "/account"}
        )
        assert answer.headers["location"] == "/account"
    async with kit.signed_in(ivan) as another_day:
        assert "Din konto" in (await another_day.get("/account")).text
