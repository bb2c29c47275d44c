"""Revoking, quarantine and release: what the registry decides, and how the gate carries it to the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.client_ids import client_id
from messaging.link.port import LinkDown
from messaging.status import Connection
from provisioning.authority import certificates
from provisioning.authority.errors import AuthorityAway
from provisioning.authority.ports import Given
from region.broker import access_rules
from region.registry import Registry, database_url
from region.registry.records import ProcessPresence
from region.stations.admission import Admission, CloneWatch
from region.stations.gate import CHAIN_EVERY_S, REWRITE_EVERY_S, Door, Gate
from region.stations.removing import RemovalService
from region.web.subject import PresenceChange
from tests.kits.clock import ManualClock
from tests.kits.eventually import eventually

KEY = certificates.new_key().public_key()
SPKI = KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certificate(now: float) -> bytes:
    """One of a station, DER."""
    root = certificates.root("a root", certificates.validity(now, timedelta(days=45)))
    made = certificates.leaf("st", KEY, certificates.validity(now, timedelta(days=45)), root, certificates.CLIENT)
    return made.public_bytes(Encoding.DER)


@dataclass
class Broker:
    """What the gate did to the broker, in order."""

    done: list[object] = field(default_factory=list)
    lists: list[set[str]] = field(default_factory=list)
    away: bool = False
    keeps: bool = False  # it cannot be told to forget anything
    issuers: tuple[x509.Certificate, ...] = ()

    async def chain(self) -> tuple[x509.Certificate, ...]:
        return self.issuers

    async def revocation_lists(self, revoked: Sequence[Given]) -> bytes:
        if self.away:
            raise AuthorityAway("it restarts")
        self.lists.append({one.serial for one in revoked})
        return b"list"

    def put_in_force(self, shut_out: Iterable[str], revocations: bytes | None) -> None:
        self.done.append((sorted(shut_out), revocations))

    async def cut_off(self, client_id: str) -> None:
        self.done.append(client_id)

    async def clear(self, station: str) -> None:
        if self.keeps:
            raise LinkDown("it is away")
        self.done.append(f"cleared {station}")

    def door(self, hears: Callable[[], bool] = lambda: True) -> Door:
        return Door(self.put_in_force, self.cut_off, self.clear, hears)

    async def let_go(self, station: str) -> None:
        self.done.append(f"call of {station}")


class Stage:
    """A registry with one station that is connected, and a gate on it."""

    def __init__(self, registry: Registry, station: str, clock: ManualClock) -> None:
        self.registry, self.station, self.clock = registry, station, clock
        self.broker = Broker()
        self.admission = Admission(registry, clock)
        self.gate = Gate(registry, self.broker, self.broker.door(), clock)
        self.gate.let_go.append(self.broker.let_go)
        self.heard: list[PresenceChange] = []
        self.gate.presence.append(self._hear)

    async def _hear(self, change: PresenceChange) -> None:
        self.heard.append(change)

    async def say(self, boot: str, bd: int) -> None:
        """The agent's birth, as the wire hands it on."""
        said = Connection("agent", "online", boot, bd)
        async with self.registry.begin() as t:
            before = await t.reports.presence(self.station, "agent")
            await t.reports.set_presence(self.station, said, self.clock.wall())
        await CloneWatch(self.admission).presence(PresenceChange(self.station, said, before))

    async def standing(self) -> str:
        async with self.registry.read() as t:
            return (await t.stations.get(self.station)).admission


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock, registry = ManualClock(), Registry(database_url(tmp_path))
    await registry.migrate()
    now = clock.wall()
    async with registry.begin() as t:
        site = await t.sites.add("Solgården", now)
        station = await t.stations.add("Stue 4", site.id, None, now)
        await t.certificates.add(Given(station.id, "aa", "k1", _certificate(now), now, now + 45 * 86_400))
    stage = Stage(registry, station.id, clock)
    await stage.say("one", 1)
    await stage.gate.look()
    stage.broker.done.clear()
    yield stage
    await registry.close()


async def test_one_that_stands_by_has_the_broker_beside_it_shut_out_and_leaves_the_rest_to_who_is_on_duty(
    stage: Stage,
) -> None:
    await stage.admission.revoke("ivan", stage.station, "stolen")
    await stage.gate.stand_by()
    assert stage.broker.done == [([stage.station], b"list")]
    await stage.gate.look()
    cut_off = [client_id(stage.station, process, SPKI) for process in ("agent", "call")]
    assert stage.broker.done[1:] == [f"call of {stage.station}", *cut_off]


