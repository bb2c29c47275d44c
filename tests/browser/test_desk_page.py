"""The desk's page itself: its bell, its words in both languages, its accessibility, and how it judges a connection."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.axe import complaints
from tests.browser.desk_page import Desk, desk_of
from tests.kits.house import House, RunningStation, running_house

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

_COUNT_NOTES = """
window.notes = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { window.notes += 1; return start.apply(this, when); };
"""

_FOUR_NOTES = """
new Promise((resolve) => {
  const look = setInterval(() => {
    if (window.notes < 4) return;
    clearInterval(look);
    resolve();
  }, 50);
})
"""
# Feeds a Quality with seconds of figures, each given as what differs from a good second; gives what it showed.
_JUDGE = """
async (seconds) => {
  const { Quality } = await import("/static/desk/quality.js");
  const quality = new Quality();
  const expects = { video: true, audio: true, ownAudio: true };
  return [{}, ...seconds].map((differs, at) =>
    quality.take(
      {
        bytes: at * 9e4, received: at * 100, lost: 0, frames: at * 30, frozen: 0, sound: at, ownSound: at,
        rtt: 0.02, sentLost: 0, ...differs,
      },
      at,
      expects,
    ),
  ).slice(1);
}
"""


# What the page shows of its own grade, what the station said (and how long ago), and whether its camera is on.
_VERDICT = """
async ([own, said, ago, camera]) => {
  const { Told, verdict } = await import("/static/desk/verdict.js");
  const told = new Told();
  for (const message of said) told.take({ type: "quality", ...message }, 0);
  return verdict({ grade: own, reason: own === "good" ? "none" : "loss" }, told, ago, camera);
}
"""


# A message of the station that comes again and again on the call's control channel.
_KEEP_CHANNELS = """
window.channels = [];
const make = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...how) {
  const channel = make.apply(this, how);
  if (how[0] === "control") window.channels.push(channel);
  return channel;
};
"""
_STATION_SAYS = """
(message) => {
  const open = window.channels.find((channel) => channel.readyState === "open");
  setInterval(() => open.onmessage?.({ data: JSON.stringify(message) }), 100);
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as house:
        await house.add_station("Room 4")
        await house.add_clinician("anna", "Anna Holm")
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def anna(house: House, browser: Browser) -> AsyncIterator[Desk]:
    async with house.registry.read() as t:
        person = await t.people.find("anna")
    assert person is not None
    desk = await desk_of(browser)
    await desk.page.add_init_script(_COUNT_NOTES + _KEEP_CHANNELS)
    await desk.open(await house.sign_in_link(person))
    yield desk
    await desk.page.context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def station(house: House) -> AsyncIterator[RunningStation]:
    (station,) = house.stations
    await station.rested()
    yield station
    if station.face.view is not None and station.face.view.state not in ("idle", "feedback", "ending"):
        station.face.press()


async def accessible(desk: Desk) -> None:
    """axe-core finds nothing to complain about."""
    assert await complaints(desk.page) == []


async def test_a_silenced_page_says_so_and_rings_once_the_sound_is_on(station: RunningStation, anna: Desk) -> None:
    await expect(anna.button("Turn the sound on")).to_be_visible()
    station.face.press()
    await expect(anna.button("Answer")).to_be_visible()
    await expect(anna.page).to_have_title("(1) Somebody is waiting")
    assert await anna.page.evaluate("window.notes") == 0
    await anna.button("Turn the sound on").click()
    await expect(anna.button("Turn the sound on")).to_be_hidden()
    await anna.page.evaluate(_FOUR_NOTES)
    station.face.press()
    await anna.says("Nobody is waiting.")
    await expect(anna.page.locator("#recent [data-part=outcome]").first).to_have_text("Not answered")
    await expect(anna.page).not_to_have_title("(1) Somebody is waiting")
    await station.rested()


async def test_a_slow_click_hits_what_it_was_meant_for_though_it_also_turns_the_sound_on(
    station: RunningStation, anna: Desk
) -> None:
    station.face.press()
    await anna.button("Answer").hover()
    await anna.page.mouse.down()
    await anna.page.evaluate("new Promise((resolve) => setTimeout(resolve, 400))")  # as long as an unhurried hand
    await anna.page.mouse.up()
    await anna.state("live")
    await expect(anna.button("Turn the sound on")).to_be_hidden()
    await anna.button("Hang up").click()
    await station.rested()


async def test_one_of_many_stations_is_found_by_its_room(station: RunningStation, house: House, anna: Desk) -> None:
    field = anna.page.get_by_label("Find a room or site")
    await expect(anna.page.locator("#stations .person")).to_have_count(1)
    await expect(field).to_be_hidden()
    async with house.registry.begin() as t:
        made = [
            await t.stations.add(f"Room {n}", house.site.id, house.clinic.id, house.clock.wall()) for n in range(5, 14)
        ]
    await anna.page.reload()
    await field.fill("ROOM 1")
    await expect(anna.page.locator("#stations [data-part=name]")).to_have_text([f"Room {n}" for n in range(10, 14)])
    await accessible(anna)
    await field.fill("cellar")
    await anna.says("No station is called that.")
    async with house.registry.begin() as t:
        for one in made:
            nobody = {"clinic_id": None, "language": one.language, "volume": one.volume}
            await t.stations.change(one.id, name=one.name, site_id=one.site_id, **nobody)


async def test_the_desk_is_accessible_while_idle_ringing_and_in_a_call(station: RunningStation, anna: Desk) -> None:
    await accessible(anna)
    station.face.press()
    await expect(anna.button("Answer")).to_be_visible()
    await accessible(anna)
    await anna.button("Answer").press("Enter")
    await anna.state("live")
    await anna.sees(5)
    await accessible(anna)
    await anna.button("Hang up").click()
    await anna.state("ended")
    await accessible(anna)
    await station.rested()


async def test_a_danish_clinician_reads_danish_from_the_ring_to_the_end(station: RunningStation, anna: Desk) -> None:
    await anna.button("Dansk").click()
    await anna.connected()
    await anna.says("Ingen venter.")
    station.face.press()
    await anna.says("Der blev trykket på knappen")
    await anna.button("Svar").click()
    await anna.state("live")
    await anna.says("I samtale")
    await anna.button("Slå kamera fra").click()
    await expect(anna.button("Slå kamera til")).to_be_visible()
    await anna.button("Læg på").click()
    await anna.says("Opkaldet er slut. Du lagde på.")
    await anna.button("English").click()
    await station.rested()


async def test_a_tab_beside_the_one_in_the_call_says_where_it_is_and_may_take_it(
    station: RunningStation, anna: Desk
) -> None:
    station.face.press()
    await anna.button("Answer").click()
    await anna.state("live")
    second = Desk(await anna.page.context.new_page())
    await second.page.goto(anna.page.url)
    await second.says("You are in a call with Room 4, Solgården, in another window.")
    await second.button("Continue here").click()
    await second.state("live")
    await second.sees(30)
    await anna.says("It goes on in another window.")
    await second.button("Hang up").click()
    await station.rested()


@pytest.mark.parametrize(
    ("second", "grade"),
    [
        ({}, "good"),
        ({"lost": 4}, "fair"),
        ({"lost": 20}, "poor"),
        ({"rtt": 0.35}, "fair"),
        ({"rtt": 0.7}, "poor"),
        ({"sentLost": 0.05}, "fair"),
        ({"frames": 12}, "fair"),
        ({"frames": 5}, "poor"),
        ({"frozen": 0.4}, "poor"),
    ],
)
async def test_a_connection_is_called_what_it_feels_like(anna: Desk, second: dict[str, float], grade: str) -> None:
    (shown,) = await anna.page.evaluate(_JUDGE, [second])
    assert shown["grade"] == grade


async def test_a_bad_grade_shows_at_once_and_a_better_one_when_it_lasts(anna: Desk) -> None:
    shown = await anna.page.evaluate(_JUDGE, [{"rtt": 0.9}, {}, {}, {}])
    assert [one["grade"] for one in shown] == ["poor", "poor", "poor", "good"]


async def test_a_frozen_picture_and_dead_microphones_are_noticed(anna: Desk) -> None:
    shown = await anna.page.evaluate(_JUDGE, [{"frames": 120, "sound": 4, "ownSound": 4}] * 12)
    assert [one["frozen"] for one in shown[:5]] == [False, False, False, True, True]
    assert not shown[9]["silent"]
    assert shown[11]["silent"]
    assert shown[11]["ownSilent"]


@pytest.mark.parametrize(
    ("own", "said", "ago", "camera", "grade", "advice"),
    [
        ("good", [], 0, True, "good", ""),
        ("poor", [], 0, True, "poor", "sound_here"),
        ("good", [("in", "poor", "sound")], 0, True, "poor", "own_camera"),
        ("good", [("in", "poor", "sound")], 0, False, "poor", "sound_there"),
        ("good", [("in", "fair", "picture")], 0, True, "fair", "picture_there"),
        ("good", [("out", "poor", "narrow")], 0, True, "poor", "picture_here"),
        ("fair", [("in", "fair", "delay"), ("out", "poor", "loss")], 0, True, "poor", "sound_here"),
        ("good", [("out", "poor", "delay")], 0, True, "poor", "delay"),
        ("good", [("in", "poor", "sound")], 60_000, True, "good", ""),
        ("good", [("in", "poor", "sound"), ("in", "good", "none")], 0, True, "good", ""),
        ("good", [("in", "terrible", "sound"), ("up", "poor", "sound"), ("in", "poor", "<b>")], 0, True, "good", ""),
    ],
)
async def test_one_mark_out_of_what_both_ends_see(
    anna: Desk, own: str, said: list[tuple[str, str, str]], ago: int, camera: bool, grade: str, advice: str
) -> None:
    messages = [{"direction": direction, "grade": told, "reason": reason} for direction, told, reason in said]
    shown = await anna.page.evaluate(_VERDICT, [own, messages, ago, camera])
    assert shown == {"grade": grade, "advice": advice}


async def test_the_mark_says_in_words_what_helps_and_gives_its_figures_on_demand(
    house: House, station: RunningStation, anna: Desk
) -> None:
    """The page is told as a station would tell it, whose line has become bad in one direction.

    Whatever comes and goes meanwhile, no button moves away under a hand.
    """
    station.face.press()
    await anna.button("Answer").click()
    await anna.state("live")
    await anna.sees(5)
    hang_up = anna.button("Hang up")
    place = await hang_up.bounding_box()
    assert place is not None
    mark, advice = anna.page.locator("[data-part=grade]"), anna.page.locator("[data-part=advice]")
    await expect(mark).to_have_text(re.compile("connection"))
    figures = anna.page.locator("[data-part=figures-received]")
    await expect(figures).to_be_hidden()
    await mark.click()
    await expect(figures).to_have_text(re.compile(r"\d+×\d+ · \d+ pictures/s · \d+ kbit/s · \d+% lost"))
    await expect(anna.page.locator("[data-part=figures-path]")).to_have_text("direct")
    await accessible(anna)
    await anna.page.evaluate(_STATION_SAYS, {"type": "quality", "direction": "in", "grade": "poor", "reason": "sound"})
    await expect(mark).to_have_text("Poor connection")
    await expect(advice).to_have_text("Turn your camera off, so that the sound holds.")
    await accessible(anna)
    assert await hang_up.bounding_box() == place
    await anna.button("Camera off").click()
    await expect(advice).to_have_text(re.compile("Speak slowly"))
    await hang_up.click()
    await expect(advice).to_be_hidden()
    await station.rested()
