"""Another clinic to call (`fallback`), by the real `station call` and a real broker: called instead, or phoned."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk_ui.screen.shown import Noticed, ScreenView
from kiosk_ui.screen.view import screen_view
from messaging.call import Connected, Offer, Refused, Request, Ringing
from messaging.link.local import LocalServer
from messaging.local import AGENT_SOCKET, AgentView, CallView
from messaging.settings import Opening, Week
from messaging.twin import Config
from tests.kits.servers.broker import running_broker
from tests.process.call_stage import STATION, Stage, answered, staged

pytestmark = pytest.mark.system
SET = Config(
    clinic="Doctors Demo", phone="11112222", fallback="Out of Hours", fallback_phone="33334444", language="en"
)  # fmt: skip
CLOSED = Opening(Week((), (), (), (), (), (), ()))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    with running_broker(tmp_path / "broker") as broker:
        async with staged(broker, tmp_path / "station") as ready:
            yield ready


@asynccontextmanager
async def working_by(stage: Stage, config: Config) -> AsyncIterator[AgentView]:
    """The station's agent is there, and has that config."""
    agent = LocalServer(stage.station.runtime_dir / AGENT_SOCKET, lambda message, reply: None)
    shown = AgentView("up", True, STATION, "ntp", config, config_version=2)
    await agent.start()
    try:
        agent.show(shown)
        await stage.screen.shows(lambda view: view.config_version == 2, "it works by that config")
        yield shown
    finally:
        await agent.stop()


def seen(view: CallView, agent: AgentView, later_s: float = 0.0) -> ScreenView:
    """What stands on the resident's screen, now or if this lasts."""
    return screen_view(view, agent, Noticed(time.time() + later_s))


async def test_a_clinic_that_is_busy_is_followed_by_the_other_on_the_same_press(stage: Stage) -> None:
    await stage.ready()
    async with working_by(stage, SET) as agent:
        stage.screen.press()
        first, asked = await stage.region.hears(Request)
        assert not asked.fallback
        await stage.region.tells(first, Refused("busy"))
        call, asked = await stage.region.hears(Request)
        assert call != first
        assert asked.fallback
        view = await stage.screen.shows(lambda one: one.fallback, "the other is called")
        assert "Out of Hours" in seen(view, agent).headline
        await stage.region.tells(call, Ringing("Out of Hours"))
        _, offer = await stage.region.hears(Offer, call)
        browser = await answered(stage, call, offer.sdp)
        await stage.region.hears(Connected, call)
        await browser.sees(5)
        await stage.screen.state("in_call")


async def test_while_the_region_is_away_the_other_s_number_is_shown_and_when_it_is_back_it_is_called(
    stage: Stage,
) -> None:
    await stage.ready()
    async with working_by(stage, replace(SET, opening=CLOSED)) as agent:
        stage.broker.stop(kill=True)
        view = await stage.screen.state("offline")
        assert "33\xa033\xa044\xa044" in seen(view, agent, 60).bar_text, (
            "the clinic is closed: its own number helps nobody"
        )
        stage.broker.start()
        await stage.ready()
        stage.screen.press()
        _, asked = await stage.region.hears(Request)
        assert asked.fallback, "a closed clinic is not asked first"
