"""A config on trial: what is taken back, for what, and what never is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.agent import desired, trial
from device.agent.desired import InForce
from device.agent.trial import (
    CALL_S,
    LINK_S,
    MOST_RESTARTS,
    MOST_STARTS,
    MOST_TRIES,
    WELL_S,
    CallFacts,
    Facts,
    Journal,
    TakenBack,
    Trial,
    judge,
    look,
    refusals,
    start,
)
from messaging.settings import Network, Static, Wired
from messaging.twin import Config

GOOD = InForce(5, Config(clinic="Lægehuset"))
WELL = Facts(link=True, call=CallFacts("run-1", config_version=5))


@pytest.fixture(autouse=True)
def _network_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The link is at stake with `network`, as it will be once a station sets its own."""
    monkeypatch.setattr(desired, "APPLIED", desired.APPLIED | {"network"})


@dataclass
class Station:
    """A trial under a clock that is jumped."""

    trial: Trial = field(default_factory=lambda: start(Journal(GOOD), 0.0))
    facts: Facts = WELL
    now: float = 0.0

    @property
    def journal(self) -> Journal:
        return self.trial.journal

    @property
    def version(self) -> int:
        return self.journal.in_force.version

    def desire(self, version: int, **fields: Any) -> dict[str, str]:
        """The region sends a document; what is told as refused."""
        document = {"version": version, "config": {"clinic": "Lægehuset", **fields}}
        verdict = judge(self.trial, document)
        if verdict.in_force != self.journal.in_force:
            self.trial = trial.desire(self.trial, verdict.in_force, self.facts, self.now)
        return refusals(self.journal, verdict.refused)

    def take(self) -> None:
        """station-call takes what is in force."""
        self.call(config_version=self.version)

    def call(self, **changes: Any) -> None:
        call = replace(self.facts.call or CallFacts("run-1", config_version=self.version), **changes)
        self.see(replace(self.facts, call=call))

    def link(self, up: bool) -> None:
        self.see(replace(self.facts, link=up))

    def see(self, facts: Facts) -> None:
        self.facts = facts
        self.trial = look(self.trial, facts, self.now)

    def wait(self, seconds: float) -> None:
        """Look every second, as the agent does."""
        for _ in range(int(seconds)):
            self.now += 1
            self.trial = look(self.trial, self.facts, self.now)

    def restart(self) -> None:
        """The agent dies and comes back: it has its journal, and a monotonic clock of another boot."""
        self.now = 3.0
        self.trial = start(self.journal, self.now)

    def told(self) -> dict[str, str]:
        return refusals(self.journal, {})


def test_what_another_station_was_told_holds_no_longer_and_its_versions_count_no_more() -> None:
    station = Station()
    station.trial = trial.serve(station.trial, "st-former00")
    station.desire(9, volume=30)
    station.trial = trial.serve(station.trial, "st-former00")
    assert station.version == 9, "the same station goes on"
    station.trial = trial.serve(station.trial, "st-another0")
    assert station.journal == Journal(station="st-another0")
    assert station.desire(1) == {}
    assert (station.version, station.journal.station) == (1, "st-another0")


def test_who_it_is_outlives_a_trial_that_ends_well_and_one_that_does_not() -> None:
    station = Station(start(Journal(GOOD, station="st-former00"), 0.0))
    station.desire(6, volume=30)
    station.take()
    station.wait(WELL_S + 1)
    assert (station.version, station.journal.good, station.journal.station) == (6, None, "st-former00")
    station.desire(7, volume=40)
    station.wait(CALL_S + 1)  # station-call does not take it
    assert (station.version, station.journal.station) == (6, "st-former00")


_STATIC = {"wired": {"ip": {"address": "10.0.0.5/24"}}}


def test_a_config_under_which_all_is_well_becomes_the_good_one() -> None:
    station = Station()
    assert station.desire(6, volume=40) == {}
    assert (station.version, station.journal.good) == (6, GOOD)
    station.take()
    station.wait(WELL_S - 1)
    assert station.journal.good == GOOD
    station.wait(1)
    assert station.journal == Journal(InForce(6, Config(clinic="Lægehuset", volume=40)))


def test_a_config_that_says_what_is_in_force_is_not_tried() -> None:
    station = Station()
    station.desire(6)
    assert station.journal == Journal(replace(GOOD, version=6))