async def test_a_revoked_station_loses_its_call_then_the_broker_then_its_connections(stage: Stage) -> None:
    await stage.admission.revoke("ivan", stage.station, "stolen")
    await stage.gate.look()
    assert stage.broker.done == [
        f"call of {stage.station}", ([stage.station], b"list"),
        client_id(stage.station, "agent", SPKI), client_id(stage.station, "call", SPKI),
    ]  # fmt: skip
    assert stage.broker.lists[-1] == {"aa"}
    assert [change.now.state for change in stage.heard] == ["offline"]
    async with stage.registry.read() as t:
        actions = [row.action for row in await t.audit.recent(station_id=stage.station)]
    assert actions[:2] == ["station.cut_off", "station.revoke"]


async def test_who_comes_back_in_between_is_cut_off_again_and_then_left_to_the_broker(stage: Stage) -> None:
    await stage.admission.revoke("ivan", stage.station)
    for _ in range(5):
        await stage.gate.look()
    assert stage.broker.done.count(client_id(stage.station, "call", SPKI)) == 3


@pytest.mark.parametrize("comes", [True, False], ids=["ears that come", "ears that never come"])
async def test_the_broker_reads_its_lists_when_the_region_s_ears_are_there_but_waits_for_them_not_long(
    stage: Stage, comes: bool
) -> None:
    heard: list[bool] = []
    door = stage.broker.door(lambda: bool(heard))
    running = asyncio.create_task(Gate(stage.registry, stage.broker, door, stage.clock).run())
    try:
        await stage.clock.advance(2.0)
        assert stage.broker.done == []
        heard += [True] * comes
        await stage.clock.advance(0.2 if comes else 1.5)
        await eventually(lambda: stage.broker.done == [([], b"list")])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_without_the_authority_the_access_list_shuts_out_and_the_revocation_list_follows(stage: Stage) -> None:
    stage.broker.away = True
    await stage.admission.revoke("ivan", stage.station)
    await stage.gate.look()
    assert ([stage.station], None) in stage.broker.done
    stage.broker.away = False
    await stage.gate.look()
    assert ([stage.station], b"list") in stage.broker.done


async def test_a_broker_that_is_away_keeps_nothing_from_being_shut_out(stage: Stage) -> None:
    async def cut_off(_client_id: str) -> None:
        raise LinkDown("away")

    stage.gate._door = replace(stage.broker.door(), cut_off=cut_off)
    await stage.admission.revoke("ivan", stage.station)
    await stage.gate.look()
    assert ([stage.station], b"list") in stage.broker.done


async def test_nothing_is_written_while_nothing_changes_but_the_list_is_anew_each_week(stage: Stage) -> None:
    await stage.gate.look()
    assert stage.broker.done == []
    stage.clock.set_wall(stage.clock.wall() + REWRITE_EVERY_S + 1)
    await stage.gate.look()
    assert stage.broker.done == [([], b"list")]


async def test_a_new_issuer_gets_its_list_within_seconds_or_mosquitto_would_refuse_its_certificates(
    stage: Stage,
) -> None:
    period = certificates.validity(stage.clock.wall(), timedelta(days=1))
    stage.broker.issuers = (certificates.root("a new intermediate", period).certificate,)
    stage.clock.set_wall(stage.clock.wall() + CHAIN_EVERY_S)
    await stage.gate.look()
    assert stage.broker.done == [([], b"list")]
    stage.clock.set_wall(stage.clock.wall() + CHAIN_EVERY_S)
    await stage.gate.look()
    assert len(stage.broker.done) == 1, "it has its list"


async def test_an_authority_that_is_away_when_the_issuers_change_is_asked_again(stage: Stage) -> None:
    period = certificates.validity(stage.clock.wall(), timedelta(days=1))
    stage.broker.issuers = (certificates.root("a new intermediate", period).certificate,)
    stage.broker.away = True
    stage.clock.set_wall(stage.clock.wall() + CHAIN_EVERY_S)
    await stage.gate.look()
    assert stage.broker.done == []
    stage.broker.away = False
    stage.clock.set_wall(stage.clock.wall() + CHAIN_EVERY_S)
    await stage.gate.look()
    assert stage.broker.done == [([], b"list")]


async def test_quarantine_shuts_out_and_release_lets_in_what_was_not_revoked(stage: Stage) -> None:
    assert await stage.admission.quarantine(stage.station, "used_twice", "agent")
    assert not await stage.admission.quarantine(stage.station, "used_twice", "agent"), "one alarm is enough"
    await stage.gate.look()
    assert stage.broker.lists[-1] == {"aa"}
    await stage.admission.release("ivan", stage.station)
    await stage.gate.look()
    assert (stage.broker.lists[-1], stage.broker.done[-1]) == (set(), ([], b"list"))


