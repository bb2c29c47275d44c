"""What the desk refuses, and that refusing costs nobody anything."""

from __future__ import annotations

import re
from typing import Any

import pytest

from messaging.call import (
    Candidate,
    Connected,
    Devices,
    FromStation,
    Hangup,
    Request,
    to_data,
)
from messaging.errors import MalformedMessage
from region.desk.ear import MOST_REQUESTS, MOST_WAITING
from region.desk.hands import MOST_STARTS
from region.desk.subject import make_desk
from tests.kits.region.desk import CALL, OFFER, House, ring, talk


async def test_a_station_without_a_clinic_is_told_so(house: House) -> None:
    async with house.kit.region.registry.begin() as t:
        site = (await t.sites.all())[0]
        await t.stations.change(
            house.station.id, name="Room 4", site_id=site.id, clinic_id=None, language="da", volume=70
        )
    await house.station.says(Request(Devices()))
    assert house.station.heard_last() == {"type": "refused", "code": "no_clinic"}
    assert await house.audit() == [(house.station.id, "call.refused", "no_clinic")]


async def test_a_stuck_button_is_refused_after_a_while(house: House) -> None:
    tries, _ = MOST_REQUESTS
    for i in range(tries + 1):
        call = f"stuck{i:011d}"
        await house.station.says(Request(Devices()), call)
        last = house.station.heard_last(call)
        assert last["type"] == ("ringing" if i < tries else "refused")
    assert last["code"] == "rate_limited"
    assert house.desk.rooms.refused["rate_limited"] == 1


async def test_a_clinic_has_room_for_so_many_who_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("region.desk.ear.MOST_WAITING", 1)
    assert MOST_WAITING > 1
    await ring(house)
    other = await house.another_station()
    await other.says(Request(Devices()), "ffff000011112222")
    assert other.heard_last("ffff000011112222") == {"type": "refused", "code": "busy"}
    assert await house.desk.rooms.find(CALL) is not None


@pytest.mark.parametrize(
    "data",
    [{"type": "offer"}, {"type": "no such type"}, {}, {"type": "offer", "generation": 0, "sdp": "x"},
     {"type": "offer", "generation": 1, "sdp": "x" * (32 * 1024 + 1)}, {"type": ["offer"]}],
)  # fmt: skip
async def test_a_malformed_message_is_refused_and_the_call_goes_on(house: House, data: dict[str, Any]) -> None:
    await ring(house)
    with pytest.raises(MalformedMessage):
        await house.station.says(data)
    assert house.station.heard_last() == {"type": "rejected", "code": "malformed"}
    assert house.desk.rooms.refused["malformed"] == 1
    held = await house.desk.rooms.find(CALL)
    assert held is not None
    assert held.room.state == "waiting"


@pytest.mark.parametrize("message", [OFFER, Connected(1, 1.0), Hangup("resident_left"), Request(Devices())])
async def test_another_station_cannot_touch_the_call(house: House, message: FromStation) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    stranger = await house.another_station()
    await stranger.says(message)
    assert stranger.heard_last() == {"type": "rejected", "code": "foreign_call"}
    held = await house.desk.rooms.find(CALL)
    assert held is not None
    assert (held.room.state, held.room.generation) == ("in_call", 1)


async def test_words_about_calls_that_are_over_or_never_were(house: House) -> None:
    await ring(house)
    await house.station.says(Hangup("cancelled"))
    await house.station.says(OFFER)
    assert house.station.heard_last() == {"type": "hangup", "reason": "cancelled"}
    await house.station.says(OFFER, "never000never000")
    assert house.station.heard_last("never000never000") == {"type": "rejected", "code": "foreign_call"}
    await house.station.says(Hangup("cancelled"), "never111never111")
    assert house.station.heard("never111never111") == []


async def test_a_station_that_floods_is_no_longer_answered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("region.desk.ear.MOST_MESSAGES", (5, 60.0))
    desk = make_desk(house.kit.region)
    house.station.desk = desk
    for _ in range(8):
        await house.station.says(OFFER, "never000never000")
    assert len(house.station.heard("never000never000")) == 5
    assert desk.rooms.refused["flood"] == 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("answer", {"generation": 1, "sdp": "x" * (32 * 1024 + 1)}),
        ("answer", {"generation": 0, "sdp": "x"}),
        ("answer", {"generation": 1}),
        ("candidates", {"generation": 1, "candidates": [{"candidate": "x" * 1025}]}),
        ("candidates", {"generation": 1, "candidates": [{"candidate": "x"}] * 17}),
        ("candidates", {"generation": 1, "candidates": []}),
        ("claim", {"page": "../../etc/passwd"}),
        ("hangup", {"reason": "because"}),
    ],
)
async def test_bad_bodies_of_a_browser_are_refused(house: House, path: str, body: dict[str, Any]) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    before = len(house.station.heard())
    response = await anna.browser.post(
        f"/desk/calls/{CALL}/{path}", json={"page": anna.page, **body}, headers={"X-CSRF-Token": anna.csrf}
    )
    assert response.status_code == 422
    assert len(house.station.heard()) == before


