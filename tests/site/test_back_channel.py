"""The provider says that somebody is signed out there: whose sessions end here, and what nobody can end by it."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from region.web.guard import LOGOUTS, MOST_LOGOUT
from region.web.oidc.logout_token import EVENT
from region.web.oidc.provider import MOST_ASKED
from region.web.second_step import code_at
from tests.kits.region.app import Kit, region_kit
from tests.kits.region.oidc import (
    FakeProvider,
    SigningKey,
    by_secret,
    encoded,
    oidc_settings,
    told,
    unsigned,
    vouched_region,
)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[Kit, FakeProvider]]:
    """A region whose people a provider vouches for: Sara, who has the session `at-the-clinic` there."""
    async with vouched_region(tmp_path) as (kit, them):
        them.claims["sid"] = "at-the-clinic"
        yield kit, them


async def say(kit: Kit, token: str, **headers: str) -> httpx.Response:
    """As the provider's server does: a form, no cookie, no page before it."""
    async with kit.browser(accept="*/*", **headers) as server:
        return await server.post(LOGOUTS, data={"logout_token": token})


@asynccontextmanager
async def sara_at(kit: Kit, them: FakeProvider, sid: str | None) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that she signed in in, with that session at the provider."""
    them.claims["sid"] = sid
    async with kit.browser() as browser:
        assert (await them.sign_in(browser)).status_code == 303
        yield browser


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/account")).status_code == 200


async def test_the_session_that_is_named_ends_and_no_other(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    async with sara_at(kit, them, "at-home") as home, sara_at(kit, them, "at-the-clinic") as clinic:
        answer = await say(kit, them.logout_token(sid="at-the-clinic"))
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert [await is_signed_in(one) for one in (clinic, home)] == [False, True]
    row = (await told(kit, 1))[0]
    assert (row.actor, row.action, row.outcome) == ("region", "sign_out", "done")
    assert row.detail == {"person": "sara", "count": 1, "how": "oidc"}


async def test_without_a_session_all_that_somebody_began_there_end_and_what_began_here_goes_on(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    async with sara_at(kit, them, "at-home") as home, sara_at(kit, them, "at-the-clinic") as clinic:
        async with kit.region.registry.read() as t:
            sara = await t.people.find("sara")
        assert sara is not None
        async with kit.signed_in(sara) as by_link:
            assert (await say(kit, them.logout_token(sid=None))).status_code == 200
            assert [await is_signed_in(one) for one in (home, clinic, by_link)] == [False, False, True]
    assert (await told(kit, 1))[0].detail["count"] == 2


async def test_a_provider_that_names_no_session_as_somebody_signs_in_can_end_it_all_the_same(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    async with sara_at(kit, them, None) as unnamed, sara_at(kit, them, "at-home") as home:
        assert (await say(kit, them.logout_token(sid="another"))).status_code == 200
        assert [await is_signed_in(one) for one in (unnamed, home)] == [False, True]


async def test_of_somebody_who_is_not_signed_in_nothing_ends_and_that_is_well(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    async with sara_at(kit, them, "at-home") as home:
        before = len(await told(kit, 100))
        for claims in ({"sub": "somebody else", "sid": None}, {"sub": None, "sid": "another"}):
            assert (await say(kit, them.logout_token(**claims))).status_code == 200
        assert await is_signed_in(home)
    assert len(await told(kit, 100)) == before


async def test_it_ends_also_what_our_second_step_has_made_whole(stage: tuple[Kit, FakeProvider]) -> None:
    """Its token is another one then, and so is that of a session with a new password: both are the provider's still."""
    kit, them = stage
    async with sara_at(kit, them, "at-the-clinic") as browser:
        csrf = await kit.csrf(browser)
        forward = await browser.post("/account/password", data={"csrf": csrf, "new": "a password that is long"})
        assert forward.headers["location"] == "/account?changed=true"
        assert await is_signed_in(browser)
        await say(kit, them.logout_token(sid="at-the-clinic"))
        assert not await is_signed_in(browser)
    them.claims |= {"groups": ["laegeknap-it"], "sub": "of-ivan", "preferred_username": "ivan", "sid": "of-it"}
    async with kit.browser() as browser:
        await them.sign_in(browser)
        key = (await browser.get("/second-step")).text.split("secret=")[1].split("&")[0]
        form = {"csrf": await kit.csrf(browser, "/second-step"), "code": code_at(key, kit.clock.wall())}
        assert (await browser.post("/second-step", data=form)).status_code == 200
        assert await is_signed_in(browser)
        await say(kit, them.logout_token())
        assert not await is_signed_in(browser)