def test_a_fault_that_came_with_the_config_takes_it_back() -> None:
    station = Station()
    station.desire(6, clinic="")
    station.call(config_version=6, fault="no_clinic")
    station.wait(CALL_S - 1)
    assert station.version == 6
    station.wait(1)
    assert station.journal == Journal(GOOD, taken_back=TakenBack(6, "call failed"))
    assert station.told() == {"document": "taken back: call failed"}


@pytest.mark.parametrize("fault", ["internal", "no_clinic"])
def test_a_fault_that_was_there_before_is_not_the_config_s(fault: str) -> None:
    station = Station()
    station.call(fault=fault)
    station.desire(6, volume=40)
    station.take()
    station.wait(CALL_S + WELL_S)
    assert station.journal.good is None
    assert station.version == 6


@pytest.mark.parametrize("fault", ["no_devices", "not_enrolled"])
def test_a_device_that_is_pulled_out_is_nobody_s_config(fault: str) -> None:
    station = Station()
    station.desire(6, volume=40)
    station.call(config_version=6, fault=fault)
    station.wait(CALL_S * 3)
    assert station.version == 6


def test_a_station_call_that_goes_and_does_not_come_back_takes_it_back() -> None:
    station = Station()
    station.desire(6, volume=40)
    station.see(Facts(link=True))
    station.wait(CALL_S)
    assert station.journal.taken_back == TakenBack(6, "call failed")


def test_a_station_call_that_was_away_before_is_waited_for() -> None:
    station = Station(facts=Facts(link=True))
    station.desire(6, volume=40)
    station.wait(CALL_S * 5)
    assert (station.version, station.journal.good) == (6, GOOD)
    station.call()
    station.wait(WELL_S)
    assert station.journal.good is None


def test_a_station_call_that_does_not_take_it_takes_it_back() -> None:
    station = Station()
    station.desire(6, volume=40)
    station.wait(CALL_S)
    assert station.version == 5


def test_a_station_call_that_restarts_again_and_again_takes_it_back_and_once_is_forgiven() -> None:
    station = Station()
    station.desire(6, volume=40)
    for run in range(2, 2 + MOST_RESTARTS):
        assert station.version == 6
        station.wait(WELL_S - 10)
        station.call(boot=f"run-{run}", config_version=6)
    assert station.journal.taken_back == TakenBack(6, "call failed")

    station = Station()
    station.desire(6, volume=40)
    station.call(boot="run-2", config_version=6)
    station.wait(WELL_S)
    assert station.journal.good == GOOD, "the trial begins anew with a restart"
    station.wait(1)
    assert station.journal.good is None


def test_a_config_that_costs_the_link_is_taken_back_and_never_tried_again() -> None:
    station = Station()
    station.desire(6, network=_STATIC)
    station.take()
    station.wait(20)
    station.link(up=False)
    station.wait(LINK_S - 1)
    assert station.version == 6
    station.wait(1)
    assert station.version == 5
    station.wait(30)
    station.link(up=True)
    assert station.desire(6, network=_STATIC) == {"document": "taken back: link lost"}
    assert station.version == 5
    assert station.desire(7, volume=20) == {}
    assert station.version == 7


def test_a_link_that_comes_back_in_time_is_no_loss() -> None:
    station = Station()
    station.desire(6, network=_STATIC)
    station.take()
    station.link(up=False)
    station.wait(LINK_S - 1)
    station.link(up=True)
    station.wait(WELL_S)
    assert station.journal == Journal(station.journal.in_force)
    assert station.version == 6


def test_a_config_that_cannot_have_cost_the_link_is_not_judged_by_it() -> None:
    station = Station()
    station.desire(6, clinic="Another", volume=40)
    station.take()
    station.link(up=False)
    station.wait(LINK_S * 3)
    assert station.journal.good is None
    assert station.version == 6


def test_an_outage_of_the_region_takes_no_config_back_for_ever_and_does_not_go_to_and_fro() -> None:
    station = Station()
    station.desire(6, network=_STATIC)
    station.take()
    station.link(up=False)
    station.wait(LINK_S)
    station.take()
    assert station.version == 5
    station.wait(3600)
    assert station.version == 5, "the station works by the good one for as long as the outage lasts"
    station.link(up=True)
    assert station.told() == {"document": "taken back: link lost"}
    assert station.desire(6, network=_STATIC) == {}
    station.take()
    station.wait(WELL_S)
    assert station.journal == Journal(station.journal.in_force)
    assert station.version == 6


