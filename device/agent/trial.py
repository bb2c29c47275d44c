"""A config on trial: whether it costs the station its link or its call, and what is gone back to. Pure: no I/O.

A config that comes into force is on trial until the station has been well under it for WELL_S at a stretch. Then it is
the good one. If it is not, the good one before it comes back into force, and the version is remembered:

`call failed`   station-call was away, or in a fault of the config's that it was not in before, or had not taken the
                config, for CALL_S; or it was restarted MOST_RESTARTS times
`agent failed`  the agent itself was started MOST_STARTS times without once living for WELL_S
`link lost`     the link was away for LINK_S. Only a config that changed one of LINK_FIELDS is judged so: no other can
                have cost it. It may have been the region that was away, and not the config: if the link is not back
                LINK_S after the config was taken back either, that has shown nothing, and the version is tried again
                when the region sends it next, MOST_TRIES times in all. So an outage takes no config back for ever, and
                the station does not go to and fro for as long as it lasts.

A running call is not disturbed: a config waits for its end, and so does its taking back. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from device.agent.desired import InForce, Verdict, consider
from messaging import twin
from messaging.codec import Length, Range
from messaging.local import CallState, CallView
from messaging.reasons import say
from messaging.twin import TAKEN_BACK, Proving

LINK_FIELDS = frozenset({"network", "time_servers"})  # a certificate is judged by the time
WELL_S = 120.0
LINK_S = 300.0  # the broker is tried at least every minute, and a network takes its time to come up
CALL_S = 120.0
MOST_RESTARTS = 3
MOST_STARTS = 3
MOST_TRIES = 3
_AT_REST: frozenset[CallState] = frozenset({"idle", "fault", "offline", "feedback"})
_FAULTS_OF_CONFIG = frozenset({"no_clinic", "internal"})  # a camera that is pulled out is nobody's config

Why = Literal["link lost", "call failed", "agent failed"]


@dataclass(frozen=True)
class TakenBack:
    """A version that was taken back. `lasting`: it is not tried again."""

    version: Annotated[int, Range(1, 2**53)]
    why: Why
    tries: Annotated[int, Range(1, MOST_TRIES)] = 1
    lasting: bool = True

    @property
    def reason(self) -> str:
        """For the region, in `Reported.refused`."""
        return TAKEN_BACK + self.why


@dataclass(frozen=True)
class Journal:
    """What must outlive the process. `good` is what is gone back to; None: nothing is on trial."""

    in_force: InForce = field(default_factory=InForce)
    good: InForce | None = None
    fault_before: Annotated[str, Length(32)] | None = None  # of station-call when the trial began; None: it was away
    starts: Annotated[int, Range(0, MOST_STARTS)] = 0  # of the agent in this trial, each shorter than WELL_S
    taken_back: TakenBack | None = None  # the newest; versions only grow, so it stands for all before it
    station: Annotated[str, Length(40)] = ""  # whom all this was desired of; '' in what was kept before that was noted


@dataclass(frozen=True)
class CallFacts:
    """station-call as it is now. `config_version` is what it says that it works by."""

    boot: str
    busy: bool = False  # in a call, or on the way into or out of one
    fault: str = ""
    config_version: int = 0


@dataclass(frozen=True)
class Facts:
    """What the trial goes by. `call` is None while station-call is away."""

    link: bool
    call: CallFacts | None = None

    @property
    def busy(self) -> bool:
        """Whether a call would be disturbed."""
        return self.call is not None and self.call.busy


def facts_of(link: bool, call: CallView | None) -> Facts:
    """From what link and station-call say of themselves."""
    if call is None:
        return Facts(link)
    return Facts(link, CallFacts(call.boot, call.state not in _AT_REST, call.fault or "", call.config_version))


@dataclass(frozen=True)
class Watch:
    """What this run of the agent has seen of the trial. `boot` is that of station-call, '' until it has been seen."""

    well_since: float | None = None
    link_lost_since: float | None = None
    call_ill_since: float | None = None
    boot: str = ""
    restarts: int = 0


@dataclass(frozen=True)
class Trial:
    """The journal, and what this run of the agent knows beside it."""

    journal: Journal
    began: float  # this run of the agent
    waiting: InForce | None = None  # desired, and waits for the end of a call
    watch: Watch = Watch()
    back_since: float | None = None  # when a link was taken for lost by a config, until it is known whether it was


def start(journal: Journal, now: float) -> Trial:
    """The agent has started on this journal."""
    if journal.good is None:
        return Trial(journal, now)
    starts = journal.starts + 1
    if starts >= MOST_STARTS:
        return Trial(_gone_back(journal, journal.good, "agent failed"), now)
    return Trial(replace(journal, starts=starts), now)


def serve(trial: Trial, station: str) -> Trial:
    """The agent is this station from now on. Versions grow for one station: what another was told holds no longer."""
    journal = trial.journal
    if journal.station in ("", station):
        return replace(trial, journal=replace(journal, station=station))
    return Trial(Journal(station=station), trial.began)


def judge(trial: Trial, data: dict[str, Any]) -> Verdict:
    """What the region desires, judged by what is in force, what waits, and what was taken back."""
    now = trial.journal.in_force
    verdict = consider(now, data)
    version = verdict.in_force.version
    if verdict.in_force == now:
        return verdict
    taken, waiting = trial.journal.taken_back, trial.waiting
    if waiting is not None and version < waiting.version:
        return _refused(now, say("older_waits", version=version, newer=waiting.version))
    if taken is not None and version < taken.version:
        return _refused(now, say("older_taken_back", version=version, newer=taken.version))
    if taken is not None and version == taken.version and taken.lasting:
        return _refused(now, taken.reason)
    return verdict


def desire(trial: Trial, wanted: InForce, facts: Facts, now: float) -> Trial:
    """A config that `judge` has let through: in force now, or when the call is over."""
    return replace(trial, waiting=wanted) if facts.busy else _entered(trial, wanted, facts, now)


def look(trial: Trial, facts: Facts, now: float) -> Trial:
    """Time has passed, or something has changed."""
    if trial.waiting is not None and not facts.busy:
        trial = _entered(trial, trial.waiting, facts, now)
    trial = _convict(trial, facts, now)
    journal = trial.journal
    if journal.good is None:
        return trial
    watch = _watched(trial, journal.good, facts, now)
    if (why := _blame(watch, now)) is not None and not facts.busy:
        suspected = now if why == "link lost" else None
        return Trial(_gone_back(journal, journal.good, why), trial.began, back_since=suspected)
    if watch.well_since is not None and now - watch.well_since >= WELL_S:
        return Trial(_settled(journal, journal.in_force), trial.began)
    if journal.starts and now - trial.began >= WELL_S:
        journal = replace(journal, starts=0)
    return replace(trial, journal=journal, watch=watch)


def proving(trial: Trial) -> Proving:
    """How far the station is with its configs, as the region is told."""
    journal, waiting = trial.journal, trial.waiting
    taken = _told_taken_back(journal)
    return Proving(
        on_trial=journal.good is not None,
        waiting=waiting.version if waiting is not None else 0,
        taken_back=twin.TakenBack(taken.version, taken.why, taken.lasting) if taken is not None else None,
    )


def refusals(journal: Journal, refused: dict[str, str]) -> dict[str, str]:
    """What is told as refused: a version that was taken back stays told until a newer one is in force."""
    taken = _told_taken_back(journal)
    return refused if taken is None else {"document": taken.reason, **refused}


def _told_taken_back(journal: Journal) -> TakenBack | None:
    taken, version = journal.taken_back, journal.in_force.version
    if taken is None or taken.version < version or (taken.version == version and journal.good is not None):
        return None
    return taken


def _refused(now: InForce, reason: str) -> Verdict:
    return Verdict(now, {"document": reason})


def _entered(trial: Trial, wanted: InForce, facts: Facts, now: float) -> Trial:
    journal = trial.journal
    base = journal.good or journal.in_force
    if wanted.config == base.config or not base.version:  # without a config a station can call nobody: no way back
        return Trial(_settled(journal, wanted), trial.began)
    fault = facts.call.fault if facts.call is not None else None
    before = journal.fault_before if journal.good is not None else fault
    tried = replace(journal, in_force=wanted, good=base, fault_before=before, starts=0)
    return look(Trial(tried, trial.began), facts, now)


def _settled(journal: Journal, good: InForce) -> Journal:
    taken = journal.taken_back
    return _proven(journal, good, taken if taken is not None and taken.version > good.version else None)


def _gone_back(journal: Journal, good: InForce, why: Why) -> Journal:
    version, before = journal.in_force.version, journal.taken_back
    tries = before.tries + 1 if before is not None and before.version == version else 1
    return _proven(journal, good, TakenBack(version, why, tries, why != "link lost" or tries >= MOST_TRIES))


def _proven(journal: Journal, good: InForce, taken: TakenBack | None) -> Journal:
    return Journal(good, taken_back=taken, station=journal.station)


def _convict(trial: Trial, facts: Facts, now: float) -> Trial:
    """Once the link is there again: whether it came back because the config was taken back."""
    taken = trial.journal.taken_back
    if trial.back_since is None or taken is None or not facts.link:
        return trial
    soon = now - trial.back_since <= LINK_S
    journal = replace(trial.journal, taken_back=replace(taken, lasting=taken.lasting or soon))
    return replace(trial, journal=journal, back_since=None)


def _watched(trial: Trial, good: InForce, facts: Facts, now: float) -> Watch:
    watch, call = trial.watch, facts.call
    restarted = call is not None and watch.boot not in ("", call.boot)
    link_lost = _link_at_stake(good, trial.journal.in_force) and not facts.link
    call_ill = _ill(trial.journal, call) if call is not None else trial.journal.fault_before is not None
    well = call is not None and not (link_lost or call_ill or restarted)
    return Watch(
        well_since=_since(watch.well_since, well, now),
        link_lost_since=_since(watch.link_lost_since, link_lost, now),
        call_ill_since=_since(watch.call_ill_since, call_ill, now),
        boot=call.boot if call is not None else watch.boot,
        restarts=watch.restarts + restarted,
    )


def _link_at_stake(good: InForce, in_force: InForce) -> bool:
    return any(getattr(good.config, name) != getattr(in_force.config, name) for name in LINK_FIELDS)


def _ill(journal: Journal, call: CallFacts) -> bool:
    broken = call.fault in _FAULTS_OF_CONFIG and call.fault != journal.fault_before
    return broken or call.config_version != journal.in_force.version


def _since(since: float | None, holds: bool, now: float) -> float | None:
    if not holds:
        return None
    return now if since is None else since


def _blame(watch: Watch, now: float) -> Why | None:
    if watch.restarts >= MOST_RESTARTS or _lasts(watch.call_ill_since, CALL_S, now):
        return "call failed"
    return "link lost" if _lasts(watch.link_lost_since, LINK_S, now) else None


def _lasts(since: float | None, seconds: float, now: float) -> bool:
    return since is not None and now - since >= seconds