async def test_who_fills_the_broker_is_shut_out_and_the_log_tells_why(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        await stage.admission.hoards(stage.station)
    assert await stage.standing() == "quarantined"
    async with stage.registry.read() as t:
        rows = [row.detail["why"] for row in await t.audit.recent() if row.action == "station.quarantine"]
    assert rows == ["hoards"]
    assert caplog.text.count("ALARM: whoever has the key of") == 1


async def test_release_does_not_bring_revoked_certificates_back(stage: Stage) -> None:
    await stage.admission.revoke("ivan", stage.station)
    await stage.admission.release("ivan", stage.station)
    await stage.gate.look()
    assert await stage.standing() == "admitted"
    assert stage.broker.lists[-1] == {"aa"}


async def test_two_runs_by_turns_are_a_clone(stage: Stage) -> None:
    await stage.say("two", 1)
    assert await stage.standing() == "admitted", "a restart is no clone"
    await stage.say("one", 2)
    assert await stage.standing() == "quarantined"


async def test_what_is_only_delivered_again_is_no_clone(stage: Stage) -> None:
    await stage.say("two", 1)
    await stage.say("one", 1)
    assert await stage.standing() == "admitted"


async def test_after_a_release_whichever_comes_next_is_taken_for_the_station(stage: Stage) -> None:
    await stage.say("two", 1)
    await stage.say("one", 2)
    await stage.admission.release("ivan", stage.station)
    await stage.say("two", 5)
    assert await stage.standing() == "admitted"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=12))
def test_a_station_that_only_restarts_is_never_taken_for_two(runs: list[tuple[str, int]]) -> None:
    """Each run has a name of its own and is over when the next begins, whatever is delivered twice."""
    before: ProcessPresence | None = None
    for number, (name, connections) in enumerate(runs):
        for bd in range(1, connections + 1):
            said = Connection("agent", "online", f"{name}{number}", bd)
            change = PresenceChange("st-00000001", said, before)
            assert not change.runs_twice
            previous = (before.previous_boot, before.previous_bd) if before else (None, None)
            if before is not None and before.boot != said.boot:
                previous = (before.boot, before.bd)
            before = ProcessPresence("st-00000001", "agent", "online", said.boot, bd, None, {}, 0.0, *previous)


@settings(max_examples=30)
@given(st.sets(st.from_regex(r"[a-z0-9-]{8,40}", fullmatch=True), max_size=5))
def test_the_access_list_denies_by_name_before_the_patterns_allow(stations: set[str]) -> None:
    lines = access_rules(stations).splitlines()
    for station in stations:
        assert lines[lines.index(f"user {station}") + 1] == "topic deny vs/1/d/#"
        assert lines.index(f"user {station}") < next(i for i, line in enumerate(lines) if line.startswith("pattern"))


async def _removed(stage: Stage) -> None:
    await stage.admission.revoke("ivan", stage.station, "retired")
    await RemovalService(stage.registry, stage.clock).remove("ivan", [stage.station])


async def test_one_removed_the_moment_it_was_shut_out_is_cut_off_first_and_then_the_broker_forgets_it(
    stage: Stage,
) -> None:
    await _removed(stage)
    for _ in range(6):
        await stage.gate.look()
    cut_off = [client_id(stage.station, process, SPKI) for process in ("agent", "call")]
    let_go = [f"call of {stage.station}", ([stage.station], b"list"), *cut_off]
    assert stage.broker.done == [*let_go, *cut_off, *cut_off, f"cleared {stage.station}"], "and once is enough"
    assert stage.broker.lists[-1] == {"aa"}


async def test_its_line_of_the_access_list_goes_when_its_last_certificate_has_expired(stage: Stage) -> None:
    await _removed(stage)
    for _ in range(4):
        await stage.gate.look()
    stage.broker.done.clear()
    stage.clock.set_wall(stage.clock.wall() + 45 * 86_400 + 1)
    await stage.gate.look()
    assert stage.broker.done == [([], b"list")]
    assert stage.broker.lists[-1] == set()


async def test_a_broker_that_is_away_is_told_to_forget_it_when_it_is_back(stage: Stage) -> None:
    stage.broker.keeps = True
    await _removed(stage)
    for _ in range(5):
        await stage.gate.look()
    assert f"cleared {stage.station}" not in stage.broker.done
    stage.broker.keeps = False
    another = Gate(stage.registry, stage.broker, stage.broker.door(), stage.clock)  # the region was started again
    for _ in range(4):
        await another.look()
    assert stage.broker.done.count(f"cleared {stage.station}") == 1
