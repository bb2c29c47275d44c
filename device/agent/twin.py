"""The station's half of its config: what is in force, on disk before it is shown, and its trial carried out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from device.agent import trial
from device.agent.config_store import ConfigStore
from device.agent.desired import InForce, Verdict
from device.agent.trial import Facts, Journal, Trial
from messaging.health import EventType
from messaging.reasons import say
from messaging.settings import redacted
from messaging.twin import TAKEN_BACK, Reported

_log = logging.getLogger(__name__)


class Twin:
    """`facts` tells how link and call are now; `tell` is told the events, a kind and its detail.

    `refused_messages` counts what was no message of ours.
    """

    def __init__(
        self,
        store: ConfigStore,
        monotonic: Callable[[], float],
        facts: Callable[[], Facts],
        tell: Callable[[EventType, str], None],
    ) -> None:
        self.refused_messages = 0
        self._store = store
        self._monotonic = monotonic
        self._facts = facts
        self._tell = tell
        self._kept = store.load()  # as it stands on the disk
        self._refused: dict[str, str] = {}  # of the newest document
        self._disk_complains = False
        self.undone: dict[str, str] = {}  # field to reason: in force, and this machine does not do it
        self._trial = Trial(self._kept, monotonic())
        self._follow(trial.start(self._kept, monotonic()))

    @property
    def in_force(self) -> InForce:
        """What the station works by."""
        return self._trial.journal.in_force

    @property
    def verdict(self) -> Verdict:
        """What is in force and what was refused."""
        return Verdict(self.in_force, trial.refusals(self._trial.journal, self._refused))

    @property
    def reported(self) -> Reported:
        """How it stands, as the region is told: no secret in it."""
        verdict = self.verdict
        now = verdict.in_force
        refused = {**self.undone, **verdict.refused}
        return Reported(now.version, redacted(now.config), refused, trial.proving(self._trial))

    def serve(self, station: str) -> None:
        """This is who the station is from now on; the config of another that it was is gone."""
        former = self._trial.journal.station
        if former not in ("", station):
            _log.warning("the config of %s is dropped: this is %s now", former, station)
            self._refused = {}
        self._follow(trial.serve(self._trial, station))

    def cannot(self, undone: dict[str, str]) -> bool:
        """These fields are in force, and the machine does not do them; whether that is news for the region."""
        news, self.undone = undone != self.undone, undone
        return news

    def refuse(self, reason: str) -> None:
        """What came is no config for us: it takes nothing from what is in force, or from what is said of that."""
        self.refused_messages += 1
        self._refused = {**self._refused, "document": reason}

    def desire(self, data: dict[str, Any]) -> None:
        """The region desires this: in force once it is on the disk, or when a running call is over; or refused."""
        self.look()  # what this very connection proves about the config before comes first
        verdict = trial.judge(self._trial, data)
        whole = verdict.refused.get("document", TAKEN_BACK)
        if not whole.startswith(TAKEN_BACK):  # no document, older than what was taken, or another of the same version
            self.refuse(whole)
            return
        if verdict.in_force != self.in_force:
            wanted = trial.desire(self._trial, verdict.in_force, self._facts(), self._monotonic())
            try:
                self._keep(wanted.journal)
            except OSError as error:
                _log.error("the config cannot be kept and is not taken: %s", error)
                verdict = Verdict(self.in_force, {"document": say("not_kept")})
            else:
                self._trial = wanted
                self._say_version(wanted)
        self._refused = verdict.refused

    def look(self) -> bool:
        """Time has passed, or link or call have changed; whether the region has to be told something else now."""
        before = self.reported
        self._follow(trial.look(self._trial, self._facts(), self._monotonic()))
        return self.reported != before

    def _follow(self, after: Trial) -> None:
        """What the trial has decided holds at once: a disk that refuses must not keep a bad config in force."""
        before, self._trial = self._trial, after
        try:
            self._keep(after.journal)
            self._disk_complains = False
        except OSError as error:
            if not self._disk_complains:
                _log.error("how the config's trial stands cannot be kept: %s", error)
            self._disk_complains = True
        taken, known = after.journal.taken_back, before.journal.taken_back
        if after.journal.in_force != before.journal.in_force:
            if taken is not None and taken.version == before.journal.in_force.version and after.journal.good is None:
                _log.warning("config version %d is %s", taken.version, taken.reason)
                self._refused = {}
                self._tell("config_taken_back", taken.why.replace(" ", "_"))
            self._say_version(after)
        elif taken != known and taken is not None:
            _log.warning("config version %d is not tried again (%s)", taken.version, taken.reason)
        elif before.journal.good is not None and after.journal.good is None:
            _log.info("config version %d has proven itself", self.in_force.version)

    def _keep(self, journal: Journal) -> None:
        if journal != self._kept:
            self._store.save(journal)
            self._kept = journal

    def _say_version(self, after: Trial) -> None:
        if after.waiting is not None:
            _log.info("config version %d waits for the end of the call", after.waiting.version)
            return
        on_trial = " on trial" if after.journal.good is not None else ""
        _log.info("config version %d is in force%s", after.journal.in_force.version, on_trial)
