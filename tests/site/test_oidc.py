"""The region's own sign-in as a person meets it: in, by their groups; out; and every way in which it does not work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.kits.region.app import PASSWORD, Kit, region_kit
from tests.kits.region.log import changed
from tests.kits.region.oidc import ISSUER, FakeProvider, SigningKey, is_refused, oidc_settings, told, vouched_region


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[Kit, FakeProvider]]:
    """A region whose people a provider vouches for: Sara of Solgården, unless a test says otherwise."""
    async with vouched_region(tmp_path) as stage:
        yield stage


async def test_somebody_new_is_signed_in_with_the_role_and_places_of_their_groups(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    them.claims["groups"] = ["solgaarden", "maanelyst", "football"]
    async with kit.browser() as browser:
        assert "Sign in with Region Nord" in (await browser.get("/sign-in")).text
        back = await them.sign_in(browser, "/sign-in/region?next=/account")
        assert (back.status_code, back.headers["location"]) == (303, "/account")
        account = (await browser.get("/account")).text
    assert "Sara Holm" in account
    assert "Månelyst, Solgården" in account
    async with kit.region.registry.read() as t:
        sara = await t.people.find("sara")
    assert sara is not None
    assert (sara.role, sara.vouched, sara.has_password) == ("site_staff", True, False)
    rows = [(row.actor, row.action, row.detail.get("how")) for row in await told(kit, 2)]
    assert rows == [("sara", "sign_in", "oidc"), ("region", "user.add", "oidc")]


async def test_the_browser_is_sent_with_all_that_ties_the_answer_to_it(stage: tuple[Kit, FakeProvider]) -> None:
    kit, _ = stage
    async with kit.browser() as one, kit.browser() as other:
        doors = [(await browser.get("/sign-in/region")).headers["location"] for browser in (one, other)]
        asked, of_other = ({k: v[0] for k, v in parse_qs(urlsplit(door).query).items()} for door in doors)
        cookie = one.cookies["oidc"]
    assert doors[0].startswith(f"{ISSUER}/auth?tenant=1&")
    assert asked["redirect_uri"] == "http://region.test/sign-in/region/back"
    assert (asked["response_type"], asked["scope"], asked["code_challenge_method"]) == (
        "code",
        "openid profile",
        "S256",
    )
    secrets = [asked[key] for key in ("state", "nonce", "code_challenge")]
    assert len({*secrets, *(of_other[key] for key in ("state", "nonce", "code_challenge"))}) == 6
    assert not [one for one in secrets if one in cookie], "what the provider is told gives the cookie away"
    assert "prompt" not in asked


async def test_the_groups_of_today_decide_and_another_role_ends_what_was(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    async with kit.browser() as before, kit.browser() as after:
        await them.sign_in(before)
        them.claims |= {"groups": ["bakken"], "name": "Sara Lund"}
        assert (await them.sign_in(after)).headers["location"] == "/desk"
        assert (await before.get("/account")).headers["location"].startswith("/sign-in")
        assert "Sara Lund" in (await after.get("/account")).text
    change = next(row for row in await told(kit) if row.action == "person.change")
    became = {field: after for field, (_, after) in changed(change.detail).items()}
    assert (change.actor, became["role"], became["clinic"]) == ("region", "clinician", "Bakkens Klinik")


async def test_a_person_is_known_by_the_subject_and_not_by_the_name(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    async with kit.browser() as browser:
        await them.sign_in(browser)
    them.claims["preferred_username"] = "sara.lund"
    async with kit.browser() as browser:
        assert (await them.sign_in(browser)).status_code == 303
    async with kit.region.registry.read() as t:
        assert [one.name for one in await t.people.all()] == ["sara"]


@pytest.mark.parametrize(("claims", "door"), [
    ({}, "/second-step"), ({"amr": ["pwd"]}, "/second-step"), ({"amr": ["pwd", "mfa"]}, None),
    ({"acr": "urn:level:high"}, None), ({"acr": ["urn:level:high"]}, "/second-step"),
])  # fmt: skip
async def test_it_gives_our_second_step_unless_the_provider_says_it_has_asked_for_one(
    tmp_path: Path, claims: dict[str, Any], door: str | None
) -> None:
    settings = oidc_settings(trusted_amr=["mfa"], trusted_acr=["urn:level:high"], always_ask=True)
    async with vouched_region(tmp_path, settings) as (kit, them), kit.browser() as browser:
        them.claims |= {"groups": ["laegeknap-it"], **claims}
        sent = (await browser.get("/sign-in/region")).headers["location"]
        assert "prompt=login" in sent
        assert "acr_values=urn%3Alevel%3Ahigh" in sent
        assert (await browser.get(them.answer(sent))).status_code == 303
        account = await browser.get("/account")
        assert account.headers.get("location", "").split("?")[0] == (door or ""), account.text


async def test_groups_that_are_not_in_the_id_token_are_asked_for(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    them.userinfo = {"sub": them.claims["sub"], "groups": them.claims.pop("groups"), "name": "not this one"}
    async with kit.browser() as browser:
        assert (await them.sign_in(browser)).headers["location"] == "/home"
        them.userinfo["sub"] = "somebody else"
    async with kit.browser() as browser:
        answer = await them.sign_in(browser)
        assert (answer.status_code, "could not be trusted" in answer.text) == (502, True)


async def test_new_keys_of_the_provider_are_believed_and_fetched_only_when_needed(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    for kid, fetched in (("one", 1), ("one", 1), ("two", 2), ("two", 2)):
        them.key = them.key if them.key.kid == kid else SigningKey(kid)
        async with kit.browser() as browser:
            assert (await them.sign_in(browser)).status_code == 303
        assert them.asked.count("/jwks") == fetched
    assert them.asked.count("/.well-known/openid-configuration") == 1
    await kit.clock.advance(3601)
    them.key = SigningKey("two")  # another key of the same name
    async with kit.browser() as browser:
        assert (await them.sign_in(browser)).status_code == 303
    assert them.asked.count("/.well-known/openid-configuration") == 2


async def test_a_provider_that_is_down_stops_neither_the_region_nor_its_own_accounts(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    await kit.person("eva", "evaluator")
    them.down = True
    async with kit.browser() as browser:
        answer = await browser.get("/sign-in/region?next=/account")
        assert (answer.status_code, "does not answer just now" in answer.text) == (502, True)
        csrf = await kit.csrf(browser, "/sign-in")
        form = {"csrf": csrf, "name": "eva", "password": PASSWORD}
        assert (await browser.post("/sign-in", data=form)).headers["location"] == "/evaluation"
    them.down = False
    async with kit.browser() as browser:
        assert (await them.sign_in(browser)).status_code == 303
    await kit.clock.advance(3601)
    door = await kit.region.provider.exit("http://region.test/sign-in")
    them.down = True
    await kit.clock.advance(3601)
    assert await kit.region.provider.exit("http://region.test/sign-in") == door, "what it said before goes on"


async def test_signing_out_here_offers_to_sign_out_there_too(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    async with kit.browser() as browser:
        await them.sign_in(browser)
        out = await browser.post("/sign-out", data={"csrf": await kit.csrf(browser)})
        assert out.headers["location"] == "/sign-in?out=true"
        assert "still signed in" in (await browser.get("/sign-in?out=true")).text
        door = (await browser.get("/sign-out/region")).headers["location"]
        assert door.startswith(f"{ISSUER}/end?client_id=laegeknap&post_logout_redirect_uri=")
        them.metadata["end_session_endpoint"] = None
        await kit.clock.advance(3601)
        assert (await browser.get("/sign-out/region")).headers["location"] == "/sign-in"
    eva = await kit.person("eva", "evaluator")
    async with kit.signed_in(eva) as browser:
        out = await browser.post("/sign-out", data={"csrf": await kit.csrf(browser)})
        assert out.headers["location"] == "/sign-in"


async def test_somebody_shut_out_here_stays_out(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    async with kit.browser() as browser:
        await them.sign_in(browser)
    async with kit.region.registry.begin() as t:
        sara = await t.people.find("sara")
        assert sara is not None
        await t.people.set_active(sara.id, False)
    async with kit.browser() as browser:
        door = (await browser.get("/sign-in/region")).headers["location"]
        await is_refused(kit, browser, them.answer(door), "blocked", "has been shut")


async def test_a_place_that_is_not_there_is_no_reason_to_see_all_places(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    them.settings.grant[0].__class__  # noqa: B018 - the grants are frozen; the site goes instead
    them.claims["groups"] = ["bakken"]
    async with kit.region.registry.begin() as t:
        clinic = await t.clinics.named("Bakkens Klinik")
        await t.clinics.change(clinic.id, "Dalens Klinik", "")
    async with kit.browser() as browser:
        door = (await browser.get("/sign-in/region")).headers["location"]
        await is_refused(kit, browser, them.answer(door), "no_place", "not in Lægeknap yet")
    async with kit.region.registry.read() as t:
        assert await t.people.find("sara") is None


async def test_a_local_account_is_taken_over_only_by_whom_it_binds(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    sara = await kit.person("sara", "evaluator")
    async with kit.browser() as browser:
        door = (await browser.get("/sign-in/region")).headers["location"]
        await is_refused(kit, browser, them.answer(door), "name_taken")
    async with kit.region.registry.begin() as t:
        await t.identities.bind(ISSUER, them.claims["sub"], sara.id, kit.clock.wall())
    async with kit.browser() as browser:
        assert (await them.sign_in(browser)).headers["location"] == "/home"


async def test_without_a_provider_there_is_no_such_way(tmp_path: Path) -> None:
    async with region_kit(tmp_path) as kit, kit.browser() as browser:
        assert "/sign-in/region" not in (await browser.get("/sign-in")).text
        for path in ("/sign-in/region", "/sign-in/region/back", "/sign-out/region"):
            assert (await browser.get(path)).status_code == 404
