"""What the agent runs on, given from outside so that tests choose it."""

from __future__ import annotations

import random as random_module
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from device.agent.renewing import try_at_broker
from device.health import read
from device.runtime.service import set_log_level
from messaging.clock import Clock
from messaging.link.port import Link
from provisioning.station.enrol import Patience
from provisioning.station.keystore import Identity, Keystore, Renewing

Will = Callable[[], tuple[str, bytes]]
MakeLink = Callable[[Identity, Keystore, Will], Link]


@dataclass(frozen=True)
class Surroundings:
    """The machine's clock, network, disk thread and chance. `thread` is an executor of one thread."""

    clock: Clock
    make_link: MakeLink
    thread: Executor
    random: random_module.Random
    root: Path = read.MACHINE
    patience: Callable[[], Patience] = Patience
    set_log_level: Callable[[str], None] = set_log_level
    try_renewed: Callable[[Keystore, Renewing], Awaitable[None]] = try_at_broker