async def test_a_colleague_cannot_touch_the_call_that_somebody_has(house: House) -> None:
    """Of the same clinic, who sees the call on the board: not to listen in, and not to take it over."""
    anna, eva = await house.clinician("anna"), await house.clinician("eva")
    await talk(house, anna)
    before = house.station.heard()
    for path, body in (
        ("rejoin", {}), ("answer", {"generation": 1, "sdp": "v=0"}),
        ("candidates", {"generation": 1, "candidates": [{"candidate": "candidate:1", "mid": "0", "line": 0}]}),
    ):  # fmt: skip
        refused = await eva.post(f"calls/{CALL}/{path}", **body)
        assert (refused.status_code, refused.json()["code"]) == (404, "no_such_call"), path
    await eva.post(f"calls/{CALL}/hangup")
    assert (await eva.post(f"calls/{CALL}/claim")).json()["code"] == "taken"
    assert house.station.heard() == before
    held = await house.desk.rooms.find(CALL)
    assert held is not None
    assert (held.room.clinician, held.room.page) == (anna.person.id, anna.page)


async def test_a_candidate_flood_of_a_browser_is_refused_and_the_call_goes_on(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    sixteen = [{"candidate": f"candidate:{i}", "mid": "0", "line": 0} for i in range(16)]
    for _ in range(4):
        assert (await anna.post(f"calls/{CALL}/candidates", generation=1, candidates=sixteen)).status_code == 200
    refused = await anna.post(f"calls/{CALL}/candidates", generation=1, candidates=sixteen)
    assert (refused.status_code, refused.json()["code"]) == (429, "flood")
    candidates = [said for said in house.station.heard() if said["type"] == "candidate"]
    assert len(candidates) == 64
    assert candidates[0] == to_data(Candidate(1, "candidate:0", "0", 0))


async def test_an_impatient_clinician_is_slowed_down(house: House) -> None:
    anna = await house.clinician("anna")
    tries, _ = MOST_STARTS
    codes = [(await anna.post("calls", station="st-nosuch00")).json()["code"] for _ in range(tries + 1)]
    assert codes == ["no_such_call"] * tries + ["rate_limited"]


async def test_an_answer_that_the_broker_did_not_take_may_be_given_again(house: House) -> None:
    anna = await house.clinician("anna")
    await ring(house)
    await anna.post(f"calls/{CALL}/claim")
    house.kit.downlink.is_up = False
    refused = await anna.post(f"calls/{CALL}/answer", generation=1, sdp="v=0 answer")
    assert (refused.status_code, refused.json()["code"]) == (503, "link_down")
    house.kit.downlink.is_up = True
    assert (await anna.post(f"calls/{CALL}/answer", generation=1, sdp="v=0 answer")).status_code == 200
    assert house.station.heard_last()["type"] == "answer"


async def test_without_a_sign_in_or_its_token_nothing_can_be_done(house: House) -> None:
    anna = await house.clinician("anna")
    await ring(house)
    async with house.kit.browser(accept="application/json") as stranger:
        assert (await stranger.get("/desk")).status_code == 401
        assert (await stranger.post(f"/desk/calls/{CALL}/claim", json={"page": anna.page})).status_code == 403
    forged = await anna.browser.post(f"/desk/calls/{CALL}/claim", json={"page": anna.page})
    assert forged.status_code == 403
    admin = await house.kit.person("ivan", "it_admin")
    async with house.kit.signed_in(admin, accept="application/json") as browser:
        assert (await browser.get("/desk")).status_code == 403
    assert await house.desk.rooms.find(CALL) is not None


async def test_the_page_speaks_both_languages_and_runs_no_inline_script(house: House) -> None:
    anna = await house.clinician("anna")
    english = (await anna.browser.get("/desk", headers={"accept": "text/html", "accept-language": "en"})).text
    danish = (await anna.browser.get("/desk", headers={"accept": "text/html", "accept-language": "da"})).text
    assert ">Answer</button>" in english
    assert ">Svar</button>" in danish
    assert "<script>" not in english
    assert "onclick" not in english


async def test_scripts_that_import_each_other_are_of_one_version(house: House) -> None:
    anna = await house.clinician("anna")
    page = (await anna.browser.get("/desk", headers={"accept": "text/html"})).text
    stamped = re.search(r"/static/desk/desk\.js\?[0-9a-f]+", page)
    assert stamped is not None
    first = await anna.browser.get(stamped[0])
    assert "immutable" in first.headers["cache-control"]
    for imported in re.findall(r'from "\./(\w+\.js)"', first.text):
        other = await anna.browser.get(f"/static/desk/{imported}")
        assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
