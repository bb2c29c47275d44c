"""An agent that dies at a chosen step of a command, many times over: run as a process by `test_command_deaths.py`.

Each line of standard input is one life, in a process forked for it: JSON of [folder, topic's words, which life, step].
Each line of standard output is how it went: JSON of [exit code, what was printed].

Steps are each writing to the journal and to the outbox, before and after, and every file below the folder that is
opened for writing, renamed or removed (PEP 578), from when the first life is sent the order. At the step-th of them the
process kills itself with SIGKILL; with step 0 it lives.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.agent.commands.journal import Journal
from device.agent.outbox import Outbox
from messaging.local import CallState
from messaging.topics import down
from tests.kits.clock import ManualClock
from tests.kits.station.agent import STATION, Station
from tests.kits.station.commands import CallProcess
from tests.process.dying import in_a_fork, is_below

BEGAN = 1_800_000_000.0
_WRITINGS = {Journal: ("accept", "step", "attempt", "told", "tell_again", "forget"), Outbox: ("put", "done")}
_FILES = ("open", "os.rename", "os.remove", "shutil.rmtree")
_MOST_S = 400.0


class Mortal:
    """Counts steps, and dies at one."""

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = str(folder)
        self._step = step
        self.taken = 0
        self.armed = False

    def step(self) -> None:
        self.taken += self.armed
        if self.armed and self.taken == self._step:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        ours = event in _FILES and is_below(self._folder, event, args) and "call-runs" not in str(args[0])
        if ours and (event != "open" or args[2] & (os.O_WRONLY | os.O_RDWR)):
            self.step()
        if event == "os.rename" and "simulated-machine" in str(args[1]):
            say("rebooted")

    def wrap(self, kind: type, name: str) -> None:
        act: Callable[..., Any] = getattr(kind, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = act(*args, **kwargs)
            self.step()
            return result

        setattr(kind, name, counted)


class LastingCall(CallProcess):
    """A station-call that outlives the agent: which run of it this is stands on the disk."""

    def __init__(self, run: Path, runs: Path) -> None:
        super().__init__(run)
        self._file = runs
        self.runs = int(runs.read_text()) if runs.exists() else 1

    def show(self, state: CallState | None = None) -> None:
        self._file.write_text(str(self.runs))
        super().show(state)


def say(word: str) -> None:
    """At once: nothing may be left in a buffer when the end comes."""
    os.write(1, word.encode() + b"\n")


async def _life(folder: Path, words: list[str], life: int, step: int) -> str:
    station = Station(folder, ManualClock(wall=BEGAN + 60.0 * life))
    mortal = Mortal(folder, step)
    for kind, names in _WRITINGS.items():
        for name in names:
            mortal.wrap(kind, name)
    sys.addaudithook(mortal.hear)
    mortal.armed = life > 0
    carry = station.broker.publish

    def publish(client_id: str, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        heard = carry(client_id, topic, payload, retain=retain)
        if "/up/cmd/" in topic:
            say(json.loads(payload)["data"]["state"])
        return heard

    station.broker.publish = publish  # type: ignore[method-assign]
    station.agent = station.boot()
    call = LastingCall(station.run, folder / "call-runs")
    await call.start()
    await station.start()
    end = await _until_settled(station, down(STATION, "cmd", *words), (folder / "order").read_bytes(), mortal)
    say(f"steps-{mortal.taken}")
    return end


async def _until_settled(station: Station, topic: str, order: bytes, mortal: Mortal) -> str:
    """Time passes; the broker brings the order in every life, as it does what was not acknowledged."""
    sent = False

    def end() -> str:
        nonlocal sent
        if station.failed():
            return "ended"
        if not (station.state / "identity.json").exists():
            return "nobody"
        if station.sent("up/reported") and not sent:
            sent = mortal.armed = True
            station.broker.publish("region", topic, order)
            return ""
        journal, outbox = station.agent._commands.journal, station.agent._outbox
        known = journal.find(topic.rpartition("/")[2])
        over = known is not None and not journal.unfinished(STATION) and not journal.retired(STATION)
        return "settled" if sent and over and not journal.untold(STATION) and outbox.counts()[0] == 0 else ""

    return await station.lives_until(end, _MOST_S) or "stuck"


def main(folder: str, words: list[str], life: int, step: int) -> None:
    say(asyncio.run(_life(Path(folder), words, life, step)))


if __name__ == "__main__":
    for line in sys.stdin:
        arguments = json.loads(line)
        print(json.dumps(in_a_fork(lambda: main(*arguments))), flush=True)  # noqa: B023 - it is over before the next
