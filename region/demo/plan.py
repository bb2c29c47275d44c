"""Where the demo's things are: ports, directories, and the station's config."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from region.demo.errors import DemoError
from region.doors.ports import check_port
from region.errors import PortTaken

HOST = "127.0.0.1"
_LONGEST_SOCKET = 100  # bytes; the kernel takes 107
_ROOM = 96 * 2**20  # bytes: the two rings of pictures, the database, the logs


@dataclass(frozen=True)
class Ports:
    """The web pages' port and the three that follow it."""

    web: int = 8400

    @property
    def panel(self) -> int:
        """The simulated station's front."""
        return self.web + 1

    @property
    def enrolment(self) -> int:
        """Enrolment, HTTPS."""
        return self.web + 2

    @property
    def broker(self) -> int:
        """MQTT over TLS."""
        return self.web + 3

    def check_free(self) -> None:
        """DemoError that names every port somebody else has."""
        taken = [port for port in (self.web, self.panel, self.enrolment, self.broker) if not _is_free(port)]
        if taken:
            words = f"port {taken[0]} is" if len(taken) == 1 else f"ports {', '.join(map(str, taken))} are"
            raise DemoError(
                f"The demo cannot start: {words} taken on this machine, perhaps by another demo. End that, or choose "
                f"four other ports in a row: region demo --port {self.web + 100}"
            )


@dataclass(frozen=True)
class Places:
    """The demo's directory and what is where in it."""

    root: Path

    @property
    def data(self) -> Path:
        """The region's state."""
        return self.root / "region"

    @property
    def state(self) -> Path:
        """The station's state: its key, certificate, outbox."""
        return self.root / "state"

    @property
    def runtime(self) -> Path:
        """The station's sockets and rings; a short path, for a socket's name has little room."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.root / "log"

    @property
    def code_file(self) -> Path:
        """The card's code file."""
        return self.root / "laegeknap-code.toml"

    @property
    def config(self) -> Path:
        """The station's config."""
        return self.root / "station.toml"

    @property
    def mirror(self) -> Path:
        """The newest picture of the screen."""
        return self.runtime / "screen.jpg"

    def make(self) -> None:
        """Make the directories, closed to others."""
        for folder in (self.data, self.state, self.runtime, self.logs):
            folder.mkdir(mode=0o700)

    def station_toml(self) -> str:
        """The station's config."""
        station = {
            "hardware": "sim", "state_dir": self.state, "runtime_dir": self.runtime, "code_file": self.code_file,
        }  # fmt: skip
        screen = {"size": "1280x800", "mirror": self.mirror}
        return toml_table("station", station) + toml_table("screen", screen) + "[health]\ninterval_s = 10\n"


def make_root() -> Path:
    """A new directory on a memory disk if there is one with room, else where temporary files go."""
    choices = [Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent")), Path("/dev/shm"), Path(tempfile.gettempdir())]  # noqa: S108
    for parent in choices:
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            continue
        room = os.statvfs(parent)
        if (
            room.f_bavail * room.f_frsize < _ROOM
            or len(str(parent / "laegeknap-12345678/run/agent.sock")) > _LONGEST_SOCKET
        ):
            continue
        return Path(tempfile.mkdtemp(prefix="laegeknap-", dir=parent))
    raise DemoError(
        f"The demo cannot start: none of {', '.join(map(str, choices))} can be written, has {_ROOM >> 20} MB of room "
        "and a short enough name. Set TMPDIR to a directory that has."
    )


def toml_table(name: str, values: Mapping[str, object]) -> str:
    """One table of a station.toml. A JSON string is a TOML string as well."""
    rows = "".join(f"{key} = {json.dumps(str(value), ensure_ascii=False)}\n" for key, value in values.items())
    return f"[{name}]\n{rows}"


def _is_free(port: int) -> bool:
    try:
        check_port(HOST, port, "the demo", "--port")
    except PortTaken:
        return False
    return True
