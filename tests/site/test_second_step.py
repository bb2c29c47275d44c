"""The second step of signing in: RFC 6238's own examples, codes that are good once, and every way around it shut."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from region.cli import main
from region.registry.records import Person
from region.web.second_step import (
    STEP_S,
    code_at,
    grouped,
    key_for,
    key_uri,
    new_recovery_codes,
    recovery_code,
    step_of,
)
from tests.kits.region.app import PASSWORD, Kit, every_subject, region_kit, still

# RFC 6238, appendix B, for SHA-1; the last six of its eight digits.
_RFC_KEY = base64.b32encode(b"12345678901234567890").decode()
_RFC = [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")]


@pytest.mark.parametrize(("now", "code"), _RFC)
def test_codes_are_those_of_the_rfc(now: int, code: str) -> None:
    assert code_at(_RFC_KEY, now) == code
    assert step_of(_RFC_KEY, f" {code[:3]} {code[3:]} ", now) == now // STEP_S


@given(st.text(min_size=1), st.floats(100, 4e9), st.integers(-3, 3))
def test_a_code_counts_for_its_own_step_and_the_ones_beside_it(secret: str, now: float, beside: int) -> None:
    key = key_for(secret.encode("utf-8", "replace").decode())
    step = step_of(key, code_at(key, now + beside * STEP_S), now)
    if abs(beside) <= 1:
        assert step is not None
        assert code_at(key, step * STEP_S) == code_at(key, now + beside * STEP_S)
    else:
        assert step is None or code_at(key, step * STEP_S) == code_at(key, now + beside * STEP_S), "one in a million"


@given(st.text(max_size=50), st.floats(0, 4e9))
def test_whatever_is_typed_is_a_code_or_none(typed: str, now: float) -> None:
    step, recovery = step_of(_RFC_KEY, typed, now), recovery_code(typed)
    assert step is None or typed.strip()
    assert recovery is None or recovery_code(recovery) == recovery


def test_recovery_codes_differ_and_are_read_however_they_are_typed() -> None:
    codes = new_recovery_codes()
    assert len({*codes, *new_recovery_codes()}) == 2 * len(codes) == 20
    for code in codes:
        assert re.fullmatch(r"([A-Z2-7]{4} ){3}[A-Z2-7]{4}", code)
        assert recovery_code(code.lower().replace(" ", "-")) == recovery_code(code.replace(" ", "")) == code


def test_the_key_is_shown_in_groups_and_as_an_address_that_authenticators_read() -> None:
    assert grouped("ABCDEFGHIJ") == "ABCD EFGH IJ"
    uri = key_uri(_RFC_KEY, "ivan@region.example")
    assert uri.startswith("otpauth://totp/L%C3%A6geknap:ivan%40region.example?")
    assert {f"secret={_RFC_KEY}", "digits=6", "period=30", "algorithm=SHA1"} <= set(uri.split("?")[1].split("&"))


@pytest.fixture
async def kit(tmp_path: Path, database: str) -> AsyncIterator[Kit]:
    async with region_kit(tmp_path, map(still, every_subject(tmp_path)), database=database) as kit:
        yield kit


@pytest.fixture
async def ivan(kit: Kit) -> Person:
    return await kit.person("ivan", "it_admin")


async def _halfway(kit: Kit, browser: httpx.AsyncClient) -> None:
    """Name and password, and no more."""
    csrf = await kit.csrf(browser, "/sign-in")
    answer = await browser.post("/sign-in", data={"csrf": csrf, "name": "ivan", "password": PASSWORD})
    assert answer.status_code == 303


async def _type(kit: Kit, browser: httpx.AsyncClient, code: str, **more: str) -> httpx.Response:
    csrf = await kit.csrf(browser, "/second-step")
    return await browser.post("/second-step", data={"csrf": csrf, "code": code, **more})


async def _shown_key(browser: httpx.AsyncClient) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", (await browser.get("/second-step")).text)
    assert found, "the page shows no key"
    return found[1].replace(" ", "")


async def _set_up(kit: Kit) -> tuple[str, list[str]]:
    """What is left with a person who has set it up: the key, the recovery codes. Later, so that its code is spent."""
    async with kit.browser() as browser:
        await _halfway(kit, browser)
        key = await _shown_key(browser)
        page = await _type(kit, browser, code_at(key, kit.clock.wall()))
        assert page.status_code == 200
        codes = re.findall(r"<li><code>([^<]+)</code>", page.text)
        assert len(codes) == 10
        assert (await browser.get("/fleet")).status_code == 200
    await kit.clock.advance(2 * STEP_S)
    return key, codes


async def test_it_sets_it_up_at_the_first_sign_in_and_is_led_back_to_where_it_was_going(kit: Kit, ivan: Person) -> None:
    async with kit.browser() as browser:
        await _halfway(kit, browser)
        door = (await browser.get("/audit?before=9")).headers["location"]
        assert door == "/second-step?next=/audit%3Fbefore%3D9"
        page = html.unescape((await browser.get(door)).text)
        key = await _shown_key(browser)
        assert f"secret={key}" in page
        answer = await _type(kit, browser, code_at(key, kit.clock.wall()), next="/audit?before=9")
        assert 'href="/audit?before=9"' in answer.text
        assert (await browser.get("/audit?before=9")).status_code == 200
    assert ivan.second_step is False
    async with kit.region.registry.read() as t:
        assert (await t.people.get(ivan.id)).second_step
        told = [(row.action, row.outcome, row.detail.get("how")) for row in await t.audit.recent(3)]
    assert told[:2] == [("sign_in", "done", "code"), ("second_step", "made", None)]


async def test_halfway_nothing_can_be_done_but_the_second_step(kit: Kit, ivan: Person) -> None:
    for link in (False, True):
        async with kit.browser(accept="application/json") as browser:
            if link:
                assert (await browser.get(await kit.link(ivan, whole=False))).status_code == 303
            else:
                await _halfway(kit, browser)
            csrf = await kit.csrf(browser, "/second-step")
            for method, path in (("GET", "/api/fleet"), ("GET", "/account"), ("POST", "/api/sites"),
                                 ("POST", "/account/password"), ("GET", "/fleet/events")):  # fmt: skip
                answer = await browser.request(method, path, headers={"x-csrf-token": csrf}, json={})
                assert (answer.status_code, answer.json()["code"]) == (401, "second_step_needed"), path
            assert (await browser.post("/sign-out", headers={"x-csrf-token": csrf})).status_code == 303


async def test_the_session_of_before_the_second_step_is_dead_after_it(kit: Kit, ivan: Person) -> None:
    key, _ = await _set_up(kit)
    async with kit.browser() as browser, kit.browser() as thief:
        await _halfway(kit, browser)
        before = browser.cookies["session"]
        assert (await _type(kit, browser, code_at(key, kit.clock.wall()))).headers["location"] == "/fleet"
        assert browser.cookies["session"] != before
        thief.cookies.set("session", before)
        for path in ("/second-step", "/fleet"):
            assert (await thief.get(path)).headers["location"].startswith("/sign-in"), path


async def test_a_code_is_good_once_and_an_older_one_never_after_it(kit: Kit, ivan: Person) -> None:
    key, _ = await _set_up(kit)
    code, older = code_at(key, kit.clock.wall()), code_at(key, kit.clock.wall() - STEP_S)
    async with kit.browser() as one, kit.browser() as other:
        await _halfway(kit, one)
        await _halfway(kit, other)
        assert (await _type(kit, one, code)).status_code == 303
        for used in (code, older):
            answer = await _type(kit, other, used)
            assert (answer.status_code, "has been used" in answer.text) == (401, True)
        await kit.clock.advance(STEP_S)
        assert (await _type(kit, other, code_at(key, kit.clock.wall()))).status_code == 303


async def test_a_recovery_code_signs_in_once(kit: Kit, ivan: Person) -> None:
    _, codes = await _set_up(kit)
    async with kit.browser() as browser:
        await _halfway(kit, browser)
        assert "10 left" in (await browser.get("/second-step")).text
        assert (await _type(kit, browser, codes[3].lower())).status_code == 303
    async with kit.browser() as browser:
        await _halfway(kit, browser)
        assert "9 left" in (await browser.get("/second-step")).text
        assert (await _type(kit, browser, codes[3])).status_code == 401


async def test_guessing_is_slowed_down_as_with_passwords(kit: Kit, ivan: Person) -> None:
    key, _ = await _set_up(kit)
    async with kit.browser() as browser:
        await _halfway(kit, browser)
        answers = [(await _type(kit, browser, "000000")).status_code for _ in range(9)]
        assert answers == [401] * 8 + [429]
        late = await _type(kit, browser, code_at(key, kit.clock.wall()))
        assert (late.status_code, int(late.headers["retry-after"]) > 0) == (429, True)
        await kit.clock.advance(601)
        assert (await _type(kit, browser, code_at(key, kit.clock.wall()))).status_code == 303


async def test_a_key_is_shown_to_the_session_that_sets_it_up_alone(kit: Kit, ivan: Person) -> None:
    """Who has the password, and was here first, does not know the key that the person takes."""
    async with kit.browser() as thief, kit.browser() as browser:
        await _halfway(kit, thief)
        await _halfway(kit, browser)
        of_thief, key = await _shown_key(thief), await _shown_key(browser)
        assert of_thief != key
        assert key != key_for(await kit.csrf(browser, "/second-step")), "nor whoever has seen one of its pages since"
        assert (await _type(kit, browser, code_at(key, kit.clock.wall()))).status_code == 200
        await kit.clock.advance(2 * STEP_S)
        assert "otpauth" not in (await thief.get("/second-step")).text
        assert (await _type(kit, thief, code_at(of_thief, kit.clock.wall()))).status_code == 401


async def test_others_are_asked_only_if_they_have_set_it_up_and_then_always(tmp_path: Path) -> None:
    async with region_kit(tmp_path, every_subject(tmp_path), second_step=False) as kit:
        await kit.person("ivan", "it_admin")
        async with kit.browser() as browser:
            await _halfway(kit, browser)
            assert (await browser.get("/fleet")).status_code == 200, "not required in this region"
        key, _ = await _set_up(kit)
        async with kit.browser() as browser:
            await _halfway(kit, browser)
            assert (await browser.get("/fleet")).headers["location"] == "/second-step?next=/fleet"
            assert (await _type(kit, browser, code_at(key, kit.clock.wall()))).status_code == 303


def test_a_lost_telephone_is_forgotten_on_the_command_line_and_told_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    main(["user", "add", "ivan", "--role", "it_admin", *data])
    assert main(["user", "reset-second-step", "ivan", *data]) == 0
    assert "was not set up" in capsys.readouterr().out
    main(["audit", "list", *data])
    assert "second_step.reset" in capsys.readouterr().out
    assert main(["user", "reset-second-step", "nobody", *data]) == 1


async def test_after_a_reset_it_is_set_up_anew_and_what_was_is_worth_nothing(kit: Kit, ivan: Person) -> None:
    key, codes = await _set_up(kit)
    async with kit.region.registry.begin() as t:
        assert await t.second_steps.reset(ivan.id)
        assert not await t.second_steps.reset(ivan.id)
    async with kit.browser() as browser:
        await _halfway(kit, browser)
        for old in (code_at(key, kit.clock.wall()), codes[0]):
            assert (await _type(kit, browser, old)).status_code == 401
        fresh = await _shown_key(browser)
        assert (await _type(kit, browser, code_at(fresh, kit.clock.wall()))).status_code == 200
