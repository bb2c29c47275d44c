"""The simulated station's front panel: who gets in, what it shows, what it does."""

from __future__ import annotations

import array
import asyncio
import json
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_ui.panel import PanelError
from kiosk_ui.panel.access import Access, allowed_hosts, listen, loopback, same_origin
from kiosk_ui.panel.app import make_app, page_html
from kiosk_ui.panel.hub import Hub
from kiosk_ui.panel.main import main
from kiosk_ui.panel.state import KNOBS, SILENCE_DB, level_db, panel_state
from kiosk_ui.words import Words
from messaging.call import Devices
from messaging.clock import SystemClock
from messaging.local import ON_AIR, AgentView, CallView
from messaging.sound import SoundRingWriter
from messaging.twin import Language
from tests.kits.clock import ManualClock
from tests.kits.station.fake import AGENT, IDLE, LIVE

HOST = "127.0.0.1:8401"
ORIGIN = {"origin": f"http://{HOST}"}


class Hands:
    """A station that remembers what was done to it."""

    def __init__(self, agent: AgentView | None = AGENT) -> None:
        self.agent = agent
        self.there = True
        self.done: list[str] = []

    def press(self) -> bool:
        self.done += ["press"] * self.there
        return self.there

    def simulate(self, knob: str) -> bool:
        self.done += [knob] * self.there
        return self.there

    def language(self, fallback: Language) -> Language:
        return self.agent.config.language if self.agent else fallback


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "screen.jpg", tmp_path / "speaker.ring", SystemClock())


@asynccontextmanager
async def visitor(hands: Hands, hub: Hub, token: str = "secret") -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(hands, hub, Access(token), allowed_hosts("127.0.0.1", 8401))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HOST}") as client:
        yield client


async def sign_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/?token=secret")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_the_link_opens_the_panel_once_and_the_token_leaves_the_address(hub: Hub) -> None:
    async with visitor(Hands(), hub) as client:
        await sign_in(client)
        page = await client.get("/")
        assert page.status_code == 200
        assert 'aria-label="Press the button"' in page.text
        assert "secret" not in page.text + str(client.cookies)
        again = await client.get("/?token=secret")
        assert again.status_code == 303, "in the same browser the link just goes on"
        client.cookies.clear()
        other = await client.get("/?token=secret")
        assert other.status_code == 410
        assert "has been used" in other.text


async def test_the_cookie_outlives_a_restart_of_the_panel(hub: Hub) -> None:
    async with visitor(Hands(), hub) as client:
        await sign_in(client)
        cookies = client.cookies
    async with visitor(Hands(), hub) as client:
        client.cookies = cookies
        assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/events", "/screen.jpg", "/speaker.pcm"])
async def test_a_stranger_sees_and_hears_nothing(hub: Hub, path: str) -> None:
    async with visitor(Hands(), hub) as client:
        assert (await client.get(path)).status_code == 401


async def test_a_stranger_cannot_press(hub: Hub) -> None:
    hands = Hands()
    async with visitor(hands, hub) as client:
        assert (await client.post("/press", headers=ORIGIN)).status_code == 401
    assert hands.done == []


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}])
async def test_another_sites_page_cannot_press(hub: Hub, headers: dict[str, str]) -> None:
    hands = Hands()
    async with visitor(hands, hub) as client:
        await sign_in(client)
        assert (await client.post("/press", headers=headers)).status_code == 403
    assert hands.done == []


async def test_a_name_that_points_here_is_not_us(hub: Hub) -> None:
    async with visitor(Hands(), hub) as client:
        assert (await client.get("/?token=secret", headers={"host": "evil.example:8401"})).status_code == 421


async def test_a_real_station_has_no_panel(hub: Hub) -> None:
    hands = Hands(replace(AGENT, hardware="rpi"))
    async with visitor(hands, hub) as client:
        answer = await client.get("/?token=secret")
        assert answer.status_code == 403
        assert "real hardware" in answer.text
        assert (await client.post("/press", headers=ORIGIN)).status_code == 403
    assert hands.done == []


async def test_a_press_and_each_knob_reach_the_station(hub: Hub) -> None:
    hands = Hands()
    async with visitor(hands, hub) as client:
        await sign_in(client)
        for path in ("/press", *(f"/simulate/{knob}" for knob in sorted(KNOBS))):
            assert (await client.post(path, headers=ORIGIN)).status_code == 204
    assert hands.done == ["press", *sorted(KNOBS)]


