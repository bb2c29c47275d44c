"""What holds on after its order: out of use, words on the screen, and a station that shows which one it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.agent.commands.lasting import Lasting, pressed_at_home
from messaging.command import ORDERS, Identify, Lock, Message, Order, Restart, Unlock, Volume, Wipe
from messaging.local import AT_HOME, LOCK, CallState, CallView, End, ShowWhich
from tests.kits.clock import ManualClock
from tests.kits.station.agent import STATION, call_view
from tests.kits.station.commands import CID, commanded

TEXT = "Vi kommer kl. 10"
OTHER = "f" * 16
# None of these brings a picture or a sound of the room anywhere.
MAY_BE_SAID_TO_CALL = (End, ShowWhich)


async def test_a_message_is_shown_until_its_time(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Message(TEXT, 60))
        await to.told(CID, "successful")
        await to.station.view(lambda view: view.message == TEXT)
        await to.station.advance(61)
        await to.station.view(lambda view: not view.message)


async def test_a_message_outlives_the_agent_and_goes_with_the_press_that_shows_it_was_seen(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Message(TEXT, 3600))
        await to.told(CID, "successful")
        await to.restart()
        await to.station.view(lambda view: view.message == TEXT)
        await to.station.until(lambda: to.station.agent._neighbours.call is not None)
        to.call.press("calling")
        await to.station.view(lambda view: not view.message)
        assert not (to.station.run / "message.json").exists()
        assert TEXT.encode() not in (to.station.state / "commands.sqlite").read_bytes()


async def test_a_message_that_comes_in_a_call_waits_for_the_eye_and_not_for_the_press_that_ends_the_call(
    tmp_path: Path,
) -> None:
    async with commanded(tmp_path) as to:
        to.call.show("in_call")
        await to.station.advance(1)
        to.give(CID, Message(TEXT, 600))
        await to.told(CID, "successful")
        to.call.press("ending")
        to.call.show("idle")
        await to.station.advance(2)
        await to.station.view(lambda view: view.message == TEXT)


async def test_nobody_is_told_that_a_message_is_shown_where_there_is_no_screen(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        await to.station.advance(60)  # a screen that is on its way would have come by now
        to.give(CID, Message(TEXT))
        await to.told(CID, "failed", "not_running")


async def test_a_station_put_out_of_use_is_so_after_a_restart_and_until_it_is_put_in_use(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Lock())
        await to.told(CID, "successful")
        await to.station.view(lambda view: view.locked)
        await to.restart()
        await to.station.view(lambda view: view.locked)
        await to.station.advance(4)
        await to.station.until(lambda: any(report["locked"] for report in to.station.sent("up/m/health")))
        assert (to.station.state / LOCK).exists()
        to.give(OTHER, Unlock())
        await to.told(OTHER, "successful")
        await to.station.view(lambda view: not view.locked)
        assert not (to.station.state / LOCK).exists()


async def test_the_region_sees_at_once_whether_a_station_is_out_of_use(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        await to.station.advance(4)
        await to.station.until(lambda: to.station.sent("up/m/health"))
        for cid, order, locked in ((CID, Lock(), True), (OTHER, Unlock(), False)):
            to.give(cid, order)
            await to.told(cid, "successful")
            await to.station.advance(2)
            await to.station.until(lambda locked=locked: to.station.sent("up/m/health")[-1]["locked"] is locked)


async def test_a_station_in_a_call_is_put_out_of_use_after_it(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.call.show("feedback")  # the resident reads how the call ended
        await to.station.advance(1)
        to.give(CID, Lock())
        await to.told(CID, "scheduled", "in_call")
        await to.station.view(lambda view: not view.locked)
        to.call.show("idle")
        await to.told(CID, "successful")


async def test_a_station_is_found_once_for_each_asking(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Identify(30))
        await to.told(CID, "successful")
        to.give(OTHER, Identify(5))
        await to.told(OTHER, "successful")
        assert [message for message in to.call.heard if isinstance(message, ShowWhich)] == [
            ShowWhich(30), ShowWhich(5),
        ]  # fmt: skip


async def test_a_call_that_begins_just_then_comes_before_being_found(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.call.state = "calling"  # the agent has not heard of it yet
        to.give(CID, Identify())
        await to.station.until(lambda: ShowWhich(20) in to.call.heard)
        to.call.show()
        await to.station.advance(5)
        assert to.call.identified == 0
        to.call.show("idle")
        await to.told(CID, "successful")
        assert to.call.identified == 1


BODIES: dict[type[Order], Order] = {
    Restart: Restart("call"),
    Message: Message(TEXT),
    Volume: Volume(20),
    Wipe: Wipe(STATION),
}


@pytest.mark.parametrize("kind", sorted(ORDERS))
async def test_no_command_says_anything_to_station_call_that_could_open_camera_or_microphone(
    tmp_path: Path, kind: str
) -> None:
    async with commanded(tmp_path) as to:
        order = ORDERS[kind]  # type: ignore[index]
        to.give(CID, BODIES[order] if order in BODIES else order())
        await to.station.ends(by_s=10.0)
        assert ("init", "") in to.states(CID) or to.states(CID)[0][0] == "failed"
        assert all(isinstance(message, MAY_BE_SAID_TO_CALL) for message in to.call.heard)


# --- the parts ---


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path) -> None:
    lasting = Lasting(tmp_path / "gone", tmp_path / "gone", ManualClock(), lambda: None)
    with pytest.raises(OSError, match="gone"):
        lasting.lock(True)
    with pytest.raises(OSError, match="gone"):
        lasting.post(TEXT, 60)
    assert (lasting.locked, lasting.message) == (False, "")


@pytest.mark.parametrize(
    "left", [b"", b"{", b'{"text": "' + b"x" * 2000 + b'"}', b'{"text": "a", "seconds": 60, "until": 1e300}']
)
def test_a_damaged_message_shows_nothing(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "message.json").write_bytes(left)
    assert Lasting(tmp_path, tmp_path, ManualClock(), lambda: None).message == ""


def test_a_message_of_another_run_of_the_machine_shows_nothing(tmp_path: Path) -> None:
    """The monotonic clock has begun anew: how long ago it was nobody can tell."""
    clock = ManualClock(1000.0)
    Lasting(tmp_path, tmp_path, clock, lambda: None).post(TEXT, 60)
    assert Lasting(tmp_path, tmp_path, clock, lambda: None).message == TEXT
    assert Lasting(tmp_path, tmp_path, ManualClock(5.0), lambda: None).message == ""


STATES: tuple[CallState, ...] = (*sorted(AT_HOME), "calling", "ringing", "connecting", "in_call", "ending", "feedback")
views = st.builds(
    lambda state, presses, boot, identifying: replace(
        call_view(boot), state=state, presses=presses, identifying=identifying
    ),
    st.sampled_from(STATES), st.integers(0, 3), st.sampled_from(["run-1", "run-2"]), st.booleans(),
)  # fmt: skip


@given(before=st.none() | views, after=views)
def test_words_go_only_with_a_press_at_a_screen_that_showed_them(before: CallView | None, after: CallView) -> None:
    if pressed_at_home(before, after):
        assert before is not None
        assert before.boot == after.boot
        assert before.state in AT_HOME
        assert after.presses > before.presses
