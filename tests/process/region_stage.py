"""A region served as a whole, with the command line beside it, and stations that enrol with it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from messaging.clock import SystemClock
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.topics import agent_subscriptions
from provisioning.station.enrol import Enrolment
from provisioning.station.keystore import Keystore
from tests.kits.servers.broker import free_port

HOST = "127.0.0.1"


class Region:
    """`region serve` with its data in `folder`, its authority and its mosquitto."""

    def __init__(self, folder: Path) -> None:
        self.data, self.log = folder / "data", folder / "log"
        self.broker = free_port()
        self._ports = ("--port", free_port(), "--enrol-port", free_port(), "--broker-port", self.broker)
        self.start()

    def start(self) -> None:
        """Again, with the same data at the same ports, once it has been stopped."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "region.cli", "serve", "--data", str(self.data), *map(str, self._ports)],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("The region is ready")

    def command(self, *words: str, data: Path | None = None) -> str:
        """What `region ...` printed; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "region.cli", *words, "--data", str(data or self.data)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    async def told(self, *words: str) -> Any:
        """The same as JSON, while the loop goes on."""
        return json.loads(await asyncio.to_thread(self.command, *words, "--json"))

    def authority(self) -> psutil.Process:
        """The process that holds its keys."""
        (child,) = [one for one in psutil.Process(self.process.pid).children() if "authority" in one.cmdline()]
        return child

    def stop(self) -> None:
        """In order, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)


async def enrolled(region: Region, folder: Path) -> tuple[str, Keystore]:
    """A station of a new site, Solgården, that has enrolled by its code: its id and what it keeps in `folder`."""
    await region.told("site", "add", "Solgården")
    made = await region.told("station", "add", "Stue 4", "--site", "Solgården")
    await region.told("station", "code", made["id"], "--out", str(folder / "code.toml"))
    keystore = Keystore(folder / "state")
    await Enrolment(keystore, folder / "code.toml").enrol()
    return made["id"], keystore


def agent_link(region: Region, keystore: Keystore, station: str) -> MqttLink:
    """That station's agent at the broker, not yet started."""
    settings = MqttSettings(
        HOST, region.broker, keystore.client_id(station, "agent"), keystore.ca, keystore.certificate, keystore.key
    )
    return MqttLink(settings, agent_subscriptions(station), None, SystemClock())
