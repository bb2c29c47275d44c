"""Where the fleet's things are: ports, the region's files, and a directory for each station."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from region.demo.plan import HOST, toml_table


@dataclass(frozen=True)
class FleetPorts:
    """The region's three doors."""

    web: int
    enrolment: int
    broker: int


def free_ports() -> FleetPorts:
    """Three that nobody listens on just now: the fleet is looked at by nobody but its own desk."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(3)]
        for probe in probes:
            probe.bind((HOST, 0))
        return FleetPorts(*(probe.getsockname()[1] for probe in probes))


@dataclass(frozen=True)
class FleetPlaces:
    """The fleet's directory and what is where in it."""

    root: Path

    @property
    def data(self) -> Path:
        """The region's state."""
        return self.root / "region"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.root / "log"

    @property
    def cards(self) -> Path:
        """What `region card prepare` writes."""
        return self.root / "cards"

    @property
    def region_file(self) -> Path:
        """The file without a secret, the same on every card."""
        return self.root / "laegeknap-region.toml"

    @property
    def tls_certificate(self) -> Path:
        """Of the pages."""
        return self.root / "pages.pem"

    @property
    def tls_key(self) -> Path:
        """Of the pages."""
        return self.root / "pages-key.pem"

    @property
    def trust(self) -> Path:
        """The region's roots, for the desk's own connections."""
        return self.root / "roots.pem"

    def make(self) -> None:
        """Make the directories, closed to others."""
        for folder in (self.data, self.logs):
            folder.mkdir(mode=0o700)

    def station(self, number: int) -> StationPlaces:
        """Where that station's things are."""
        return StationPlaces(self.root / f"s{number:03d}")


@dataclass(frozen=True)
class StationPlaces:
    """One station's directory; a short path, for a socket's name has little room."""

    folder: Path

    @property
    def runtime(self) -> Path:
        """Its sockets."""
        return self.folder / "run"

    @property
    def certificate(self) -> Path:
        """The certificate in force, followed by its intermediate."""
        return self.folder / "state" / "certificate.pem"

    @property
    def code_file(self) -> Path:
        """What a card brings: erased once it has been used."""
        return self.folder / "code.toml"

    @property
    def region_file(self) -> Path:
        """What every card brings."""
        return self.folder / "region.toml"

    @property
    def config(self) -> Path:
        """station.toml."""
        return self.folder / "station.toml"

    def make(self) -> None:
        """Make its directories and its config."""
        for folder in (self.folder, self.folder / "state", self.runtime):
            folder.mkdir(mode=0o700)
        station = {
            "hardware": "sim", "state_dir": self.folder / "state", "runtime_dir": self.runtime,
            "code_file": self.code_file, "region_file": self.region_file,
        }  # fmt: skip
        self.config.write_text(toml_table("station", station), encoding="utf-8")
