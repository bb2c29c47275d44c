"""Whom the agent believes: what is not signed for this station changes nothing, is counted, and is told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from device.agent.words import Words
from messaging.envelope import ClockTrust, Sealer
from messaging.errors import ExpiredWord, ForeignWord, MessageError, Unsigned
from messaging.signed import Word, carry
from messaging.twin import Config, Desired
from provisioning.station.keystore import Keystore
from tests.kits.clock import ManualClock
from tests.kits.station.agent import STATION, Station, running_agent
from tests.kits.trust.signing import Forger, SigningKit

FALSE = {"clinic": "Somebody Else"}


async def _say(station: Station, data: dict[str, Any]) -> None:
    """As it is: the kit's own `say` would sign it."""
    station.say(station.region.seal(data), "desired")
    await station.advance(1)


async def _health(station: Station) -> dict[str, Any]:
    await station.advance(70)
    await station.until(lambda: station.sent("up/m/health"))
    return station.sent("up/m/health")[-1]


def _forgeries(station: Station) -> dict[str, dict[str, Any]]:
    signer, clock = station.signer, station.clock
    held = signer.authority._held
    false = Word("desired", STATION, clock.wall(), {"config": FALSE}, version=9)
    true = signer.desired(STATION, 9, FALSE)["jws"]
    return {
        "nothing signed": {"version": 9, "config": FALSE},
        "not a signed word": {"jws": "x.y"},
        "not what was signed": {"jws": true[:-8] + "AAAAAAAA"},
        "not one for signing words": carry(Forger(clock, held.stations).jws(false)),
        "another station": signer.desired("st-00000002", 9, FALSE),
        "older than 3": signer.desired(STATION, 2, FALSE),
        "with other content": signer.desired(STATION, 3, FALSE),
    }


async def test_what_is_not_believed_is_said_as_document_and_costs_nothing_that_is_in_force(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        station.say({"version": 3, "config": {"clinic": "A", "volume": 900}}, "desired")
        await station.born(2)
        before = (station.state / "config.json").read_text()
        for reason, data in _forgeries(station).items():
            heard = len(station.sent("up/reported"))
            await _say(station, data)
            await station.until(lambda heard=heard: len(station.sent("up/reported")) > heard)
            reported = station.sent("up/reported")[-1]
            assert (reported["version"], reported["config"]["clinic"]) == (3, "A")
            assert reason in reported["refused"]["document"]
            assert reported["refused"]["volume"] == "not between 0 and 100", "what was refused of the true one is kept"
            assert (station.state / "config.json").read_text() == before
        assert (await _health(station))["refused_messages"] == len(_forgeries(station))
        station.say(Desired(4, Config(clinic="B")), "desired")
        await station.until(lambda: station.sent("up/reported")[-1]["version"] == 4)
        assert station.sent("up/reported")[-1]["refused"] == {}


async def test_who_repeats_himself_is_counted_and_not_told_of_again(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        for _ in range(30):
            await _say(station, {"version": 9, "config": FALSE})
        assert len(station.sent("up/reported")) == 2
        await station.until(lambda: station.sent("up/e/config_refused"))
        assert len(station.sent("up/e/config_refused")) == 1
        assert (await _health(station))["refused_messages"] == 30


async def test_what_the_broker_has_kept_comes_again_with_each_connection_and_is_no_replay(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        data = station.signer.desired(STATION, 3, {"clinic": "A"})
        for _ in range(3):
            await _say(station, data)
        await station.until(lambda: station.sent("up/reported")[-1]["version"] == 3)
        assert station.sent("up/reported")[-1]["refused"] == {}
        assert (await _health(station))["refused_messages"] == 0


async def test_a_version_beside_the_signed_one_does_not_count(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        body = {"version": 99, "config": {"clinic": "A"}}
        word = Word("desired", STATION, station.clock.wall(), body, version=3)
        await _say(station, {**carry(station.signer.jws(word)), "version": 98})
        await station.until(lambda: len(station.sent("up/reported")) > 1)
        assert station.sent("up/reported")[-1]["version"] == 3


# --- the reader itself ---


def reader(folder: Path, clock: ManualClock, trust: ClockTrust = "ntp") -> Words:
    folder.mkdir(exist_ok=True)
    (folder / "ca.pem").write_bytes(SigningKit(clock).roots_pem)
    return Words(STATION, Keystore(folder), Sealer(clock.monotonic, clock.wall, lambda: trust))


@pytest.mark.parametrize("trust", ["unset", "floor"])
def test_a_clock_that_is_not_trusted_judges_no_date_and_one_that_is_does(tmp_path: Path, trust: ClockTrust) -> None:
    clock = ManualClock()
    data = SigningKit(clock).desired(STATION, 1, {})
    clock.set_wall(0.0)
    (tmp_path / "ca.pem").write_bytes(SigningKit(ManualClock()).roots_pem)
    keystore = Keystore(tmp_path)
    assert (
        Words(STATION, keystore, Sealer(clock.monotonic, clock.wall, lambda: trust)).read("desired", data).version == 1
    )
    with pytest.raises(ExpiredWord):
        Words(STATION, keystore, Sealer(clock.monotonic, clock.wall, lambda: "ntp")).read("desired", data)


def test_a_root_that_a_renewal_brought_counts_at_once(tmp_path: Path) -> None:
    clock = ManualClock()
    words = reader(tmp_path / "s", clock)
    ahead = ManualClock(wall=clock.wall() + 86_400)
    other = SigningKit(ahead)
    data = other.desired(STATION, 1, {})
    clock.set_wall(ahead.wall())
    with pytest.raises(ForeignWord):
        words.read("desired", data)
    (tmp_path / "s" / "ca.pem").write_bytes(other.roots_pem + (tmp_path / "s" / "ca.pem").read_bytes())
    assert words.read("desired", data).version == 1


@pytest.mark.parametrize("content", [None, b"", b"damaged", bytes(64)])
def test_without_roots_nobody_is_believed(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    words = reader(tmp_path, clock)
    path = tmp_path / "ca.pem"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(MessageError):
        words.read("desired", SigningKit(clock).desired(STATION, 1, {}))
    assert "nothing the region says can be believed" in caplog.text


def test_what_is_not_signed_is_refused_before_a_disk_is_asked(tmp_path: Path) -> None:
    words = Words(STATION, Keystore(tmp_path / "nowhere"), Sealer(lambda: 0.0, lambda: 0.0))
    with pytest.raises(Unsigned):
        words.read("desired", {"version": 1, "config": {}})