def test_a_region_that_goes_at_every_try_ends_it_after_a_few() -> None:
    station = Station()
    for _ in range(MOST_TRIES):
        station.link(up=True)
        assert station.desire(6, network=_STATIC) == {}
        station.take()
        station.link(up=False)
        station.wait(LINK_S)
        assert station.version == 5
        station.take()
        station.wait(LINK_S * 2)
    station.link(up=True)
    assert station.desire(6, network=_STATIC) == {"document": "taken back: link lost"}


def test_a_running_call_is_not_disturbed_by_a_config() -> None:
    station = Station()
    station.call(busy=True)
    station.desire(6, volume=40)
    station.wait(3600)
    assert station.version == 5
    assert station.desire(7, volume=50) == {}
    older = station.desire(6, volume=40)
    assert older == {"document": "version 6 is older than 7, which waits for the end of a call"}
    station.call(busy=False)
    assert (station.version, station.journal.in_force.config.volume) == (7, 50)


def test_a_running_call_is_not_disturbed_by_a_taking_back() -> None:
    station = Station()
    station.desire(6, network=_STATIC)
    station.call(config_version=6, busy=True)
    station.link(up=False)
    station.wait(LINK_S * 2)
    assert station.version == 6
    station.call(busy=False)
    assert station.version == 5


def test_a_station_call_that_dies_in_its_call_keeps_no_config_waiting() -> None:
    station = Station()
    station.call(busy=True)
    station.desire(6, volume=40)
    station.see(Facts(link=True))
    assert station.version == 6


def test_an_agent_that_is_restarted_goes_on_with_the_trial() -> None:
    station = Station()
    station.desire(6, clinic="")
    station.restart()
    assert (station.version, station.journal.good) == (6, GOOD)
    station.call(config_version=6, fault="no_clinic")
    station.wait(CALL_S)
    assert station.journal.taken_back == TakenBack(6, "call failed")


def test_a_station_call_that_never_comes_up_after_a_power_cut_takes_it_back() -> None:
    station = Station()
    station.desire(6, volume=40)
    station.restart()
    station.see(Facts(link=False))
    station.wait(CALL_S)
    assert station.version == 5


def test_an_agent_that_dies_of_a_config_takes_it_back() -> None:
    station = Station()
    station.desire(6, volume=40)
    for _ in range(MOST_STARTS):
        assert station.version == 6
        station.wait(WELL_S - 1)
        station.restart()
    assert station.journal == Journal(GOOD, taken_back=TakenBack(6, "agent failed"))
    assert station.desire(6, volume=40) == {"document": "taken back: agent failed"}


def test_power_cuts_far_apart_are_not_the_config_s() -> None:
    station = Station(facts=Facts(link=True))  # and station-call never comes, so that the trial lasts
    station.desire(6, volume=40)
    for _ in range(MOST_STARTS * 3):
        station.restart()
        station.wait(WELL_S)
    assert station.version == 6


def test_a_restart_during_an_outage_leaves_it_open_who_was_to_blame() -> None:
    station = Station()
    station.desire(6, network=_STATIC)
    station.take()
    station.link(up=False)
    station.wait(LINK_S)
    station.restart()
    station.take()
    station.link(up=True)
    assert station.desire(6, network=_STATIC) == {}
    assert station.version == 6


def test_a_newer_config_replaces_the_one_on_trial_and_the_good_one_stays_the_good_one() -> None:
    station = Station()
    station.desire(6, clinic="")
    station.call(config_version=6, fault="no_clinic")
    station.wait(CALL_S - 1)
    station.desire(7, clinic="", volume=3)
    assert (station.version, station.journal.good) == (7, GOOD)
    station.call(config_version=7)
    station.wait(CALL_S)
    assert station.journal == Journal(GOOD, taken_back=TakenBack(7, "call failed"))
    assert station.desire(6, volume=10) == {"document": "version 6 is older than 7, which was taken back"}


def test_a_newer_config_that_goes_back_by_itself_ends_the_trial() -> None:
    station = Station()
    station.desire(6, clinic="")
    station.desire(7)
    assert station.journal == Journal(replace(GOOD, version=7))


