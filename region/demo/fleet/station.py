"""One simulated station as somebody sees who stands before it: what its agent says, and what is on its disk."""

from __future__ import annotations

import asyncio
import sys

from cryptography import x509

from messaging.clock import Clock
from messaging.link.local import LocalClient
from messaging.local import AGENT_SOCKET, AgentView, Message
from region.demo.fleet.places import StationPlaces
from region.demo.fleet.record import Door, Record
from region.demo.processes import Program


class FleetStation:
    """`view` is what the agent last said of itself; None while it does not run. `record` is what is told of it."""

    def __init__(self, number: int, door: Door, places: StationPlaces, clock: Clock) -> None:
        self.places = places
        self.record = Record(number, door)
        self.view: AgentView | None = None
        self._client = LocalClient(places.runtime / AGENT_SOCKET, self._said, self._gone, clock)

    @property
    def id(self) -> str:
        """What the region calls it; empty until it is known."""
        return self.record.station

    @property
    def program(self) -> Program:
        """Its agent, as systemd would start it."""
        command = [sys.executable, "-m", "device.cli", "--config", str(self.places.config), "agent"]
        return Program(f"agent-{self.record.number:03d}", command, {})

    @property
    def is_up(self) -> bool:
        """Whether the broker has it connected, by its own word."""
        return self.view is not None and self.view.enrolled and self.view.link == "up"

    def follow(self) -> asyncio.Task[None]:
        """Hear what the agent says, until cancelled."""
        return asyncio.create_task(self._client.run(), name=f"station {self.record.number}")

    def serial(self) -> str:
        """The serial number of the certificate in force on its disk, hexadecimal; empty while there is none."""
        try:
            found = x509.load_pem_x509_certificate(self.places.certificate.read_bytes())
        except (FileNotFoundError, ValueError):
            return ""
        return f"{found.serial_number:x}"

    def _said(self, message: Message) -> None:
        if isinstance(message, AgentView):
            self.view = message

    def _gone(self) -> None:
        self.view = None
