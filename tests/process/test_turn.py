"""A real coturn takes what the region makes and nothing else, and both ends of a call are given it."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

from messaging.call import Devices, Hangup, IceServer, Invite, Offer, Renew, Request, Ringing, new_call_id
from messaging.codec import decode
from region.web.turn import LIVES_S, ice_servers
from tests.kits.eventually import eventually
from tests.kits.house import House, running_house
from tests.kits.servers.broker import running_broker
from tests.kits.servers.turn import Relay, running_relay
from tests.kits.station.scripted_call import scripted_call
from tests.process.call_stage import STATION, Stage, some_call, staged

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
HTML = {"accept": "text/html"}


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with running_relay(tmp_path) as running:
        yield running


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    with running_broker(tmp_path / "broker") as broker:
        async with staged(broker, tmp_path / "station") as ready:
            yield ready


async def offered(stage: Stage, servers: tuple[IceServer, ...]) -> tuple[str, float]:
    """The offer of a station that was invited with these servers, and how long it took; the call is over then."""
    await stage.ready()
    call, began = some_call(), time.monotonic()
    await stage.region.tells(call, Invite("Ann Demo", "GP", servers))
    _, offer = await stage.region.hears(Offer, call)
    took = time.monotonic() - began
    await stage.region.tells(call, Hangup("cancelled"))
    await stage.screen.state("feedback")
    stage.screen.press()
    await stage.ready()
    return offer.sdp, took


def relayed(sdp: str) -> list[str]:
    """The relay's addresses in an offer."""
    return re.findall(r"a=candidate:.* typ relay\b", sdp)


async def test_the_stations_offer_has_an_address_of_the_relay_and_a_wrong_credential_gets_none(
    relay: Relay, stage: Stage
) -> None:
    now = time.time()
    (good,) = ice_servers(relay.settings, STATION, now)
    (expired,) = ice_servers(relay.settings, STATION, now - LIVES_S - 60)
    assert good.username is not None
    until, _, holder = good.username.partition(":")
    refused = {
        "expired": expired,
        "of another secret": ice_servers(replace(relay.settings, secret="another secret altogether"), STATION, now)[0],
        "lengthened": replace(good, username=f"{int(until) + 3600}:{holder}"),
        "of another holder": replace(good, username=f"{until}:st-00000002"),
        "without a password": replace(good, credential=""),
    }
    for name, server in refused.items():
        sdp, took = await offered(stage, (server,))
        assert relayed(sdp) == [], name
        assert "typ host" in sdp, "the call is offered without the relay"
        print(f"{name}: offered without the relay after {took:.2f} s")
    sdp, took = await offered(stage, (good,))
    assert relayed(sdp)
    print(f"offered with the relay after {took:.2f} s")
    await relay.allocated(STATION)


async def test_a_reload_late_in_a_call_goes_on_with_fresh_credentials(relay: Relay, stage: Stage) -> None:
    (old,) = ice_servers(relay.settings, STATION, time.time() - LIVES_S - 60)
    await stage.ready()
    call = some_call()
    await stage.region.tells(call, Invite("Ann Demo", "GP", (old,)))
    _, first = await stage.region.hears(Offer, call)
    await stage.region.tells(call, Renew(ice_servers(relay.settings, STATION, time.time())))
    _, second = await stage.region.hears(Offer, call)
    assert (second.generation, relayed(first.sdp)) == (2, [])
    assert relayed(second.sdp)


async def signed_in(house: House, browser: httpx.AsyncClient) -> None:
    """A clinician at this browser, whose posts carry the page's token."""
    link = await house.sign_in_link(await house.add_clinician("anna"))
    page = await browser.get(link, headers=HTML, follow_redirects=True)
    if page.request.method == "GET" and "once" in page.url.path:
        page = await browser.post(page.url.path, headers=HTML, follow_redirects=True)
    found = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert found, page.text[:500]
    browser.headers["X-CSRF-Token"] = found[1]


async def test_a_region_that_has_a_relay_gives_both_ends_of_every_call_credentials_that_the_relay_takes(
    relay: Relay,
) -> None:
    async with running_house(serve=relay.options) as house, httpx.AsyncClient(base_url=house.url) as browser:
        station = await house.add_station(call=False)
        await signed_in(house, browser)
        async with scripted_call(station.folder / "state") as call:
            pressed = new_call_id()
            call.says(pressed, Request(Devices()))
            _, ringing = await call.hears(Ringing, pressed)
            answer = await browser.post(f"/desk/calls/{pressed}/claim", json={"page": "a" * 16})
            assert answer.status_code == 200, answer.text
            claimed = answer.json()
            call.says(pressed, Hangup("resident_left"))
            placed = await _placed(browser, station.id)
            invited, invite = await call.hears(Invite)
            assert invited == placed["view"]["call"]
    told = (ringing.relay_only, invite.relay_only, claimed["relay_only"], placed["relay_only"])
    assert told == (False, False, False, False), "a relay is there for those who need it"
    for holder, server in (
        (station.id, only(ringing.ice_servers)), (station.id, only(invite.ice_servers)),
        *(("anna", decode(IceServer, only(body["ice_servers"]))) for body in (claimed, placed)),
    ):  # fmt: skip
        assert server.username is not None
        until, _, named = server.username.partition(":")
        assert (named, 3600 < int(until) - time.time() <= LIVES_S) == (holder, True)
        assert await taken(server)
    await relay.allocated(station.id, "anna")


def only(servers: Sequence[Any]) -> Any:
    """The one server there is."""
    (server,) = servers
    return server


async def taken(server: IceServer) -> bool:
    """Whether the relay gives an address for these credentials."""
    peer = RTCPeerConnection(RTCConfiguration([RTCIceServer(list(server.urls), server.username, server.credential)]))
    try:
        peer.createDataChannel("probe")
        await peer.setLocalDescription(await peer.createOffer())
        return bool(relayed(peer.localDescription.sdp))
    finally:
        await peer.close()


async def _placed(browser: httpx.AsyncClient, station: str) -> dict[str, Any]:
    """A call to the station, once the call before it is over."""

    async def placed() -> dict[str, Any] | None:
        answer = await browser.post("/desk/calls", json={"page": "a" * 16, "station": station})
        return answer.json() if answer.status_code == 200 else None

    return await eventually(placed, 20)


async def test_a_region_that_allows_relays_only_tells_both_ends_so(relay: Relay) -> None:
    serve = (*relay.options, "--relay-only")
    async with running_house(serve=serve) as house, httpx.AsyncClient(base_url=house.url) as browser:
        station = await house.add_station(call=False)
        await signed_in(house, browser)
        async with scripted_call(station.folder / "state") as call:
            pressed = new_call_id()
            call.says(pressed, Request(Devices()))
            _, ringing = await call.hears(Ringing, pressed)
            answer = await browser.post(f"/desk/calls/{pressed}/claim", json={"page": "a" * 16})
    assert ringing.relay_only
    assert answer.json()["relay_only"] is True
