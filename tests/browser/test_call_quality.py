"""How good a call is, end to end: the clinician's mark follows the line, and the region has the figures in the end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

import pytest
import pytest_asyncio
from playwright.async_api import expect

from messaging.codec import decode
from messaging.quality import CallQuality
from region.registry.records import CallLooked
from tests.bench.line_ends import THROUGH_RELAY
from tests.bench.relay import CLEAR, Impairment, Relay
from tests.browser.desk_page import GRANT, Desk, chromium, desk_of
from tests.kits.eventually import eventually
from tests.kits.house import READY_S, House, RunningStation, running_house
from tests.kits.promptness import crowded
from tests.kits.servers.dead_line import TcpLine

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

LOSSY = Impairment(loss=0.25)
FOLLOWS_MS = 60_000  # five seconds to be sure of it, and a crowded machine


# What the station says of the line.
_HEAR = """
window.said = [];
const make = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...how) {
  const channel = make.apply(this, how);
  channel.addEventListener("message", ({ data }) => {
    if (typeof data === "string" && data.includes('"quality"')) window.said.push(JSON.parse(data));
  });
  return channel;
};
"""
_TELLS_POOR = """
new Promise((resolve) => {
  const look = setInterval(() => {
    if (!window.said.some(({ grade }) => grade === "poor")) return;
    clearInterval(look);
    resolve();
  }, 100);
})
"""


@dataclass
class Stage:
    """A station and a clinician with a line between them that can be made bad, and a broker that can be away."""

    house: House
    station: RunningStation
    media: Relay
    broker: TcpLine
    anna: Desk

    async def told(self) -> list[CallLooked]:
        async with self.house.registry.read() as t:
            return await t.qualities.recent(self.station.id)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with (
        running_house() as house, Relay() as media, TcpLine(house.broker) as broker, chromium(GRANT) as browser
    ):  # fmt: skip
        station = await house.add_station("Room 4", broker=broker.port)
        desk = await desk_of(browser)

        async def leg() -> dict[str, int]:
            return asdict(await media.leg())

        await desk.page.expose_function("benchLeg", leg)
        await desk.page.add_init_script(THROUGH_RELAY)
        await desk.page.add_init_script(_HEAR)
        await desk.open(await house.sign_in_link(await house.add_clinician("anna", "Anna Holm")))
        yield Stage(house, station, media, broker, desk)


async def begin(stage: Stage) -> None:
    stage.station.face.press()
    await stage.anna.button("Answer").click()
    await stage.anna.state("live")
    await asyncio.gather(stage.anna.sees(15), stage.station.face.sees(15))


async def test_the_mark_follows_the_line_and_the_call_is_told_though_the_broker_was_away_at_its_end(
    stage: Stage,
) -> None:
    anna, station = stage.anna, stage.station
    await begin(stage)
    mark, advice = anna.page.locator("[data-part=grade]"), anna.page.locator("[data-part=advice]")
    await stage.media.set(LOSSY)
    await expect(mark).to_have_text("Poor connection", timeout=FOLLOWS_MS)
    await expect(advice).not_to_be_empty()
    await anna.page.evaluate(_TELLS_POOR)
    await expect(anna.page.locator("[data-part=clock]")).to_have_text(re.compile("0:[2-5]|[1-9]:"), timeout=FOLLOWS_MS)
    await stage.media.set(CLEAR)
    if not crowded():  # a call that gets too little of a processor is poor by itself, and rightly said to be
        await expect(mark).not_to_have_text("Poor connection", timeout=FOLLOWS_MS)

    stage.broker.die()
    station.face.press()
    await station.face.shows(lambda view: view.state in ("ending", "feedback"), "the call is over")
    await station.face.shows(lambda view: view.ended == (), "the agent has the figures")
    assert await stage.told() == []
    stage.broker.mend()
    (looked,) = await eventually(stage.told, READY_S)
    quality = decode(CallQuality, looked.data)
    assert max(quality.out.loss, quality.into.loss) > 0.01
    assert quality.out.poor_s + quality.into.poor_s > 1
    assert quality.seconds > 10
    assert quality.out.fps > 1
    assert quality.into.fps > 1
    assert (quality.path, quality.codec, quality.encoder) == ("direct", "H264", "x264")
    assert quality.connect_s is not None
    assert quality.worst is not None
    assert quality.worst.badness > 0.5
