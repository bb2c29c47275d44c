"""Every way in which the region's own sign-in lets nobody in: the page says so, and the log why."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.kits.region.app import Kit
from tests.kits.region.oidc import (
    ISSUER,
    SARA,
    FakeProvider,
    SigningKey,
    by_secret,
    encoded,
    is_refused,
    unsigned,
    vouched_region,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Kit, FakeProvider]]:
    """One region for them all: what is refused leaves nothing behind."""
    async with vouched_region(tmp_path_factory.mktemp("region")) as (kit, them):
        await kit.person("ivan", "it_admin")
        yield kit, them


@pytest_asyncio.fixture(loop_scope="module")
async def stage(region: tuple[Kit, FakeProvider]) -> AsyncIterator[tuple[Kit, FakeProvider]]:
    """The region after a while, and the provider as honest as it was."""
    kit, them = region
    await kit.clock.advance(3601)
    them.claims, them.token, them.refuses, them.metadata = dict(SARA), None, None, {}
    yield kit, them


def _altered(them: FakeProvider, claims: dict[str, Any]) -> str:
    head, _, signature = them.key.sign(claims).split(".")
    return f"{head}.{encoded(json.dumps(claims | {'groups': ['laegeknap-it']}).encode())}.{signature}"


_FORGED: dict[str, Callable[[FakeProvider, dict[str, Any]], str]] = {
    "signed by nobody": unsigned,
    "signed by the client's secret": by_secret,
    "altered": _altered,
    "signed by another key of that name": lambda them, claims: SigningKey("one").sign(claims),
    "no token at all": lambda them, claims: "a.b.c",
    "no claims": lambda them, claims: them.key.sign([]),  # type: ignore[arg-type]
    "a header that must be understood": lambda them, claims: them.key.sign(claims, crit=["b64"], b64=False),
}


@pytest.mark.parametrize("how", _FORGED)
async def test_a_forged_token_signs_nobody_in(stage: tuple[Kit, FakeProvider], how: str) -> None:
    kit, them = stage
    async with kit.browser() as browser:
        door = (await browser.get("/sign-in/region")).headers["location"]
        back = them.answer(door)
        them.token = _FORGED[how](them, them.claims_for(list(them.codes.values())[-1]))
        await is_refused(kit, browser, back, "not_genuine", "could not be trusted")


_WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "another issuer": ({"iss": "https://login.region.test/other"}, "not_genuine", "could not be trusted"),
    "another audience": ({"aud": "another-client"}, "not_genuine", "could not be trusted"),
    "several audiences and not said for whom": ({"aud": ["laegeknap", "other"]}, "not_genuine", "could not be trusted"),
    "for another client": ({"aud": ["laegeknap", "other"], "azp": "other"}, "not_genuine", "could not be trusted"),
    "another nonce": ({"nonce": "of another try"}, "not_genuine", "could not be trusted"),
    "no nonce": ({"nonce": None}, "not_genuine", "could not be trusted"),
    "no subject": ({"sub": None}, "not_genuine", "could not be trusted"),
    "a subject that is no text": ({"sub": 7}, "not_genuine", "could not be trusted"),
    "a subject without end": ({"sub": "7" * 256}, "not_genuine", "could not be trusted"),
    "no end": ({"exp": None}, "not_genuine", "could not be trusted"),
    "an end that is none": ({"exp": float("nan")}, "not_genuine", "could not be trusted"),
    "an end past all counting": ({"exp": -(10**400)}, "not_genuine", "could not be trusted"),
    "expired": ({"exp": -121}, "clock", "clocks"),
    "made in the future": ({"iat": 121}, "clock", "clocks"),
    "not valid yet": ({"nbf": 121}, "clock", "clocks"),
    "no groups": ({"groups": None}, "no_group", "no access"),
    "other groups": ({"groups": ["football"]}, "no_group", "no access"),
    "groups of another shape": ({"groups": {"laegeknap-it": True}}, "no_group", "no access"),
    "no name": ({"preferred_username": None}, "bad_name", "cannot use"),
    "a name that is none here": ({"preferred_username": "Sara Holm"}, "bad_name", "cannot use"),
    "a local account's name": ({"preferred_username": "IVAN"}, "name_taken", "another account with your user name"),
}  # fmt: skip


@pytest.mark.parametrize("how", _WRONG)
async def test_whoever_the_token_does_not_vouch_for_is_told_why_and_the_log_exactly(
    stage: tuple[Kit, FakeProvider], how: str
) -> None:
    kit, them = stage
    claims, reason, words = _WRONG[how]
    async with kit.browser() as browser:
        door = (await browser.get("/sign-in/region?next=/account")).headers["location"]
        them.claims |= _by_the_clock(kit, claims)
        await is_refused(kit, browser, them.answer(door), reason, words)


@pytest.mark.parametrize("claims", [
    {"exp": -119}, {"iat": 119}, {"aud": ["laegeknap"]},
    {"aud": ["other", "laegeknap"], "azp": "laegeknap"},
])  # fmt: skip
async def test_clocks_may_differ_a_little_and_audiences_be_a_list(
    stage: tuple[Kit, FakeProvider], claims: dict[str, Any]
) -> None:
    kit, them = stage
    them.claims |= _by_the_clock(kit, claims)
    async with kit.browser() as browser:
        assert (await them.sign_in(browser)).status_code == 303


_ANSWERS: dict[str, tuple[dict[str, str], str]] = {
    "another state": ({"state": "of another try"}, "stale"),
    "no state": ({"state": ""}, "stale"),
    "of another issuer": ({"iss": "https://evil.test"}, "not_genuine"),
    "of no issuer, where it says who it is": ({"iss": ""}, "not_genuine"),
    "called off": ({"error": "access_denied"}, "cancelled"),
    "an error": ({"error": "server_error"}, "provider"),
    "no code": ({"code": ""}, "provider"),
    "a code of nobody": ({"code": "made up"}, "stale"),
}


@pytest.mark.parametrize("how", _ANSWERS)
async def test_an_answer_that_is_not_to_this_browsers_question_is_refused(
    stage: tuple[Kit, FakeProvider], how: str
) -> None:
    kit, them = stage
    changes, reason = _ANSWERS[how]
    async with kit.browser() as browser:
        door = (await browser.get("/sign-in/region")).headers["location"]
        await is_refused(kit, browser, them.answer(door, **changes), reason)


async def test_an_answer_is_of_use_to_the_browser_that_asked_and_once(stage: tuple[Kit, FakeProvider]) -> None:
    """Login CSRF, and a code that was overheard."""
    kit, them = stage
    async with kit.browser() as browser, kit.browser() as victim, kit.browser() as other:
        back = them.answer((await browser.get("/sign-in/region")).headers["location"])
        await is_refused(kit, victim, back, "stale", "sign in again")
        await other.get("/sign-in/region")
        await is_refused(kit, other, back, "stale", "sign in again")
        assert (await browser.get(back)).status_code == 303
        assert (await browser.get(back)).headers["location"] == "/home", "opened again it just goes on"
        assert (await browser.get("/account")).status_code == 200
    for cookie in ("", "short.", f"{'x' * 40}.\xff", "x" * 50):
        async with kit.browser() as browser:
            await is_refused(kit, browser, back, "stale", cookie=cookie)


async def test_a_fault_of_the_provider_is_told_as_its_own(stage: tuple[Kit, FakeProvider]) -> None:
    kit, them = stage
    for refuses in ("invalid_client", "server_error"):
        them.refuses = refuses
        async with kit.browser() as browser:
            door = (await browser.get("/sign-in/region")).headers["location"]
            await is_refused(kit, browser, them.answer(door), "provider", "does not understand")
    them.refuses = None
    for wrong in ({"issuer": f"{ISSUER}/"}, {"token_endpoint": "http://login.region.test/token"}, {"jwks_uri": None},
                  {"authorization_endpoint": "javascript:alert(1)"}):  # fmt: skip
        them.metadata = wrong
        await kit.clock.advance(3601)
        async with kit.browser() as browser:
            await is_refused(kit, browser, "/sign-in/region", "provider", "does not understand")


async def test_no_secret_comes_into_the_log(stage: tuple[Kit, FakeProvider], caplog: pytest.LogCaptureFixture) -> None:
    kit, them = stage
    caplog.set_level(logging.DEBUG, "region")
    async with kit.browser() as browser:
        door = (await browser.get("/sign-in/region")).headers["location"]
        them.claims["aud"] = "another"
        await browser.get(them.answer(door))
        cookie = browser.cookies.get("oidc", "")
    assert "not_genuine" in caplog.text
    verifier_or_token = (
        "eyJ",
        base64.b64encode(b"laegeknap:").decode()[:8],
        them.settings.client_secret,
        cookie or "-none-",
    )
    assert [one for one in verifier_or_token if one in caplog.text] == []
    assert them.settings.client_secret not in repr(them.settings)


def _by_the_clock(kit: Kit, claims: dict[str, Any]) -> dict[str, Any]:
    """Times that were said as seconds from now."""
    now = int(kit.clock.wall())
    return {key: now + value if isinstance(value, int) and abs(value) < 1000 and key != "sub" else value
            for key, value in claims.items()}  # fmt: skip