async def test_a_press_while_station_call_is_away_is_said(hub: Hub) -> None:
    hands = Hands()
    hands.there = False
    async with visitor(hands, hub) as client:
        await sign_in(client)
        assert (await client.post("/press", headers=ORIGIN)).status_code == 503


@pytest.mark.parametrize("knob", ["press", "break_camera", "unplug_everything", "x" * 200])
async def test_only_the_panels_own_knobs_are_turned(hub: Hub, knob: str) -> None:
    hands = Hands()
    async with visitor(hands, hub) as client:
        await sign_in(client)
        assert (await client.post(f"/simulate/{knob}", headers=ORIGIN)).status_code == 404
    assert hands.done == []


async def test_the_newest_picture_of_the_screen_is_shown(hub: Hub, tmp_path: Path) -> None:
    async with visitor(Hands(), hub) as client:
        await sign_in(client)
        assert (await client.get("/screen.jpg")).status_code == 404
        assert hub.screen_version() == 0
        (tmp_path / "screen.jpg").write_bytes(b"jpeg")
        assert hub.screen_version() > 0
        assert (await client.get("/screen.jpg")).content == b"jpeg"


async def test_every_answer_tells_the_browser_to_keep_to_itself(hub: Hub) -> None:
    async with visitor(Hands(), hub) as client:
        for path in ("/", "/static/panel.css", "/nowhere"):
            headers = (await client.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "kind"), [("panel.css", "text/css"), ("panel.js", "javascript"), ("panel.svg", "svg")]
)
async def test_style_and_script_are_served_and_nothing_beside_them(hub: Hub, name: str, kind: str) -> None:
    async with visitor(Hands(), hub) as client:
        assert kind in (await client.get(f"/static/{name}")).headers["content-type"]
        assert (await client.get("/static/panel.html")).status_code == 404


def events(text: bytes) -> dict[str, object]:
    rows = [row.split("\n") for row in text.decode().strip().split("\n\n")]
    return {head.removeprefix("event: "): json.loads(body.removeprefix("data: ")) for head, body in rows}


async def test_a_page_begins_with_the_newest_and_is_never_told_the_older(hub: Hub) -> None:
    hub.tell("state", {"state": "idle"})
    hub.tell("state", {"state": "ringing"})
    stream = hub.events()
    assert events(await anext(stream)) == {"state": {"state": "ringing"}}
    for level in range(-60, 0):
        hub.tell("level", level)
    assert events(await anext(stream)) == {"level": -1}
    await stream.aclose()


async def test_a_quiet_stream_is_kept_alive(tmp_path: Path) -> None:
    clock = ManualClock()
    hub = Hub(None, tmp_path / "speaker.ring", clock)
    stream = hub.events()
    waiting = asyncio.ensure_future(anext(stream))
    await clock.advance(16)
    assert await waiting == b": still here\n\n"
    await stream.aclose()


async def test_closing_ends_every_stream(hub: Hub) -> None:
    pages, sound = hub.events(), hub.sound()
    waiting = [asyncio.ensure_future(anext(each, b"over")) for each in (pages, sound)]
    await asyncio.sleep(0)
    hub.close()
    assert (await waiting[1]) == b"over"
    await waiting[0]
    assert [chunk async for chunk in pages] == []


def tone(samples: int, peak: int = 8000) -> bytes:
    return array.array("h", (int(peak * math.sin(n / 7)) for n in range(samples))).tobytes()


async def test_a_listener_hears_what_the_speaker_plays_and_the_meter_moves(tmp_path: Path) -> None:
    clock = ManualClock()
    hub = Hub(None, tmp_path / "speaker.ring", clock)
    running = asyncio.create_task(hub.run())
    page, sound = hub.events(), hub.sound()
    told = asyncio.ensure_future(anext(page))
    heard = asyncio.ensure_future(anext(sound))
    writer = SoundRingWriter(tmp_path / "speaker.ring")
    try:
        await clock.advance(0.05)  # the ring is found at its newest sample
        writer.write(tone(4800))
        await clock.advance(0.2)
        assert await heard == tone(4800)
        levels = [events(await told).get("level")]
        while levels[-1] in (None, -90):
            levels.append(events(await anext(page)).get("level"))
            await clock.advance(0.2)
        assert -18 < float(str(levels[-1])) < -12
    finally:
        writer.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await page.aclose()
        await sound.aclose()