async def test_a_token_is_taken_once_by_whichever_process(
    stage: tuple[Kit, FakeProvider], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two regions on one database, as two processes would be."""
    kit, them = stage
    url = f"sqlite+aiosqlite:///{tmp_path / 'region.sqlite'}"
    async with region_kit(tmp_path, provider=lambda _: them.provider(), database=url) as beside:
        token = them.logout_token()
        async with sara_at(kit, them, "at-the-clinic") as browser:
            assert (await say(beside, token)).status_code == 200
            assert not await is_signed_in(browser)
        async with sara_at(kit, them, "at-the-clinic") as again:
            for one in (kit, beside):
                with caplog.at_level(logging.WARNING):
                    assert (await say(one, token)).status_code == 400
            assert await is_signed_in(again)
    assert "taken already (jti)" in caplog.text


async def test_what_was_taken_is_forgotten_when_it_could_not_be_taken_any_more(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    late = them.logout_token()
    assert (await say(kit, late)).status_code == 200
    await kit.clock.advance(120 + 120)
    assert (await say(kit, late)).status_code == 400, "remembered for as long as it would be believed, and no longer"
    assert (await say(kit, them.logout_token(jti="logout-1"))).status_code == 200


def _altered(them: FakeProvider, claims: dict[str, Any]) -> str:
    head, _, signature = them.key.sign(claims | {"sid": "another"}).split(".")
    return f"{head}.{encoded(json.dumps(claims).encode())}.{signature}"


_FORGED: dict[str, Callable[[FakeProvider, dict[str, Any]], str]] = {
    "signed by nobody": unsigned,
    "signed by the client's secret": by_secret,
    "altered": _altered,
    "signed by another key of that name": lambda them, claims: SigningKey("one").sign(claims),
    "signed by a key that is not known": lambda them, claims: SigningKey("of an attacker").sign(claims),
    "an ID token": lambda them, claims: them.key.sign(them.claims_for({"nonce": "n"})),
    "a token of another kind": lambda them, claims: them.key.sign(claims, typ="at+jwt"),
    "nothing": lambda them, claims: "",
    "no token": lambda them, claims: "a.b.c",
    "a header nested without end": lambda them, claims: encoded(b"[" * 8000) + ".e30.x",
    "a header that is none": lambda them, claims: encoded(b"[1]") + ".e30.x",
    "what no text is": lambda them, claims: "\x00\U0001f9d1." + "\u202e" * 50,
    "another issuer": lambda them, claims: them.key.sign(claims | {"iss": "https://login.region.test/other"}),
    "another audience": lambda them, claims: them.key.sign(claims | {"aud": "another-client"}),
    "another audience, in a list": lambda them, claims: them.key.sign(claims | {"aud": ["another-client", {}]}),
    "a nonce": lambda them, claims: them.key.sign(claims | {"nonce": "n"}),
    "a nonce that is empty": lambda them, claims: them.key.sign(claims | {"nonce": None}),
    "no events": lambda them, claims: them.key.sign(_without(claims, "events")),
    "another event": lambda them, claims: them.key.sign(claims | {"events": {"https://schemas.test/other": {}}}),
    "an event that is no object": lambda them, claims: them.key.sign(claims | {"events": {EVENT: "yes"}}),
    "nobody": lambda them, claims: them.key.sign(_without(claims, "sub", "sid")),
    "no name of its own": lambda them, claims: them.key.sign(_without(claims, "jti")),
    "no end": lambda them, claims: them.key.sign(_without(claims, "exp")),
    "no beginning": lambda them, claims: them.key.sign(_without(claims, "iat")),
    "an end past all counting": lambda them, claims: them.key.sign(claims | {"exp": 10**400}),
    "expired": lambda them, claims: them.key.sign(claims | {"exp": claims["iat"] - 121}),
    "of later": lambda them, claims: them.key.sign(claims | {"iat": claims["iat"] + 3600, "exp": claims["exp"] + 3600}),
}  # fmt: skip


def _without(claims: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


async def test_what_the_provider_has_not_said_of_now_and_for_us_ends_nothing(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    async with sara_at(kit, them, "at-the-clinic") as browser:
        for how, forge in _FORGED.items():
            await kit.clock.advance(601)  # the tries of before are forgotten
            answer = await say(kit, forge(them, them.logout_claims()))
            assert (answer.status_code, answer.json()["code"]) == (400, "logout_refused"), how
            assert answer.headers["cache-control"] == "no-store"
            row = (await told(kit, 1))[0]
            assert (row.actor, row.action, row.outcome) == ("unknown", "sign_out", "refused"), how
            assert row.detail["refusal"] == ("clock" if how in ("expired", "of later") else "not_genuine"), how
            assert await is_signed_in(browser), how
        assert (await say(kit, them.logout_token())).status_code == 200, "and the true one is taken after all of them"


async def test_neither_a_cookie_nor_the_place_it_comes_from_matters_and_it_opens_nothing_else(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    async with sara_at(kit, them, "at-home") as browser:
        elsewhere = {"origin": "https://evil.test", "sec-fetch-site": "cross-site", "authorization": "Bearer vs_wrong"}
        refused = await browser.post(LOGOUTS, data={"logout_token": "forged"}, headers=elsewhere)
        assert refused.status_code == 400
        assert await is_signed_in(browser), "who is signed in cannot be signed out by another site"
        for headers in ({}, elsewhere):
            assert (await say(kit, them.logout_token(sid="another"), **headers)).status_code == 200
        other = await browser.post("/sign-out", headers=elsewhere)
        assert other.status_code == 403


async def test_guesses_are_held_back_and_the_true_one_is_not(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    async with sara_at(kit, them, "at-the-clinic") as browser:
        answers = [await say(kit, "forged") for _ in range(30)]
        assert [one.status_code for one in answers] == [400] * 20 + [429] * 10
        assert int(answers[-1].headers["retry-after"]) > 500
        refused = [row for row in await told(kit, 100) if row.outcome == "refused"]
        assert len(refused) == 20, "the log does not fill with what anybody can send"
        assert (await say(kit, them.logout_token())).status_code == 200
        assert not await is_signed_in(browser)


async def test_whoever_sends_tokens_of_unknown_keys_does_not_have_us_ask_the_provider_each_time(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    for number in range(15):
        token = SigningKey(f"key {number}").sign(them.logout_claims())
        assert (await say(kit, token)).status_code == 400
    most, within_s = MOST_ASKED
    assert them.asked.count("/jwks") == most
    them.key = SigningKey("newer")
    await kit.clock.advance(within_s)
    assert (await say(kit, them.logout_token())).status_code == 200, "a new key of the provider is believed"


async def test_a_provider_that_does_not_answer_is_told_that_nobody_was_signed_out(
    stage: tuple[Kit, FakeProvider],
) -> None:
    kit, them = stage
    them.down = True
    assert (await say(kit, them.logout_token())).status_code == 400
    assert (await told(kit, 1))[0].detail["refusal"] == "unreachable"
    them.down = False
    assert (await say(kit, them.logout_token())).status_code == 200


async def test_what_is_larger_than_any_token_is_not_read(stage: tuple[Kit, FakeProvider]) -> None:
    kit, _ = stage
    assert (await say(kit, "x" * MOST_LOGOUT)).status_code == 413
    async with kit.browser(accept="*/*") as server:
        assert (await server.post(LOGOUTS, json={"logout_token": "x"})).status_code == 400
        assert (await server.get(LOGOUTS)).status_code == 405


async def test_a_region_without_a_provider_has_no_such_place(tmp_path: Path) -> None:
    async with region_kit(tmp_path) as kit:
        assert (await say(kit, "a.b.c")).status_code == 404


async def test_another_provider_ends_nothing_of_this_ones(tmp_path: Path) -> None:
    """After the region has moved to another provider, whose sessions may have the same names."""
    other = oidc_settings(issuer="https://other.test")
    async with vouched_region(tmp_path) as (kit, them), sara_at(kit, them, "one") as browser:
        async with kit.region.registry.begin() as t:
            assert await t.logouts.end(other.issuer, them.claims["sub"], "one") == []
        assert await is_signed_in(browser)
