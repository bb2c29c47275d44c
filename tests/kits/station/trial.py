"""A config's trial under a clock that is jumped, and a station that works by a good one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from device.agent import trial
from device.agent.desired import InForce
from device.agent.trial import CallFacts, Facts, Journal, Trial, judge, look, refusals, start
from messaging.twin import Config

GOOD = InForce(5, Config(clinic="Lægehuset"))
WELL = Facts(link=True, call=CallFacts("run-1", config_version=5))
STATIC = {"wired": {"ip": {"address": "10.0.0.5/24"}}}


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
