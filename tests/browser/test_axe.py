"""Every page of IT's, and the sign-in, by axe-core: in both languages, on a wide screen and a narrow one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from messaging.call import Devices
from messaging.codec import encode
from messaging.diagnostics import pack
from messaging.health import Health
from messaging.status import Connection
from messaging.twin import Config, Language, Proving, Reported, TakenBack
from region.cli.api import site
from region.registry.records import HandedIn, Ordered
from region.stations.examples import BUNDLE, CLAIM
from region.web.auth import stated
from region.web.openapi import PREFIX
from region.web.second_step import code_at
from region.web.sign_in import make_link
from region.web.site import every_route
from region.web.words import LANGUAGES
from tests.browser.axe import complaints
from tests.browser.desk_page import PATIENCE_MS, chromium
from tests.kits.house import House, running_house

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
BATCH, CID = "a" * 16, "b" * 16
# Which of them is shown, where a page is of one thing; "{station_id}" is the station that has told.
ONE = {
    "{batch}": BATCH, "{cid}": CID, "{key}": CLAIM.key_sha256, "{level}": "site", "{place}": "1", "{person_id}": "1",
    "{kind}": "site", "{number}": "1",
}  # fmt: skip
# Pages that show something else when they are asked for it, besides how they are without.
ASKED_FOR = ("/fleet?state=quarantined", "/profiles/region/all", "/profiles/copy?source=Solgården&target=Månelyst")


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
        await t.sites.add("Månelyst", now)
        assert (await t.people.add("eva", "evaluator", now)).id == 1
        await t.layers.put("site", str(house.site.id), {"volume": 60, "night": {"on": True}}, "ivan", now)
        station = await t.stations.add("Room 4", house.site.id, house.clinic.id, now)
        for process in ("agent", "call"):
            await t.reports.set_presence(station.id, Connection(process, "online", "b1", 1), now)
        await t.reports.set_report(station.id, "m/health", encode(health), "b1", 1, now)
        refused = Reported(1, Config(), {"volume": "expected a number"}, Proving(taken_back=TakenBack(2, "link lost")))
        await t.reports.set_report(station.id, "reported", encode(refused), "b1", 2, now)
        await t.audit.add_event(station.id, "process_restarted", now, "call", 2)
        later = Ordered("reboot", {}, "ivan", "new kernel", now + 3600, now + 7200)
        await t.commands.give(BATCH, {station.id: CID}, later, now)
        packed = pack(BUNDLE)
        await t.diagnostics.put(HandedIn(CID, station.id, now, len(packed)), packed)
        await t.claims.add(replace(CLAIM, made_at=now, seen_at=now))


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


async def _of_it(house: House, page: Page) -> AsyncIterator[str]:
    """Every page that the router has for IT, as an address; no pieces of pages, no streams and no files."""
    async with house.registry.read() as t:
        (station,) = await t.stations.all()
    for route in every_route(site().routes):
        right, path = stated(route), route.path
        if "GET" not in (route.methods or ()) or right is None or "it_admin" not in (right.roles or ()):
            continue
        if path.startswith(PREFIX) or path.endswith("/events"):
            continue
        named = re.sub(r"\{[^}]+\}", lambda found: {**ONE, "{station_id}": station.id}[found[0]], path)
        answer = await page.request.get(house.url + named, headers={"accept": "text/html"})
        if answer.headers["content-type"].startswith("text/html") and "</html>" in await answer.text():
            assert answer.status in (200, 422), f"{path}: say in ONE what there is to show"
            yield named


@pytest.mark.timeout(300)
async def test_every_page_of_it_is_accessible(visitor: tuple[Page, Language], house: House) -> None:
    page, language = visitor
    await _sign_in(house, page, language)
    found = {}
    for path in [*[path async for path in _of_it(house, page)], *ASKED_FOR]:
        await page.goto(house.url + path)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        found[path] = await complaints(page)
    assert {path: told for path, told in found.items() if told} == {}
    assert len(found) > 18, "the enumeration has lost its pages"


async def _tab_to(page: Page, selector: str) -> None:
    """Go on by the Tab key until that has the focus; one that is hidden or left out is never reached."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"no way to {selector} by the keyboard")


