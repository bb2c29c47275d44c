"""Passkeys in a real Chromium, with its own virtual authenticator: set up at the first sign-in, used at the next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from messaging.twin import Language
from region.web.sign_in import make_link
from tests.browser.axe import complaints
from tests.kits.house import House, running_house

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
_SECURITY_KEY = {
    "protocol": "ctap2", "transport": "usb", "hasUserVerification": False, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    """A region that people reach by a name: an address of numbers has no passkeys."""
    async with running_house(name="localhost") as house:
        yield house


class Authenticator:
    """The security key in this browser, as the DevTools protocol has it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def plug_in(self) -> None:
        self._session = await self._page.context.new_cdp_session(self._page)
        await self._session.send("WebAuthn.enable")
        made = await self._session.send("WebAuthn.addVirtualAuthenticator", {"options": _SECURITY_KEY})
        self._id = made["authenticatorId"]

    async def _do(self, what: str, **more: Any) -> Any:
        return await self._session.send(f"WebAuthn.{what}", {"authenticatorId": self._id, **more})

    async def set_count_back(self) -> None:
        """As a copy of the key would count."""
        (credential,) = (await self._do("getCredentials"))["credentials"]
        await self._do("removeCredential", credentialId=credential["credentialId"])
        await self._do("addCredential", credential={**credential, "signCount": 0})

    async def forget(self) -> None:
        """It is another key, that knows nothing of us."""
        await self._do("clearCredentials")


async def _to_the_second_step(page: Page, house: House, name: str, language: Language) -> None:
    """Signed in by a link, and no more."""
    now = house.clock.wall()
    async with house.registry.begin() as t:
        person = await t.people.find(name) or await t.people.add(name, "it_admin", now, language=language)
    await page.context.clear_cookies()
    await page.goto(await make_link(house.registry, house.url, person, now, 60.0))
    await expect(page.get_by_role("heading", level=1)).to_have_text(_TITLES[language])


_TITLES: dict[Language, str] = {"en": "Second step", "da": "Andet trin"}
_WORDS: dict[Language, tuple[str, str, str, str]] = {
    "en": ("Make a passkey", "Use a passkey", "No passkey answered", "answer is not right"),
    "da": ("Lav en adgangsnøgle", "Brug en adgangsnøgle", "Ingen adgangsnøgle svarede", "svar er forkert"),
}


@pytest.mark.parametrize("language", ["en", "da"])
async def test_a_passkey_is_made_at_the_first_sign_in_used_at_the_next_and_its_copy_refused(
    house: House, page: Page, language: Language
) -> None:
    make, use, silent, wrong = _WORDS[language]
    key, name = Authenticator(page), f"it-{language}"
    await key.plug_in()
    await _to_the_second_step(page, house, name, language)
    assert await complaints(page) == []
    await page.get_by_role("button", name=make).click()
    await expect(page.locator("main li")).to_have_count(10)  # the recovery codes
    for _ in range(2):
        await _to_the_second_step(page, house, name, language)
        assert await complaints(page) == []
        await page.get_by_role("button", name=use).press("Enter")
        await expect(page).to_have_url(f"{house.url}/fleet")
    await page.goto(f"{house.url}/account")
    await expect(page.locator("ul.lines li")).to_have_count(1)
    assert await complaints(page) == []
    await key.set_count_back()
    await _to_the_second_step(page, house, name, language)
    await page.get_by_role("button", name=use).click()
    await expect(page.get_by_role("alert")).to_contain_text(wrong)
    await key.forget()
    await page.get_by_role("button", name=use).click()
    await expect(page.get_by_role("alert").filter(visible=True)).to_contain_text([wrong, silent])
    assert await complaints(page) == []