async def test_nothing_is_read_while_nobody_watches(tmp_path: Path) -> None:
    clock = ManualClock()
    hub = Hub(tmp_path / "screen.jpg", tmp_path / "speaker.ring", clock)
    running = asyncio.create_task(hub.run())
    (tmp_path / "screen.jpg").write_bytes(b"jpeg")
    await clock.advance(1)
    stream = hub.events()
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert not waiting.done(), "no event was prepared for nobody"
    await clock.advance(0.2)
    assert "screen" in events(await waiting)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await stream.aclose()


def test_the_panel_says_what_the_station_says() -> None:
    state = panel_state(LIVE, AGENT, "en")
    assert (state["state"], state["state_text"], state["light"]) == ("in_call", "in a call", "live")
    assert (state["station"], state["away"]) == ("Room 4", False)
    unplugged = panel_state(replace(IDLE, devices=Devices(camera="missing")), None, "da")
    assert unplugged["devices"] == {"camera": "missing", "microphone": "ok", "speaker": "ok"}
    assert unplugged["state_text"] == "klar"


def test_the_cameras_own_light_is_on_whenever_it_is_open() -> None:
    def camera(call: CallView) -> object:
        return panel_state(call, AGENT, "en")["camera"]

    assert camera(LIVE) is True
    assert camera(replace(LIVE, state="calling", light="calling")) is True
    assert camera(replace(LIVE, devices=Devices(camera="missing"))) is False
    assert camera(replace(LIVE, state="ending")) is True, "it has not closed yet"
    assert [camera(replace(IDLE, light=light)) for light in ("off", "ready", "ringing", "fault")] == [False] * 4


def test_the_panels_light_has_one_colour_for_camera_and_microphone_on_and_no_other_state_has_it() -> None:
    css = (files("kiosk_ui.panel") / "static" / "panel.css").read_text(encoding="utf-8")
    glow = dict(re.findall(r'\[data-light="(\w+)"\] \{ --glow: var\(--(\w+)\)', css))
    assert {pattern for pattern, colour in glow.items() if colour == "live"} == ON_AIR
    for language in ("en", "da"):
        said = {name: text for name, text in Words(language).lights.items() if re.search("camera|kamera", text)}
        assert set(said) == ON_AIR


def test_a_station_that_is_away_shows_no_light() -> None:
    state = panel_state(None, AGENT, "en")
    assert (state["away"], state["light"]) == (True, "off")
    assert "started again" in state["state_text"]


@pytest.mark.parametrize("language", ["da", "en"])
def test_the_page_is_whole_in_both_languages(language: Language) -> None:
    page = page_html(language)
    assert f'<html lang="{language}">' in page
    assert "$" not in page
    assert page.count('role="switch"') == 3


@given(st.binary(max_size=2000))
def test_any_sound_has_a_level_between_silence_and_full(pcm: bytes) -> None:
    assert SILENCE_DB <= level_db(pcm) <= 0.1


def test_levels_of_known_sounds() -> None:
    assert level_db(b"") == SILENCE_DB
    assert level_db(bytes(960)) == SILENCE_DB
    assert level_db(tone(4800, 32767)) == pytest.approx(-3, abs=0.1)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_no_other_machine_can_reach_it(host: str) -> None:
    with pytest.raises(PanelError):
        loopback(host)


def test_loopback_by_any_name() -> None:
    assert [loopback(host) for host in ("localhost", "127.0.0.1", "::1")] == ["127.0.0.1", "127.0.0.1", "::1"]
    assert "[::1]:8401" in allowed_hosts("::1", 8401)


@given(st.text(), st.text())
def test_only_the_very_link_and_cookie_open_it(cookie: str, token: str) -> None:
    access = Access("the-token")
    if token != "the-token":
        assert access.visit(cookie, token) == "stranger"
    assert access.knows(access.cookie)


def test_the_token_is_not_in_the_text_of_the_access() -> None:
    assert "the-token" not in repr(Access("the-token"))
    assert not same_origin(None, HOST)


@pytest.mark.parametrize("host", ["0.0.0.0", "example.org"])
def test_the_command_refuses_other_addresses_with_a_sentence(
    tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path, host, 8401, "token", "") == 2
    assert "127.0.0.1 only" in capsys.readouterr().err


def test_the_command_refuses_a_taken_port_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert main(tmp_path, "127.0.0.1", port, "token", "") == 2
    assert f"port {port}" in capsys.readouterr().err