async def test_it_finds_chooses_commands_and_follows_by_keyboard_alone(
    visitor: tuple[Page, Language], house: House
) -> None:
    page, language = visitor
    await _sign_in(house, page, language)
    await expect(page).to_have_url(f"{house.url}/fleet")
    await _tab_to(page, "a.skip")
    await page.keyboard.press("Enter")
    await _tab_to(page, "input[name=text]")
    await page.keyboard.type("room 4")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/fleet\?text=room\+4"))
    await _tab_to(page, "input[name=station]")
    await page.keyboard.press("Space")
    assert await complaints(page) == []
    await _tab_to(page, "button[name=whom][value=chosen]")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        {"en": "With one station", "da": "Med én station"}[language]
    )
    await _tab_to(page, "details:nth-of-type(1) > summary")
    await page.keyboard.press("Enter")
    await expect(page.locator("details[open] input[name=at]")).to_be_hidden()
    await _tab_to(page, "details[open] select[name=when]")
    await page.keyboard.press("End")
    await expect(page.locator("details[open] input[name=at]")).to_be_visible()
    assert await complaints(page) == []
    await page.keyboard.press("Home")
    await _tab_to(page, "details[open] input[name=why]")
    await page.keyboard.type("which one?")
    assert await complaints(page) == []
    await _tab_to(page, "details[open] form > button")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/batches/[a-z0-9]{16}"))
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        {"en": "Show which one it is: one station", "da": "Vis, hvilken det er: én station"}[language]
    )
    await expect(page.get_by_text("which one?")).to_be_visible()
    assert await complaints(page) == []


async def test_the_page_of_a_site_s_staff_is_accessible(visitor: tuple[Page, Language], house: House) -> None:
    page, language = visitor
    async with house.registry.begin() as t:
        nurse = await t.people.find(f"nurse-{language}") or await t.people.add(
            f"nurse-{language}", "site_staff", house.clock.wall(), language=language, sites=[house.site.id]
        )
    await page.goto(await house.sign_in_link(nurse))
    await expect(page).to_have_url(f"{house.url}/home")
    await expect(page.get_by_text({"en": "Ready, but", "da": "Klar, men"}[language])).to_be_visible()
    await expect(
        page.get_by_text({"en": "Its screen shows nothing", "da": "Skærmen viser ikke noget"}[language])
    ).to_be_visible()
    assert await complaints(page) == []


async def test_what_is_ticked_stays_while_stations_report(house: House, browser: Browser) -> None:
    context = await browser.new_context(viewport=WIDE)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await _sign_in(house, page, "en")
    news = "htmx.trigger('#updates', 'resync')"
    async with page.expect_response(re.compile("/fleet/stations")):
        await page.evaluate(news)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/fleet/stations" in request.url else None)
    box = page.locator("input[name=station]")
    await box.check()
    await page.evaluate(news)
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await expect(box).to_be_checked()
    assert asked == []
    await context.close()


async def test_without_scripts_everything_is_done_by_forms(house: House, browser: Browser) -> None:
    context = await browser.new_context(viewport=WIDE, java_script_enabled=False, locale="en")
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await _sign_in(house, page, "en")
    await page.get_by_label("Room, site, id or serial number").fill("room")
    await page.get_by_role("button", name="Find").click()
    await page.get_by_role("button", name="Do something with all 1").click()
    await page.locator("summary", has_text="Show a message").click()
    await page.get_by_label("Words on the screen").fill("Vi kommer kl. 10")
    await page.get_by_role("button", name="Show a message: one station").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Show a message: one station")
    await page.get_by_role("link", name="Room 4").click()
    await expect(page.get_by_role("rowheader", name="Show a message")).to_be_visible()
    await page.get_by_role("link", name="State").click()
    await expect(page.get_by_text("Would a call work now?")).to_be_visible()
    await page.goto(f"{house.url}/profiles/site/{house.site.id}")
    await page.get_by_label("Ring (0 to 100)").fill("35")
    await page.get_by_role("button", name="Save the profile").click()
    await expect(page.get_by_role("status")).to_contain_text("One station works by something else now")
    await context.close()


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


async def test_what_was_typed_wrong_before_a_wipe_and_in_a_table_is_told_accessibly(
    house: House, browser: Browser
) -> None:
    context = await browser.new_context(viewport=NARROW)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await _sign_in(house, page, "da")
    async with house.registry.read() as t:
        (station,) = await t.stations.all()
    await page.goto(f"{house.url}/stations/{station.id}")
    await page.get_by_role("link", name="Slet denne station for altid").click()
    await page.get_by_label("Skriv stationens navn").fill("Room 5")
    await page.get_by_role("button", name="Slet den for altid").click()
    await expect(page.get_by_role("alert")).to_contain_text("Der er ikke sket noget.")
    assert await complaints(page) == []
    await page.goto(f"{house.url}/tables")
    table = {"name": "stations.csv", "mimeType": "text/csv", "buffer": b"site;room\nMars;Stue 1\n"}
    await page.get_by_label("Filen").set_input_files([table])
    await page.get_by_role("button", name="Læs den ind").click()
    await expect(page.get_by_role("cell", name="stedet findes ikke: Læs stederne ind først")).to_be_visible()
    assert await complaints(page) == []
    await context.close()


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
