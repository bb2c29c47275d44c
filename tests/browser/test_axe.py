"""Every page of IT's, and the sign-in, by axe-core: in both languages, on a wide screen and a narrow one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from messaging.call import Devices
from messaging.codec import encode
from messaging.health import Health
from messaging.status import Connection
from messaging.twin import Config, Language, Proving, Reported, TakenBack
from region.registry.records import Ordered
from region.web.second_step import code_at
from region.web.sign_in import make_link
from region.web.words import LANGUAGES
from tests.browser.axe import complaints
from tests.browser.desk_page import PATIENCE_MS, chromium
from tests.house import House, running_house

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
HEADINGS = {
    "/fleet": {"en": "Fleet", "da": "Stationer"},
    "/sites": {"en": "Sites and clinics", "da": "Steder og klinikker"},
    "/audit": {"en": "Log of calls and changes", "da": "Log over opkald og ændringer"},
    "/account": {"en": "Your account", "da": "Din konto"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        await _a_station_that_has_told(house)
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module", params=[(lang, size) for lang in LANGUAGES for size in (WIDE, NARROW)],
                        ids=lambda param: f"{param[0]}-{param[1]['width']}")  # fmt: skip
async def visitor(
    request: pytest.FixtureRequest, house: House, browser: Browser
) -> AsyncIterator[tuple[Page, Language]]:
    """A window nobody is signed in in, of a reader of that language, and of that size."""
    language, size = request.param
    context = await browser.new_context(viewport=size)
    await context.add_cookies([{"name": "language", "value": language, "url": house.url}])
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page, language
    await context.close()


async def _a_station_that_has_told(house: House) -> None:
    """With something to show of every colour: a device is missing, its Wi-Fi is weak, a part of its config refused."""
    now = house.clock.wall()
    health = Health(
        90_000.0, "ntp", Devices("ok", "missing", "ok"), {"call": "running", "screen": "stopped"}, {"laegeknap": "0.1"},
        temperature_c=51.0, disk_free_mb=5000, disk_total_mb=8000, memory_free_mb=900, memory_total_mb=2000,
        link="wifi", wifi_dbm=-80, outbox_dropped=3,
    )  # fmt: skip
    async with house.registry.begin() as t:
        station = await t.stations.add("Room 4", house.site.id, house.clinic.id, now)
        for process in ("agent", "call"):
            await t.reports.set_presence(station.id, Connection(process, "online", "b1", 1), now)
        await t.reports.set_report(station.id, "m/health", encode(health), "b1", 1, now)
        refused = Reported(1, Config(), {"volume": "expected a number"}, Proving(taken_back=TakenBack(2, "link lost")))
        await t.reports.set_report(station.id, "reported", encode(refused), "b1", 2, now)
        await t.audit.add_event(station.id, "process_restarted", now, "call", 2)
        later = Ordered("reboot", {}, "ivan", "new kernel", now + 3600, now + 7200)
        await t.commands.give("a" * 16, {station.id: "b" * 16}, later, now)


async def _sign_in(house: House, page: Page, language: Language) -> None:
    name = f"it-{language}"
    async with house.registry.begin() as t:
        person = await t.people.find(name) or await t.people.add(
            name, "it_admin", house.clock.wall(), language=language
        )
    await page.goto(await house.sign_in_link(person))


async def test_nobody_is_kept_out_at_the_door(visitor: tuple[Page, Language], house: House) -> None:
    page, language = visitor
    await page.goto(f"{house.url}/sign-in")
    await expect(page.locator("html")).to_have_attribute("lang", language)
    assert await complaints(page) == []
    await page.get_by_role("textbox").first.fill("nobody")
    await page.locator("input[type=password]").fill("not the password")
    await page.locator("main button").first.click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await complaints(page) == []


@pytest.mark.parametrize("path", HEADINGS)
async def test_the_pages_of_it_are_accessible(visitor: tuple[Page, Language], house: House, path: str) -> None:
    page, language = visitor
    await _sign_in(house, page, language)
    await page.goto(house.url + path)
    await expect(page.get_by_role("heading", level=1)).to_have_text(HEADINGS[path][language])
    assert await complaints(page) == []


async def test_the_page_of_a_station_is_accessible_once_it_tells_how_it_is(
    visitor: tuple[Page, Language], house: House
) -> None:
    page, language = visitor
    await _sign_in(house, page, language)
    async with house.registry.read() as t:
        (station,) = await t.stations.all()
    await page.goto(f"{house.url}/stations/{station.id}")
    question = {"en": "Would a call work now?", "da": "Ville et opkald virke nu?"}[language]
    await expect(page.get_by_text(question)).to_be_visible()
    await expect(
        page.get_by_text({"en": "weak (\N{MINUS SIGN}80 dBm)", "da": "svagt (\N{MINUS SIGN}80 dBm)"}[language])
    ).to_be_visible()
    await expect(
        page.get_by_text({"en": "Waits for its time", "da": "Venter på sit tidspunkt"}[language])
    ).to_be_visible()
    assert await complaints(page) == []
    await page.locator("form[action$='/code'] button").click()
    await expect(page.locator("pre.code")).to_be_visible()
    assert await complaints(page) == []


async def test_the_page_of_a_sites_staff_is_accessible(visitor: tuple[Page, Language], house: House) -> None:
    page, language = visitor
    async with house.registry.begin() as t:
        name, now = f"staff-{language}", house.clock.wall()
        person = await t.people.find(name) or await t.people.add(
            name, "site_staff", now, sites=[house.site.id], language=language
        )
    await page.goto(await house.sign_in_link(person))
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        {"en": "Our stations", "da": "Vores stationer"}[language]
    )
    await expect(page.get_by_role("rowheader")).to_have_text("Room 4")
    assert await complaints(page) == []


async def test_the_second_step_is_set_up_by_keyboard_and_accessible(
    visitor: tuple[Page, Language], house: House
) -> None:
    page, language = visitor
    now = house.clock.wall()
    async with house.registry.begin() as t:
        name = f"new-{language}"
        person = await t.people.find(name) or await t.people.add(name, "it_admin", now, language=language)
        await t.second_steps.reset(person.id)
    await page.goto(await make_link(house.registry, house.url, person, now, 60.0))
    await expect(page.get_by_role("heading", level=1)).to_have_text({"en": "Second step", "da": "Andet trin"}[language])
    assert await complaints(page) == []
    await page.keyboard.type("12345a")  # the field has the focus
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await complaints(page) == []
    key = (await page.locator("dd code").inner_text()).replace(" ", "")
    await page.keyboard.type(code_at(key, house.clock.wall()))
    await page.keyboard.press("Enter")
    await expect(page.locator("main li")).to_have_count(10)
    assert await complaints(page) == []
    await page.locator("main a.button").press("Enter")
    await expect(page).to_have_url(f"{house.url}/fleet")


async def test_what_is_not_there_is_told_accessibly(visitor: tuple[Page, Language], house: House) -> None:
    page, language = visitor
    await _sign_in(house, page, language)
    await page.goto(f"{house.url}/stations/st-00000000")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert await complaints(page) == []
