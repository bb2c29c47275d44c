"""The desk at work: a station that speaks, clinicians that click, and what the registry keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from messaging.call import (
    Accept,
    Alerting,
    Connected,
    Devices,
    Hangup,
    Lost,
    Offer,
    Request,
    Status,
)
from region.desk.hands import ENDS_WITHIN_S
from region.desk.subject import make_desk
from tests.kits.eventually import eventually
from tests.kits.region.desk import CALL, OFFER, House, caller, ring, talk

# A press


async def test_a_press_rings_and_both_ends_get_relay_credentials_of_their_own(house: House) -> None:
    anna = await house.clinician("anna")
    await ring(house)
    ringing = house.station.heard_last()
    assert (ringing["type"], ringing["clinic"]) == ("ringing", "Bakkens Klinik")
    entry = (await anna.post(f"calls/{CALL}/claim")).json()
    (theirs,), (ours,) = ringing["ice_servers"], entry["ice_servers"]
    assert theirs["urls"] == ours["urls"] == ["turn:turn.test:3478"]
    assert theirs["username"].endswith(house.station.id)
    assert ours["username"].endswith("anna")
    assert theirs["credential"] != ours["credential"]


async def test_the_one_who_answers_gets_the_offer_and_the_resident_sees_the_name(house: House) -> None:
    anna = await house.clinician("anna")
    await ring(house, camera="missing")
    entry = (await anna.post(f"calls/{CALL}/claim")).json()
    assert entry["offer"] == {"generation": 1, "sdp": OFFER.sdp}
    assert entry["view"]["lacks"] == ["camera"]
    assert entry["view"]["site"] == "Solgården"
    await anna.post(f"calls/{CALL}/answer", generation=1, sdp="v=0 answer")
    said = house.station.heard_last()
    assert (said["type"], said["name"], said["role"], said["sdp"]) == ("answer", "Anna", "GP", "v=0 answer")


async def test_of_two_who_click_at_once_exactly_one_gets_it_and_the_other_is_told_who(house: House) -> None:
    anna, bo = await house.clinician("anna"), await house.clinician("bo")
    await ring(house)
    answers = await asyncio.gather(*(one.post(f"calls/{CALL}/claim") for one in (anna, bo, anna, bo)))
    won = [one for one in answers if one.status_code == 200]
    assert len(won) == 1
    winner = "Anna" if won[0] in (answers[0], answers[2]) else "Bo"
    for lost in answers:
        if lost not in won:
            assert (lost.status_code, lost.json()["code"], lost.json()["by"]) == (409, "taken", winner)


async def test_the_audit_tells_who_when_and_how_it_ended(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    await house.clock.advance(90.0)
    assert (await anna.post(f"calls/{CALL}/hangup")).status_code == 200
    assert house.station.heard_last() == {"type": "hangup", "reason": "clinician_left"}
    assert await house.audit() == [
        (house.station.id, "call.requested", "waiting"),
        ("anna", "call.answered", "answered"),
        ("anna", "call.ended", "clinician_left"),
    ]
    async with house.kit.region.registry.read() as t:
        (last, *_) = await t.audit.recent(1)
    assert last.detail == {"clinician": "Anna", "seconds": 90.0, "connected_seconds": 90.0}


async def test_hanging_up_what_is_over_is_no_error(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    await house.station.says(Hangup("resident_left"))
    assert (await anna.sees("call"))["state"] == "connecting"
    assert (await anna.post(f"calls/{CALL}/hangup")).status_code == 200
    assert [row[2] for row in await house.audit()][-1] == "resident_left"


# The boards


async def test_the_board_shows_who_waits_and_for_how_long(house: House) -> None:
    running = asyncio.create_task(house.desk.run())
    anna = await house.clinician("anna")
    await house.clock.advance(1.0)
    await ring(house, microphone="fault")
    await house.clock.advance(1.0)
    board = await anna.sees("board")
    (waiting,) = board["waiting"]
    assert (waiting["name"], waiting["site"], waiting["reason"]) == ("Room 4", "Solgården", "button")
    assert (waiting["lacks"], waiting["waited_s"]) == (["microphone"], pytest.approx(0.0, abs=1.0))
    (station,) = board["stations"]
    assert (station["ready"], station["busy"]) == ("ready", "waiting")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_board_tells_the_clinic_of_a_call_whose_line_has_been_away_for_a_minute(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    await house.station.says(Connected(1, 100.0))
    await house.station.says(Lost(1))

    async def busy() -> str:
        (station,) = (await house.desk.boards.look(house.clinic.id))["stations"]
        return f"{station['busy']} {station['with']}"

    assert await busy() == "answered Anna"
    await house.clock.advance(60.0)
    assert await busy() == "lost Anna"
    await house.station.says(Connected(1, 60_000.0))
    assert await busy() == "answered Anna"


async def test_a_call_that_nobody_answered_stays_on_the_board_as_missed(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    await anna.post(f"calls/{CALL}/hangup")
    await house.clock.advance(60.0)
    missed = "ffff000011112222"
    await house.station.says(Request(Devices()), missed)
    await house.station.says(Hangup("no_answer"), missed)
    recent = (await house.desk.boards.look(house.clinic.id))["recent"]
    assert [(one["call"], one["missed"], one["connected"], one["with"]) for one in recent] == [
        (missed, True, False, ""),
        (CALL, False, True, "Anna"),
    ]


async def test_a_camera_that_fails_at_an_idle_station_is_on_the_board_within_seconds(house: House) -> None:
    running = asyncio.create_task(house.desk.run())
    anna = await house.clinician("anna")
    await house.desk.hands.page_opened(caller(anna), None)
    async with house.kit.region.registry.begin() as t:
        report = {"devices": {"camera": "missing", "microphone": "ok", "speaker": "ok"}}
        await t.reports.set_report(house.station.id, "m/health", report, "boot", 1, house.clock.wall())
    seen = asyncio.create_task(anna.sees("board"))
    while not seen.done():  # the database answers in its own time, not by this clock
        await house.clock.advance(1.0)
        await asyncio.wait([seen], timeout=0.01)
    assert seen.result()["stations"][0]["lacks"] == ["camera"]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_report_made_before_the_call_program_was_there_says_nothing_of_devices(house: House) -> None:
    """The agent is up first, and its first report of each start knows of no devices yet."""
    for processes, lacks in (({"call": "stopped"}, []), ({"call": "running"}, ["camera"])):
        report = {"devices": {"camera": "fault"}, "processes": processes}
        async with house.kit.region.registry.begin() as t:
            await t.reports.set_report(house.station.id, "m/health", report, "boot", 1, house.clock.wall())
        board = await house.desk.boards.look(house.clinic.id)
        assert board["stations"][0]["lacks"] == lacks, processes


async def test_a_station_whose_clinic_does_not_answer_calls_the_one_that_it_falls_back_on(house: House) -> None:
    async with house.kit.region.registry.begin() as t:
        other = await t.clinics.add("Lægevagten", "", house.clock.wall())
        said = (await t.layers.get("station", house.station.id)).document
        await t.layers.put("station", house.station.id, {**said, "fallback": other.name}, "ivan", house.clock.wall())
    eva, anna = await house.clinician("eva", clinic=other), await house.clinician("anna")
    await house.station.says(Request(Devices(), fallback=True))
    assert house.station.heard_last(CALL)["clinic"] == "Lægevagten"
    assert [one["call"] for one in (await house.desk.boards.look(other.id))["waiting"]] == [CALL]
    assert (await anna.post(f"calls/{CALL}/claim")).json()["code"] == "no_such_call"
    assert (await eva.post(f"calls/{CALL}/claim")).status_code == 200


async def test_a_station_that_falls_back_on_nobody_is_refused(house: House) -> None:
    await house.station.says(Request(Devices(), fallback=True))
    assert house.station.heard_last(CALL) == {"type": "refused", "code": "no_clinic"}


async def test_another_clinic_s_board_and_hands_have_nothing_of_it(house: House) -> None:
    async with house.kit.region.registry.begin() as t:
        other = await t.clinics.add("Strandens Klinik", "", house.clock.wall())
    eva = await house.clinician("eva", clinic=other)
    await ring(house)
    assert (await house.desk.boards.look(other.id))["waiting"] == []
    assert (await eva.post(f"calls/{CALL}/claim")).json()["code"] == "no_such_call"
    assert (await eva.post("calls", station=house.station.id)).json()["code"] == "no_such_call"
    assert (await eva.post(f"calls/{CALL}/hangup")).status_code == 200
    assert await house.desk.rooms.find(CALL) is not None


# A clinician calls


async def test_a_clinician_calls_and_the_offer_comes_while_it_rings(house: House) -> None:
    anna = await house.clinician("anna")
    entry = (await anna.post("calls", station=house.station.id)).json()
    call = entry["view"]["call"]
    invite = house.station.heard_last(call)
    assert (invite["type"], invite["name"], invite["role"]) == ("invite", "Anna", "GP")
    await house.station.says(Alerting(Devices(speaker="missing")), call)
    view = await anna.sees("call")
    assert (view["state"], view["lacks"]) == ("alerting", ["speaker"])
    await house.station.says(OFFER, call)
    assert await anna.sees("offer") == {"call": call, "generation": 1, "sdp": OFFER.sdp}
    await anna.post(f"calls/{call}/answer", generation=1, sdp="v=0")
    await house.station.says(Accept(), call)
    assert (await anna.sees("call"))["state"] == "connecting"
    await house.station.says(Connected(1, 88.0), call)
    assert (await anna.sees("call"))["state"] == "in_call"


async def test_a_call_that_the_station_answered_by_itself_is_told_to_the_clinician_and_written_down(
    house: House,
) -> None:
    anna = await house.clinician("anna")
    call = (await anna.post("calls", station=house.station.id)).json()["view"]["call"]
    await house.station.says(Alerting(Devices()), call)
    assert not (await anna.sees("call"))["by_itself"]
    await house.station.says(Accept(by_itself=True), call)
    view = await anna.sees("call")
    assert (view["state"], view["by_itself"]) == ("connecting", True)
    await house.station.says(OFFER, call)
    await house.station.says(Connected(1, 88.0), call)
    while view["state"] != "in_call":
        view = await anna.sees("call")
    assert view["by_itself"], "for as long as the call lasts"
    assert ("call.answered", "by_itself") in [(action, outcome) for _, action, outcome in await house.audit()]


async def test_a_call_that_the_resident_answered_is_no_row_of_its_own(house: House) -> None:
    anna = await house.clinician("anna")
    call = (await anna.post("calls", station=house.station.id)).json()["view"]["call"]
    await house.station.says(Alerting(Devices()), call)
    await house.station.says(Accept(), call)
    assert "call.answered" not in [action for _, action, _ in await house.audit()]


async def _waits(house: House, posted: asyncio.Task[Any]) -> None:
    """The desk is not done with it for a while, though it may look again."""
    for _ in range(10):
        await house.clock.advance(ENDS_WITHIN_S / 100)
    assert not posted.done()


async def _answer(house: House, posted: asyncio.Task[Any]) -> Any:
    """What it came to, in JSON; time goes on meanwhile, slower than the desk reads its database."""

    async def done() -> bool:
        await house.clock.advance(ENDS_WITHIN_S / 100)
        return posted.done()

    await eventually(done)
    return (await posted).json()


async def test_who_calls_again_before_the_end_of_the_last_call_has_come_is_not_told_that_it_is_busy(
    house: House,
) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    again = asyncio.create_task(anna.post("calls", station=house.station.id))
    await _waits(house, again)
    assert (await anna.post(f"calls/{CALL}/hangup", reason="clinician_left")).status_code == 200
    view = (await _answer(house, again))["view"]
    assert (view["state"], view["outgoing"], view["call"] != CALL) == ("inviting", True, True)
    assert [one["type"] for one in house.station.heard(view["call"])] == ["invite"]
    assert house.station.heard_last()["type"] == "hangup"


async def test_who_answers_the_next_resident_before_that_does_not_lose_the_call(house: House) -> None:
    anna, other = await house.clinician("anna"), await house.another_station()
    await talk(house, anna)
    await other.comes()
    await other.says(Request(Devices()), "c0ffee0011223344")
    claimed = asyncio.create_task(anna.post("calls/c0ffee0011223344/claim"))
    await _waits(house, claimed)
    await house.station.says(Hangup("resident_left"))  # the page knew it by the call's own connection
    assert (await _answer(house, claimed))["view"]["state"] == "connecting"


async def test_a_station_that_is_away_busy_or_unknown_cannot_be_called_and_each_is_said(house: House) -> None:
    anna, bo = await house.clinician("anna"), await house.clinician("bo")
    assert (await anna.post("calls", station="st-nosuch00")).json()["code"] == "no_such_call"
    assert (await anna.post("calls", station=house.station.id)).status_code == 200
    assert (await bo.post("calls", station=house.station.id)).json()["code"] == "station_busy"
    other = await house.another_station()
    assert (await bo.post("calls", station=other.id)).json()["code"] == "station_offline"
    await other.comes()
    again = asyncio.create_task(anna.post("calls", station=other.id))
    await _waits(house, again)
    assert (await _answer(house, again))["code"] == "in_a_call"
    house.kit.downlink.is_up = False
    assert (await bo.post("calls", station=other.id)).json()["code"] == "link_down"
    assert [row[2] for row in await house.audit()][-1] == "link_down"


async def test_a_press_that_crosses_with_an_invitation_is_the_one_that_counts(house: House) -> None:
    anna = await house.clinician("anna")
    call = (await anna.post("calls", station=house.station.id)).json()["view"]["call"]
    await ring(house)
    view = await anna.sees("call")
    assert (view["call"], view["state"], view["reason"]) == (call, "ended", "replaced")
    assert (await anna.post(f"calls/{CALL}/claim")).status_code == 200


# Several processes


async def test_what_two_processes_say_in_a_call_comes_in_one_order(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    other = make_desk(house.kit.region)
    house.station.desk = other
    await house.station.says(Lost(1))
    await house.station.says(Request(Devices()))
    await other.hands.hang_up(caller(anna), CALL, "clinician_left")
    said = [sent.place for sent in house.kit.downlink.sent if sent.place is not None]
    assert [(place.boot, place.seq) for place in said] == [(f"desk-{CALL}", n) for n in range(1, len(said) + 1)]
    assert len(said) == len(house.station.heard()) == 4


async def test_a_press_delivered_again_is_one_call_and_rings_again(house: House) -> None:
    await house.station.says(Request(Devices()))
    house.station.desk = make_desk(house.kit.region)
    await house.station.says(Request(Devices()))
    assert [said["type"] for said in house.station.heard()] == ["ringing", "ringing"]
    assert [row[1] for row in await house.audit()] == ["call.requested"]


async def test_a_page_whose_process_died_is_gone_and_one_that_is_open_elsewhere_is_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    elsewhere = make_desk(house.kit.region)
    for _ in range(6):
        await house.clock.advance(4.0)
        await house.desk.rooms.see_pages()
        await elsewhere.rooms.tick()
    held = await elsewhere.rooms.find(CALL)
    assert held is not None
    assert held.room.away is None

    async def dead() -> None:
        """A process that died looks at no page; its loop here would, when the clock is moved."""

    monkeypatch.setattr(house.desk.rooms, "see_pages", dead)
    await house.clock.advance(12.0)
    await elsewhere.rooms.tick()
    gone = await elsewhere.rooms.find(CALL)
    assert gone is not None
    assert gone.room.away is not None


# Pages come and go


async def test_a_reloaded_page_goes_on_in_the_same_call(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    await house.is_left_by(anna)
    again = await house.page_of(anna.person, anna.page)
    first = await house.desk.hands.page_opened(caller(again), None)
    assert [name for name, _ in first] == ["board", "call"]
    assert (first[1][1]["call"], first[1][1]["page"]) == (CALL, again.page)
    assert (await again.post(f"calls/{CALL}/rejoin")).json()["view"]["state"] == "resuming"
    renew = house.station.heard_last()
    assert (renew["type"], len(renew["ice_servers"])) == ("renew", 1)
    await house.station.says(Offer(2, "v=0 again"))
    assert (await again.sees("offer"))["generation"] == 2


async def test_a_second_tab_is_told_where_the_call_is_and_may_take_it(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    tab = await house.page_of(anna.person, "t" * 16)
    (_, (_, view)) = await house.desk.hands.page_opened(caller(tab), None)
    assert (view["page"], view["away"]) == (anna.page, False)
    await tab.post(f"calls/{CALL}/rejoin")
    assert (await anna.sees("call"))["page"] in (anna.page, tab.page)
    assert (await anna.post(f"calls/{CALL}/answer", generation=1, sdp="v=0")).json()["code"] == "not_yours"


async def test_a_browser_that_vanishes_costs_nothing_until_the_station_gives_up(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    await house.is_left_by(anna)
    await house.clock.advance(4.5)
    await house.station.says(Lost(1))
    await house.clock.advance(25.0)
    await house.desk.rooms.see_pages()
    await house.desk.rooms.tick()
    assert await house.desk.rooms.find(CALL) is not None
    await house.station.says(Hangup("media_lost"))
    assert await house.desk.rooms.find(CALL) is None
    assert (await house.audit())[-1] == (house.station.id, "call.ended", "media_lost")


async def test_a_page_that_comes_back_after_the_end_is_told_how_it_ended(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    await house.station.says(Hangup("resident_left"))
    (_, (name, data)) = await house.desk.hands.page_opened(caller(anna), CALL)
    assert (name, data) == ("no_call", {"call": CALL, "reason": "resident_left"})


# The region is restarted


async def test_a_region_that_was_restarted_knows_its_calls_and_hang_ups_still_work(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    desk = make_desk(house.kit.region)
    house.desk = house.station.desk = desk
    (_, (name, view)) = await desk.hands.page_opened(caller(anna), CALL)
    assert (name, view["state"], view["connected_s"]) == ("call", "in_call", 0.0)
    await house.station.says(Status("in_call", 1, Devices()))
    await desk.hands.hang_up(caller(anna), CALL, "clinician_left")
    assert house.station.heard_last() == {"type": "hangup", "reason": "clinician_left"}


async def test_a_call_that_waited_through_a_restart_can_still_be_answered(house: House) -> None:
    anna = await house.clinician("anna")
    await ring(house)
    desk = make_desk(house.kit.region)
    await desk.link_up()
    assert house.station.heard_last()["type"] == "ringing", "its offer is kept: there is nothing to ask for"
    entry = await desk.hands.claim(caller(anna), CALL)
    assert entry["offer"] == {"generation": 1, "sdp": OFFER.sdp}


async def test_what_the_broker_retains_does_not_end_a_call_but_a_new_run_of_the_station_does(house: House) -> None:
    anna = await house.clinician("anna")
    await talk(house, anna)
    await house.station.said_again()
    assert await house.desk.rooms.find(CALL) is not None
    await house.station.goes()
    assert await house.desk.rooms.find(CALL) is not None
    await house.station.comes(call=CALL)
    assert await house.desk.rooms.find(CALL) is not None
    await house.station.comes(boot="another-run")
    assert await house.desk.rooms.find(CALL) is None
    assert (await house.audit())[-1][2] == "station_restarted"
