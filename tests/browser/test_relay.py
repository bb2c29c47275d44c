"""A call through a real coturn: both ends use the time-limited credentials that the region made for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.browser.desk_page import GRANT, chromium, desk_of
from tests.kits.house import running_house
from tests.kits.servers.broker import free_port
from tests.kits.servers.turn import running_relay

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

# All that the browser sends goes through the relay, as on a network that lets nothing else out.
_RELAY_ONLY = """
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(options) { super({ ...options, iceTransportPolicy: "relay" }); }
  setConfiguration(options) { super.setConfiguration({ ...options, iceTransportPolicy: "relay" }); }
};
"""


async def test_both_ends_get_an_address_of_the_relay_and_the_call_goes_through_it(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path) as relay, running_house(serve=relay.options) as house, chromium(GRANT) as browser
    ):  # fmt: skip
        station = await house.add_station()
        anna = await desk_of(browser)
        await anna.page.add_init_script(_RELAY_ONLY)
        await anna.open(await house.sign_in_link(await house.add_clinician("anna")))
        station.face.press()
        await anna.button("Answer").click()
        await anna.state("live")
        await asyncio.gather(anna.sees(30), station.face.sees(30))
        await anna.button("Hang up").click()
        await station.rested()
        await relay.allocated(station.id, "anna")


async def test_when_the_relay_of_a_call_dies_the_same_call_goes_on_by_another(tmp_path: Path) -> None:
    """The second relay comes up after the call has begun, so the call goes by the first."""
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    later = free_port()
    async with running_relay(tmp_path / "one") as one:
        serve = (*one.options, "--turn-url", f"turn:127.0.0.1:{later}", "--relay-only")
        async with running_house(serve=serve) as house, chromium(GRANT) as browser:
            station = await house.add_station()
            anna = await desk_of(browser)
            await anna.open(await house.sign_in_link(await house.add_clinician("anna")))
            station.face.press()
            await anna.button("Answer").click()
            await anna.state("live")
            await asyncio.gather(anna.sees(15), station.face.sees(15))
            call = station.face.view and station.face.view.call

            async with running_relay(tmp_path / "other", port=later) as other:
                await one.die()
                await station.face.shows(lambda view: view.resuming, "the station notices")
                await other.allocated(station.id, "anna")
                await asyncio.gather(station.face.state("in_call"), anna.state("live"))
                await asyncio.gather(anna.sees(15), station.face.sees(15))
                assert station.face.view is not None
                assert station.face.view.call == call
                await anna.button("Hang up").click()
                await station.rested()