def test_newer_software_that_makes_more_of_the_same_document_has_its_trial_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = Station()
    monkeypatch.setattr(desired, "APPLIED", desired.APPLIED - {"network"})
    station.desire(6, network=_STATIC)
    assert station.journal.good is None
    monkeypatch.setattr(desired, "APPLIED", desired.APPLIED | {"network"})
    assert station.desire(6, network=_STATIC) == {}
    assert station.journal.in_force.config.network == Network(wired=Wired(ip=Static(address="10.0.0.5/24")))
    station.take()
    station.link(up=False)
    station.wait(LINK_S)
    assert station.journal.in_force.config.network == Network()
    assert station.told() == {"document": "taken back: link lost"}
    station.link(up=True)
    assert station.desire(6, network=_STATIC) == {"document": "taken back: link lost"}
    assert station.journal.in_force.config.network == Network()


_FIELDS = st.fixed_dictionaries(
    {}, optional={
        "clinic": st.sampled_from(["Lægehuset", ""]), "volume": st.integers(38, 42), "network": st.just(_STATIC)
    }
)  # fmt: skip


class AnyStation(RuleBasedStateMachine):
    """Whatever happens, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.station = Station()
        self.documents: dict[int, dict[str, Any]] = {}
        self.applied: dict[int, int] = {}
        self.proven = [GOOD]
        self.lasting: set[int] = set()

    def _moved(self, before: Journal, busy: bool) -> None:
        after = self.station.journal
        if after.in_force != before.in_force:
            assert not busy, "a running call was disturbed"
            version = after.in_force.version
            if before.taken_back == after.taken_back or version > before.in_force.version:
                assert version not in self.lasting, "a refused version was applied again"
                self.applied[version] = self.applied.get(version, 0) + 1
            else:
                assert after.in_force == self.proven[-1], "it went back to something else than the last good one"
        if after.good is None and after.taken_back == before.taken_back and after.in_force != self.proven[-1]:
            self.proven.append(after.in_force)
        if after.good is None and after.in_force != self.proven[-1]:
            self.proven.append(after.in_force)
        if after.taken_back is not None and after.taken_back.lasting:
            self.lasting.add(after.taken_back.version)

    @rule(version=st.integers(1, 12), fields=_FIELDS)
    def desire(self, version: int, fields: dict[str, Any]) -> None:
        before, busy = self.station.journal, self.station.facts.busy
        self.station.desire(version, **self.documents.setdefault(version, fields))
        self._moved(before, busy)

    @rule(call=st.none() | st.builds(
        CallFacts, st.sampled_from(["run-1", "run-2"]), st.booleans(), st.sampled_from(["", "no_clinic", "internal"]),
    ), takes=st.booleans(), link=st.booleans())  # fmt: skip
    def see(self, call: CallFacts | None, takes: bool, link: bool) -> None:
        before = self.station.journal
        if call is not None and takes:
            call = replace(call, config_version=before.in_force.version)
        self.station.see(Facts(link, call))
        self._moved(before, call is not None and call.busy)

    @rule(seconds=st.sampled_from([1, 60, 119, 301]))
    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            before = self.station.journal
            self.station.wait(1)
            self._moved(before, self.station.facts.busy)

    @rule()
    def restart(self) -> None:
        before = self.station.journal
        self.station.restart()
        self._moved(before, busy=False)

    @invariant()
    def what_is_gone_back_to_is_the_last_good_one(self) -> None:
        good = self.station.journal.good
        assert good is None or good == self.proven[-1]

    @invariant()
    def no_version_is_tried_more_often_than_it_may_be(self) -> None:
        assert all(times <= MOST_TRIES for times in self.applied.values())

    @precondition(lambda self: self.station.journal.taken_back is not None)
    @invariant()
    def what_was_taken_back_is_told(self) -> None:
        taken = self.station.journal.taken_back
        assert taken is not None
        if self.station.version < taken.version:
            assert self.station.told() == {"document": taken.reason}


AnyStation.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyStation = AnyStation.TestCase


@given(st.integers(0, MOST_STARTS), st.none() | st.just("internal"), st.none() | st.integers(6, 9))
def test_a_start_never_loses_the_good_one(starts: int, fault: str | None, taken: int | None) -> None:
    back = TakenBack(taken, "link lost", lasting=False) if taken else None
    tried = Journal(InForce(6, Config(clinic="B")), GOOD, fault, starts, back)
    after = start(tried, 0.0).journal
    assert GOOD in (after.good, after.in_force)
    assert start(Journal(GOOD, taken_back=back), 0.0).journal == Journal(GOOD, taken_back=back)
