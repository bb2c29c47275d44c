"""A station whose config changes, and that dies at a chosen step: run as a process of its own by `test_config_deaths`.

Each line of standard input is one life, in a process forked for it: JSON of [what, state directory, step]. Each line of
standard output is how it ended: JSON of [exit code, what was printed]. The steps are those of `tests.process.dying`;
with step 0 the station lives, and prints how many there were.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from device.agent.config_store import ConfigStore
from device.agent.trial import CALL_S, WELL_S, CallFacts, Facts
from device.agent.twin import Twin
from tests.process.dying import Mortal, in_a_fork

GOOD, BAD, NEXT = 5, 6, 7


class Station:
    """The config of a station whose call cannot bear version BAD. It prints each version that comes into force."""

    def __init__(self, state: Path) -> None:
        self._now = 0.0
        self._facts = Facts(link=True, call=CallFacts("run-1"))
        self._twin = Twin(ConfigStore(state / "config.json"), lambda: self._now, lambda: self._facts, lambda *_: None)
        self._shown = self._twin.in_force.version
        print("start", self._shown, flush=True)

    def desire(self, version: int) -> None:
        """The region's document of that version."""
        self._twin.desire({"version": version, "config": {"clinic": f"Clinic {version}"}})
        self._show()

    def live(self, seconds: float) -> None:
        """Time passes, a second at a time."""
        for _ in range(int(seconds)):
            self._now += 1
            self._twin.look()
            self._show()

    def _show(self) -> None:
        version = self._twin.in_force.version
        fault = "internal" if version == BAD else ""
        self._facts = replace(self._facts, call=CallFacts("run-1", fault=fault, config_version=version))
        if version != self._shown:
            self._shown = version
            print("applied", version, flush=True)


def _life(what: str, state: str, step: int) -> None:
    mortal = Mortal(Path(state), step)
    sys.addaudithook(mortal.hear)
    station = Station(Path(state))
    if what == "first":
        station.desire(GOOD)
        station.live(WELL_S + 1)
    else:
        station.desire(BAD)  # retained: it comes with every connection
        station.live(CALL_S + 1)
        station.desire(BAD)
        if what == "mended":
            station.desire(NEXT)
            station.live(WELL_S + 1)
    print("steps", mortal.taken, flush=True)


def live(what: str, state: str, step: int) -> tuple[int, list[str]]:
    """One life; (exit code, what it printed)."""
    return in_a_fork(lambda: _life(what, state, step))


if __name__ == "__main__":
    for line in sys.stdin:
        arguments: list[Any] = json.loads(line)
        print(json.dumps(live(*arguments)), flush=True)
