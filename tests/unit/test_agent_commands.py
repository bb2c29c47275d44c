"""Commands as region and neighbours see them: done once, told step by step, never in a call, and never forged."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from device.agent.commands import running
from device.agent.commands.running import MOST_ATTEMPTS
from messaging.command import (
    DISTURBING,
    Diagnostics,
    Identify,
    Lock,
    Order,
    Reboot,
    Renew,
    Restart,
    SelfTest,
    Volume,
    Wipe,
)
from messaging.jws import SIGNING
from messaging.signed import carry
from messaging.twin import Config
from provisioning.authority.certificates import Issuer
from tests.kits.station.agent import AGENT, STATION
from tests.kits.station.commands import CID, Commanded, Screen, commanded
from tests.kits.trust.signing import Forger

DONE = [("init", ""), ("executing", ""), ("successful", "")]
OTHER = "f" * 16


async def test_a_volume_holds_at_once_across_a_restart_and_until_the_next_config(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Volume(35))
        await to.told(CID, "successful")
        assert to.states(CID) == DONE
        await to.station.view(lambda view: view.config.volume == 35)
        await to.restart()
        await to.station.view(lambda view: view.config.volume == 35)
        in_force = to.station.agent._twin.in_force
        assert in_force.config.volume == Config().volume, "the config itself says what the region said"


async def test_a_self_test_tells_figures_and_opens_nothing(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, SelfTest())
        await to.told(CID, "successful")
        figures = to.station.sent(f"up/cmd/self_test/{CID}")[-1]["figures"]
        assert figures["ready"] == 0.0, "no clinic has been set"
        assert figures["region"] == 1.0
        assert to.call.asked == []


async def test_station_call_is_started_anew_once(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Restart("call"))
        await to.told(CID, "successful")
        assert to.states(CID) == DONE
        assert (to.call.runs, to.call.asked) == (2, ["run-1"])


async def test_the_screen_is_started_anew_once(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        screen = Screen(to.station.run)
        drawing = asyncio.create_task(screen.run())
        try:
            await to.station.until(lambda: to.station.agent._neighbours.run("screen"))
            to.give(CID, Restart("screen"))
            await to.told(CID, "successful")
        finally:
            drawing.cancel()
            await asyncio.wait([drawing])
        assert screen.runs == 2


async def test_who_does_not_run_is_not_started_anew(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Restart("screen"))
        await to.told(CID, "failed", "not_running")


@pytest.mark.parametrize("order", [Restart("agent"), Reboot()])
async def test_what_ends_the_agent_is_told_done_by_the_next_run_and_never_done_twice(
    tmp_path: Path, order: Order
) -> None:
    async with commanded(tmp_path) as to:
        payload = to.give(CID, order)
        await to.station.until(lambda: ("executing", "") in to.states(CID))
        assert await to.station.ends()
        await to.restart()
        to.send(payload, "restart" if isinstance(order, Restart) else "reboot", CID)
        await to.told(CID, "successful")
        await to.station.advance(10)
        assert not to.station.failed()
        assert set(to.states(CID)) == set(DONE)
        machine = to.station.agent._hands.machine()
        assert (machine == "first") is isinstance(order, Restart)


@pytest.mark.parametrize("order", [Reboot(), Restart("call"), SelfTest(), Identify(), Lock(), Wipe(STATION)])
async def test_what_disturbs_waits_for_the_end_of_a_call_and_says_so(tmp_path: Path, order: Order) -> None:
    async with commanded(tmp_path) as to:
        to.call.show("in_call")
        await to.station.view(lambda view: view.enrolled)
        await to.station.advance(1)
        to.give(CID, order)
        to.give(OTHER, Volume(20))
        await to.told(CID, "scheduled", "in_call")
        await to.told(OTHER, "successful")
        await to.station.advance(20)
        assert to.states(CID)[-1] == ("scheduled", "in_call")
        assert not to.station.failed()


async def test_a_call_that_begins_meanwhile_comes_first_and_the_order_is_carried_out_after_it(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.call.state = "in_call"  # the agent has not heard of it yet
        to.give(CID, Restart("call"))
        await to.told(CID, "executing")
        await to.station.until(lambda: to.call.asked)
        to.call.show()
        await to.station.advance(5)
        assert to.call.runs == 1
        to.call.show("idle")
        await to.told(CID, "successful")
        assert to.call.runs == 2


async def test_an_order_in_which_the_agent_dies_each_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    async def never_done(cid: str, *_: object) -> None:
        begun.append(cid)
        await asyncio.Event().wait()

    monkeypatch.setattr(running, "carry_out", never_done)
    async with commanded(tmp_path) as to:
        to.give(CID, Volume(35))
        for times in range(1, MOST_ATTEMPTS + 1):
            assert await to.station.lives_until(lambda times=times: len(begun) == times, 10.0)
            await to.restart()
        await to.told(CID, "failed", "gave_up")
        assert begun == [CID] * MOST_ATTEMPTS


async def test_diagnostics_that_cannot_be_handed_in_say_why(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Diagnostics())
        await to.told(CID, "failed", "disk")
        assert to.states(CID) == [("init", ""), ("executing", ""), ("failed", "disk")], "there is no key to show"


async def test_a_renewal_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.give(CID, Renew())
        await to.told(CID, "failed", "state_unusable")


async def test_a_station_that_is_wiped_says_so_first_and_is_nobody_then(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        station = to.station
        (station.state / "key.pem").write_bytes(b"a key")
        station.code.write_bytes(b"a code")
        payload = to.give(CID, Wipe(STATION))
        await to.told(CID, "successful")
        assert await station.ends()
        await to.restart()
        await station.view(lambda view: not view.enrolled)
        left = {path.name for path in station.state.iterdir()}
        assert left <= {"commands.sqlite", "commands.sqlite-wal", "commands.sqlite-shm", "clock", "outbox.sqlite",
                        "outbox.sqlite-wal", "outbox.sqlite-shm"}  # fmt: skip
        assert not station.code.exists()
        # Claimed again, the same order does nothing: the journal has forgotten all but when it was issued.
        await station.stop()
        station.enrol(to.kit.authority)
        (station.state / "ca.pem").write_bytes(to.kit.roots_pem)
        station.agent = station.boot()
        await station.start()
        await station.born(2)
        to.send(payload, "wipe", CID)
        await to.refused(1)
        assert (station.state / "identity.json").exists()


# --- attacks ---


async def test_a_replay_does_nothing_and_is_told_what_it_came_to(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        payload = to.give(CID, Restart("call"))
        await to.told(CID, "successful")
        to.station.broker.duplicate_next()
        to.send(payload, "restart", CID)
        await to.station.until(lambda: to.states(CID).count(("successful", "")) == 3)
        await to.restart()
        to.send(payload, "restart", CID)
        await to.station.until(lambda: to.states(CID).count(("successful", "")) == 4)
        await to.station.advance(10)
        assert to.call.runs == 2


async def test_a_retained_command_is_never_done(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.station.broker.cut(AGENT)
        payload = to.station.region.seal(carry(to.kit.jws(to.word(CID, Volume(1)))))
        await to.station.advance(1)
        await to.station.stop()
        to.station.broker._sessions.clear()
        to.send(payload, "volume", CID, retain=True)
        to.station.broker.restore(AGENT)
        to.station.agent = to.station.boot()
        await to.station.start()
        await to.refused(1)
        await to.station.advance(5)
        assert to.states(CID) == []


@pytest.mark.parametrize("what", ["unsigned", "altered", "forged", "by_a_station", "another_station", "other_topic"])
async def test_what_the_region_did_not_sign_for_this_place_is_counted_and_answered_with_nothing(
    tmp_path: Path, what: str
) -> None:
    async with commanded(tmp_path) as to:
        to.send(_attack(to, what), "volume", OTHER if what == "other_topic" else CID)
        await to.refused(1)
        await to.station.advance(5)
        assert to.states(CID) == to.states(OTHER) == []
        await to.station.view(lambda view: view.config.volume == Config().volume)


def _attack(to: Commanded, what: str) -> bytes:
    word = to.word(CID, Volume(1))
    seal = to.station.region.seal
    if what == "unsigned":
        return seal({"percent": 1})
    if what == "another_station":
        return seal(carry(to.kit.jws(to.word(CID, Volume(1), station="st-another1"))))
    if what == "altered":
        header, text, signature = to.kit.jws(word).split(b".")
        said = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)).replace(b'"percent":1', b'"percent":9')
        return seal(carry(b".".join((header, base64.urlsafe_b64encode(said).rstrip(b"="), signature))))
    if what in ("forged", "by_a_station"):
        stranger = Commanded(to.station).kit if what == "by_a_station" else None
        issuer = _stranger(to) if stranger is None else stranger.authority._held.stations
        return seal(carry(Forger(to.station.clock, issuer, (SIGNING,)).jws(word)))
    return seal(carry(to.kit.jws(word)))


def _stranger(to: Commanded) -> Issuer:
    from provisioning.authority import vault

    return vault.new_root(to.station.clock, "A stranger")


async def test_an_expired_command_is_answered_and_not_done(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        payload = to.station.region.seal(carry(to.kit.jws(to.word(CID, Volume(1), lasts_s=60))))
        clock = to.station.clock
        clock.set_wall(clock.wall() + 61)  # type: ignore[attr-defined]
        to.send(payload, "volume", CID)
        await to.told(CID, "failed", "expired")
        to.give(OTHER, Reboot(), lasts_s=30)
        to.call.show("in_call")
        await to.told(OTHER, "scheduled", "in_call")
        await to.told(OTHER, "failed", "expired")


async def test_a_clock_that_nobody_set_lets_a_command_wait_for_one_that_is_right(tmp_path: Path) -> None:
    async with commanded(tmp_path, hardware="linux") as to:
        to.give(CID, Volume(30), lasts_s=3600)
        await to.told(CID, "scheduled", "clock")
        clock = to.station.clock
        clock.set_wall(clock.wall() + 7200)  # type: ignore[attr-defined]
        await to.station.advance(5)
        assert to.states(CID)[-1] == ("scheduled", "clock")
        synchronised = tmp_path / "machine" / "run" / "systemd" / "timesync" / "synchronized"
        synchronised.parent.mkdir(parents=True)
        synchronised.touch()
        await to.told(CID, "failed", "expired")
        to.give(OTHER, Volume(30))
        await to.told(OTHER, "successful")


async def test_a_disk_that_refuses_the_journal_takes_no_command(tmp_path: Path) -> None:
    async with commanded(tmp_path) as to:
        to.station.agent._commands.journal.close()
        for path in to.station.state.glob("commands.sqlite*"):
            path.unlink()
        (to.station.state / "commands.sqlite").mkdir()
        to.give(CID, Volume(30))
        await to.station.advance(10)
        assert to.states(CID) == []
        assert not to.station.failed()


def test_all_that_disturbs_is_known_to() -> None:
    assert {"restart", "reboot", "self_test", "wipe"} <= DISTURBING
