"""The region's own sign-in in a real Chromium, against a real provider and a region that runs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import complaints
from tests.browser.oidc_provider import provider, settings_file
from tests.kits.house import House, running_house
from tests.kits.servers.broker import free_port

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@dataclass
class Stage:
    """A region, and the port at which its provider is, while it is."""

    house: House
    port: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    port, folder = free_port(), tmp_path_factory.mktemp("oidc")
    async with running_house(serve=["--oidc", str(settings_file(folder, port))]) as house:
        yield Stage(house, port)


async def _sign_in(page: Page, stage: Stage, name: str) -> None:
    """As a person does: our page, the provider's, its question whether that is all right, and back."""
    await page.goto(f"{stage.house.url}/sign-in")
    await page.get_by_role("link", name="Sign in with Region Nord").click()
    await _there(page, name)


async def _there(page: Page, name: str) -> None:
    await page.locator("input[name=login]").fill(name)
    await page.locator("input[name=password]").fill("whatever")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def _is_refused(page: Page, words: str) -> None:
    await expect(page.get_by_role("alert")).to_contain_text(words)
    assert await complaints(page) == []


async def test_somebody_new_signs_in_and_out_here_and_there_and_the_providers_new_key_is_believed(
    stage: Stage, page: Page
) -> None:
    for _ in range(2):  # the second time it has begun anew, with another key
        async with provider(stage.port, stage.house.url):
            await _sign_in(page, stage, "eva")
            await expect(page).to_have_url(f"{stage.house.url}/evaluation")
            await page.goto(f"{stage.house.url}/account")
            await expect(page.get_by_text("Eva Lund").first).to_be_visible()
            await page.get_by_role("button", name="Sign out").click()
            await expect(page.get_by_role("status")).to_contain_text("At Region Nord you are still signed in")
            assert await complaints(page) == []
            await page.get_by_role("link", name="Sign out of Region Nord too").click()
            await page.get_by_role("button", name=re.compile("sign me out")).click()
            await expect(page).to_have_url(re.compile(re.escape(f"{stage.house.url}/sign-in")))
            await page.get_by_role("link", name="Sign in with Region Nord").click()
            await expect(page.locator("input[name=login]")).to_be_visible()  # it asks again
    async with stage.house.registry.read() as t:
        assert [one.name for one in await t.people.all()] == ["eva"]


@pytest.mark.parametrize(("name", "place"), [("anna", "/desk"), ("sara", "/home")])
async def test_whoever_signs_out_at_the_provider_is_signed_out_here_in_that_browser_and_at_once(
    stage: Stage, page: Page, browser: Browser, name: str, place: str
) -> None:
    async with provider(stage.port, stage.house.url):
        await _sign_in(page, stage, name)
        await expect(page).to_have_url(f"{stage.house.url}{place}")
        context = await browser.new_context()
        elsewhere = await context.new_page()
        await _sign_in(elsewhere, stage, name)
        await expect(elsewhere).to_have_url(f"{stage.house.url}{place}")
        of_another_system = await page.context.new_page()
        await of_another_system.goto(f"http://127.0.0.1:{stage.port}/session/end")
        await of_another_system.get_by_role("button", name=re.compile("sign me out")).click()
        await expect(page).to_have_url(re.compile(r"/sign-in\?"))  # nobody has touched that page
        await elsewhere.goto(f"{stage.house.url}/account")
        await expect(elsewhere.get_by_role("heading", level=1)).to_be_visible()
        await expect(elsewhere).to_have_url(f"{stage.house.url}/account")
        await elsewhere.goto(f"{stage.house.url}{place}")
        await elsewhere.get_by_role(
            "button", name="Sign out"
        ).click()  # its own stream ends by that: no reload overtakes it
        await expect(elsewhere.get_by_role("status")).to_contain_text("At Region Nord you are still signed in")
        await context.close()
    async with stage.house.registry.read() as t:
        rows = await t.audit.recent(20)
    ended = next(row for row in rows if (row.actor, row.action) == ("region", "sign_out"))
    assert ended.detail == {"person": name, "count": 1, "how": "oidc"}


async def test_it_goes_on_to_our_second_step_and_whoever_is_in_no_group_nowhere(stage: Stage, page: Page) -> None:
    async with provider(stage.port, stage.house.url):
        await _sign_in(page, stage, "ivan")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Second step")
        await page.context.clear_cookies()
        await _sign_in(page, stage, "nils")
        await _is_refused(page, "Region Nord knows you, but you have no access")


@pytest.mark.parametrize(("changed", "words"), [
    (lambda url: re.sub("nonce=[^&]+", "nonce=of-another-try", url), "could not be trusted"),
    (lambda url: re.sub("state=[^&]+", "state=of-another-try", url), "Please sign in again"),
    (lambda url: re.sub("code_challenge=[^&]+", f"code_challenge={'x' * 43}", url), "Please sign in again"),
], ids=["nonce", "state", "PKCE"])  # fmt: skip
async def test_who_changes_the_question_on_its_way_gets_nobody_signed_in(
    stage: Stage, page: Page, changed: Callable[[str], str], words: str
) -> None:
    async with provider(stage.port, stage.house.url):
        away = await page.context.request.get(f"{stage.house.url}/sign-in/region", max_redirects=0)
        await page.goto(changed(away.headers["location"]))
        await _there(page, "eva")
        await _is_refused(page, words)


async def test_clocks_that_are_apart_and_a_provider_that_is_down_are_told(stage: Stage, page: Page) -> None:
    async with provider(stage.port, stage.house.url, skew=7200):
        await _sign_in(page, stage, "eva")
        await _is_refused(page, "clocks of Region Nord and of Lægeknap do not agree")
    async with stage.house.registry.read() as t:
        assert (await t.audit.recent(1))[0].detail == {"how": "oidc", "refusal": "clock"}
    stage.house.kill_region()  # what it knew of the provider is forgotten
    await stage.house.region_ready()
    await page.context.clear_cookies()
    await page.goto(f"{stage.house.url}/sign-in")
    await page.get_by_role("link", name="Sign in with Region Nord").click()
    await _is_refused(page, "does not answer just now")
    await expect(page.get_by_role("textbox", name="User name")).to_be_visible()
