"""A config on trial, whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.agent.desired import InForce
from device.agent.trial import MOST_STARTS, MOST_TRIES, CallFacts, Facts, Journal, TakenBack, start
from messaging.twin import Config
from tests.kits.examples import examples
from tests.kits.station.trial import GOOD, STATIC, Station

_FIELDS = st.fixed_dictionaries(
    {}, optional={
        "clinic": st.sampled_from(["Lægehuset", ""]), "volume": st.integers(38, 42), "network": st.just(STATIC)
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


AnyStation.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=30, deadline=None)
TestAnyStation = AnyStation.TestCase


@given(st.integers(0, MOST_STARTS), st.none() | st.just("internal"), st.none() | st.integers(6, 9))
def test_a_start_never_loses_the_good_one(starts: int, fault: str | None, taken: int | None) -> None:
    back = TakenBack(taken, "link lost", lasting=False) if taken else None
    tried = Journal(InForce(6, Config(clinic="B")), GOOD, fault, starts, back)
    after = start(tried, 0.0).journal
    assert GOOD in (after.good, after.in_force)
    assert start(Journal(GOOD, taken_back=back), 0.0).journal == Journal(GOOD, taken_back=back)
