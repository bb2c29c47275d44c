"""Wrong sign-ins of somebody else keep nobody out of a browser in which they have signed in before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from region.people.service import PeopleService
from region.registry.records import Person
from region.web.devices import LIVES_S
from tests.kits.region.app import HTML, PASSWORD, Kit, region_kit

WRONG = "wrong wrong wrong"
NEW = "a new long one"


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    async with region_kit(tmp_path) as kit:
        yield kit


@pytest.fixture
async def anna(kit: Kit) -> Person:
    clinic, _, _ = await kit.places()
    return await kit.person("anna", "clinician", clinic)


async def _sign_in(kit: Kit, browser: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    csrf = await kit.csrf(browser, "/sign-in")
    return await browser.post("/sign-in", data={"csrf": csrf, "name": name, "password": password})


async def _sign_out(kit: Kit, browser: httpx.AsyncClient) -> None:
    await browser.post("/sign-out", data={"csrf": await kit.csrf(browser)})


@asynccontextmanager
async def _hers(kit: Kit, password: str = PASSWORD) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which anna has signed in, and out again."""
    async with kit.browser() as browser:
        assert (await _sign_in(kit, browser, "anna", password)).status_code == 303
        await _sign_out(kit, browser)
        yield browser


async def _strangers_try(kit: Kit, name: str = "anna") -> None:
    """From many addresses, until nobody they could be is let in."""
    for number in range(9):
        transport = httpx.ASGITransport(kit.app, client=(f"198.51.100.{number}", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url=kit.region.settings.public_url, headers=HTML
        ) as stranger:
            answer = await _sign_in(kit, stranger, name, PASSWORD if number == 8 else WRONG)
    assert answer.status_code == 429


async def test_somebody_signs_in_as_ever_while_strangers_guess(kit: Kit, anna: Person) -> None:
    async with _hers(kit) as browser:
        await _strangers_try(kit)
        assert (await _sign_in(kit, browser, "anna", WRONG)).status_code == 401
        assert (await _sign_in(kit, browser, "anna", PASSWORD)).headers["location"] == "/desk"


async def test_guesses_in_that_browser_close_it_and_nothing_else(kit: Kit, anna: Person) -> None:
    async with _hers(kit) as one, _hers(kit) as other, kit.browser() as new:
        answers = [(await _sign_in(kit, one, "anna", WRONG)).status_code for _ in range(9)]
        assert answers == [401] * 8 + [429]
        assert (await _sign_in(kit, other, "anna", PASSWORD)).status_code == 303
        assert (await _sign_in(kit, new, "anna", PASSWORD)).status_code == 303
        await kit.clock.advance(601)
        assert (await _sign_in(kit, one, "anna", PASSWORD)).status_code == 303


async def test_it_is_known_for_thirty_days_from_the_last_time(kit: Kit, anna: Person) -> None:
    async with _hers(kit) as browser:
        await kit.clock.advance(LIVES_S - 60)
        await _strangers_try(kit)
        assert (await _sign_in(kit, browser, "anna", PASSWORD)).status_code == 303
        await _sign_out(kit, browser)
        kept = browser.cookies["device"]
        await kit.clock.advance(LIVES_S)
        browser.cookies.set("device", kept, domain="region.test")  # however long a browser keeps it
        await _strangers_try(kit)
        assert (await _sign_in(kit, browser, "anna", PASSWORD)).status_code == 429


@pytest.mark.parametrize("done", ["password", "sign_out", "block", "second_step"])
async def test_it_is_a_stranger_s_again_once_the_person_is_signed_out_everywhere(
    kit: Kit, anna: Person, done: str
) -> None:
    service = PeopleService(kit.region.registry, kit.clock)
    async with _hers(kit) as browser:
        if done == "password":
            async with kit.signed_in(anna) as elsewhere:
                form = {"csrf": await kit.csrf(elsewhere), "old": PASSWORD, "new": NEW}
                assert (await elsewhere.post("/account/password", data=form)).status_code == 303
        elif done == "sign_out":
            await service.sign_out("ivan", anna.id)
        elif done == "block":
            await service.set_active("ivan", anna.id, active=False)
            await service.set_active("ivan", anna.id, active=True)
        else:
            await service.reset_second_step("ivan", anna.id)
        await _strangers_try(kit)
        password = NEW if done == "password" else PASSWORD
        assert (await _sign_in(kit, browser, "anna", password)).status_code == 429


async def test_the_browser_in_which_the_password_was_changed_stays_known(kit: Kit, anna: Person) -> None:
    async with kit.browser() as browser:
        await _sign_in(kit, browser, "anna", PASSWORD)
        await _strangers_try(kit)
        form = {"csrf": await kit.csrf(browser), "old": PASSWORD, "new": NEW}
        assert (await browser.post("/account/password", data=form)).status_code == 303, "also while strangers guess"
        await _sign_out(kit, browser)
        assert (await _sign_in(kit, browser, "anna", NEW)).status_code == 303


async def test_it_tells_nobody_whether_there_is_a_name(kit: Kit, anna: Person) -> None:
    """Neither does a wrong password make a browser known, nor does a known one learn of other names."""
    await kit.person("ivan", "it_admin")
    async with _hers(kit) as browser:
        wrong = [await _sign_in(kit, browser, name, WRONG) for name in ("ivan", "nobody")]
        assert [one.status_code for one in wrong] == [401, 401]
        assert wrong[0].text == wrong[1].text
        assert not any("device" in one.headers.get("set-cookie", "") for one in wrong)
        for name in ("ivan", "nobody"):
            await _strangers_try(kit, name)
        held = [await _sign_in(kit, browser, name, PASSWORD) for name in ("ivan", "nobody")]
        assert [one.status_code for one in held] == [429, 429]
        assert held[0].text == held[1].text


async def test_who_has_the_password_alone_is_not_known(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.browser() as thief:
        assert (await _sign_in(kit, thief, "ivan", PASSWORD)).status_code == 303
        assert "device" not in thief.cookies
    async with kit.signed_in(ivan) as his:
        assert "device" in his.cookies


async def test_a_second_step_is_not_kept_from_somebody_by_what_strangers_type(kit: Kit) -> None:
    await kit.person("ivan", "it_admin")
    await _strangers_try(kit, "ivan, second step")
    async with kit.browser() as browser:
        await _sign_in(kit, browser, "ivan", PASSWORD)
        form = {"csrf": await kit.csrf(browser, "/second-step"), "code": "000000"}
        assert (await browser.post("/second-step", data=form)).status_code == 401


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path: Path) -> None:
    async with region_kit(tmp_path, public_url="https://region.test") as kit:
        ivan = await kit.person("ivan", "it_admin")
        async with kit.browser() as browser:
            response = await browser.get(await kit.link(ivan))
        cookie = next(c for c in response.headers.get_list("set-cookie") if c.startswith("__Host-device="))
        assert {"HttpOnly", "SameSite=lax", "Secure", "Path=/", f"Max-Age={30 * 86_400}"} <= set(cookie.split("; "))
        assert "ivan" not in cookie
