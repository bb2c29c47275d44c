"""A station that dies at a chosen step, many times over: run as a process of its own by `test_renewal_deaths.py`.

Each line of standard input is one life, in a process forked for it: JSON of [enrol|claim|renew, state directory, code
file, step]. Each line of standard output is how it ended: JSON of [exit code, what was printed].

Steps are what the interpreter reports of its own accord (PEP 578 audit events): every opening, renaming and removing of
a file below the state directory's folder, and every connection. At the step-th of them the process kills itself with
SIGKILL before the step is taken; with step 0 it lives, and prints how many there were.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioning.station.claim import Claiming
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import CodeFileMissing
from provisioning.station.keystore import Identity, Keystore, Renewing
from provisioning.station.renew import Renewal

_STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "socket.connect")


class Mortal:
    """Counts steps, and dies at one."""

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = str(folder)
        self._step = step
        self.taken = 0

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _STEPS and (event == "socket.connect" or is_below(self._folder, event, args)):
            self.taken += 1
            if self.taken == self._step:
                os.kill(os.getpid(), signal.SIGKILL)


def is_below(folder: str, event: str, args: tuple[Any, ...]) -> bool:
    """Whether an event is about that folder; what `shutil.rmtree` removes is named beneath a descriptor."""
    path = Path(str(args[0]))
    if event in ("os.remove", "os.rmdir") and args[1] >= 0:
        path = Path(os.readlink(f"/proc/self/fd/{args[1]}")) / path  # noqa: PTH115 - a link that leads nowhere else
    return folder in str(path)


async def _take(_: Renewing) -> None:
    """The broker takes it."""


async def _claimed(keystore: Keystore, state: Path, code: Path) -> Identity:
    """From whatever is on disk to enrolled, by a claim that the region approves at once; as the agent does it."""
    enrolment, claiming = Enrolment(keystore, code), Claiming(state, state.parent / "region.toml", code, "10000000abcd")
    while True:
        try:
            identity = await enrolment.enrol()
        except CodeFileMissing:
            await claiming.ask()
        else:
            await claiming.ask()
            enrolment.settle()
            return identity


def main(what: str, state: Path, code: Path, step: int) -> None:
    keystore = Keystore(state)
    mortal = Mortal(state.parent, step)
    sys.addaudithook(mortal.hear)
    if what == "enrol":
        enrolment = Enrolment(keystore, code)
        print(asyncio.run(enrolment.enrol()).station)
        enrolment.settle()
    elif what == "claim":
        print(asyncio.run(_claimed(keystore, state, code)).station)
    else:
        renewal = Renewal(keystore, _take)
        due = time.time() + 30 * 86_400
        print("renewed" if asyncio.run(renewal.renew(due)) else "kept")
    print(mortal.taken)


def live(what: str, state: str, code: str, step: int) -> tuple[int, list[str]]:
    """One life in a process of its own; (exit code, what it printed)."""
    return in_a_fork(lambda: main(what, Path(state), Path(code), step))


def in_a_fork(life: Callable[[], None]) -> tuple[int, list[str]]:
    """Live it in a process of its own; (exit code, what it printed)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 1)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        try:
            life()
            sys.stdout.flush()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - whatever it is, this process is over
            print(type(error).__name__, error, file=sys.stderr)
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as said:
        words = said.read().split()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), words


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(live(*json.loads(line))), flush=True)
