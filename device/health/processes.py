"""Which of the station's processes are there, from their signs of life: a pure table.

A process that is away is `restarting` for as long as its restart may take, then `stopped`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from messaging.health import ProcessState

Watched = Literal["call", "screen"]
RESTART_WITHIN_S = 15.0
SCREEN_SILENT_S = 5.0  # the screen says once a second that it draws


@dataclass(frozen=True)
class Sighting:
    """A process was seen. `run` differs between two runs of it, where it tells one; '' where it does not."""

    process: Watched
    at: float
    run: str = ""


@dataclass(frozen=True)
class Gone:
    """A process's connection ended."""

    process: Watched
    at: float


@dataclass(frozen=True)
class Tick:
    """Time passes (monotonic seconds)."""

    at: float


@dataclass(frozen=True)
class Happened:
    """What is worth telling the region: `process_gone` or `process_restarted`."""

    kind: Literal["process_gone", "process_restarted"]
    process: Watched


@dataclass(frozen=True)
class Watch:
    """What is known of one process. `since`: when it was last seen, or when watching began."""

    state: ProcessState
    since: float
    run: str = ""
    seen: bool = False


Processes = dict[Watched, Watch]
Event = Sighting | Gone | Tick


def begin(now: float) -> Processes:
    """Nobody has been seen yet; each may be on its way."""
    return {"call": Watch("restarting", now), "screen": Watch("restarting", now)}


def step(processes: Processes, event: Event) -> tuple[Processes, tuple[Happened, ...]]:
    """The processes after an event, and what happened."""
    if isinstance(event, Tick):
        return _tick(processes, event.at)
    watch = processes[event.process]
    if isinstance(event, Gone):
        if watch.state != "running":
            return processes, ()
        away = replace(watch, state="restarting", since=event.at)
        return {**processes, event.process: away}, (Happened("process_gone", event.process),)
    another_run = watch.run != event.run if event.run else watch.state != "running"
    happened = (Happened("process_restarted", event.process),) if watch.seen and another_run else ()
    return {**processes, event.process: Watch("running", event.at, event.run, seen=True)}, happened


def states(processes: Processes) -> dict[str, ProcessState]:
    """Of every process, the agent's own included."""
    return {"agent": "running", **{name: watch.state for name, watch in processes.items()}}


def _tick(processes: Processes, now: float) -> tuple[Processes, tuple[Happened, ...]]:
    happened: list[Happened] = []
    after: Processes = {}
    for name, watch in processes.items():
        if name == "screen" and watch.state == "running" and now - watch.since > SCREEN_SILENT_S:
            watch = replace(watch, state="restarting", since=now)
            happened.append(Happened("process_gone", name))
        elif watch.state == "restarting" and now - watch.since > RESTART_WITHIN_S:
            watch = replace(watch, state="stopped", since=now)
        after[name] = watch
    return after, tuple(happened)
