"""The region's own mosquitto: its configuration, and the child process that is kept running.

Before its start `write_access` has to have said who is let in.

Mutual TLS; the certificate's CN is the user name; the ACL patterns of `messaging.topics` cover every station, and the
user `region` reads and writes all. No `max_keepalive`: mosquitto 2.0.21 drops clients for it. No
`per_listener_settings`: with it, 2.0.12 and later keep nothing for a client that is away (mosquitto's issue 2618).
Source: mosquitto.conf(5), mosquitto(8).
"""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import resource
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from messaging.clock import Clock
from messaging.envelope import MAX_BYTES
from messaging.link.backoff import FullJitter
from messaging.topics import ROOT, acl_denials, acl_patterns
from provisioning.authority.ca import Issued
from region.doors.ciphers import CIPHERS
from region.errors import BrokerUnusable
from region.kept import Kept, ended

_log = logging.getLogger(__name__)
REGION_USER = "region"
MOST_AT_ONCE = 200  # messages that it sends without an acknowledgement, to whoever takes as many
_PATHS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
_START_WITHIN_S = 20.0
_STOP_WITHIN_S = 10.0
_MOST_QUEUED_BYTES = 1 << 30
_SYSTEMDS = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")  # between systemd and the region: no word of mosquitto's


@dataclass(frozen=True)
class BrokerPaths:
    """What the broker and its clients read, all below one folder of the region's data."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The authority's certificates, PEM."""
        return self.folder / "ca.pem"

    @property
    def region_certificate(self) -> Path:
        """The certificate of the user `region`."""
        return self.folder / "region.pem"

    @property
    def region_key(self) -> Path:
        """Its key."""
        return self.folder / "region-key.pem"


def write_identity(paths: BrokerPaths, trust: bytes, client: Issued) -> None:
    """What the region's own client of the broker reads; the authority's certificates go to an external broker too."""
    paths.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(paths.ca, trust)
    write_file(paths.region_certificate, client.certificate_pem)
    write_file(paths.region_key, client.key_pem)


def configuration(folder: Path, host: str, port: int, user: str) -> str:
    """mosquitto.conf for a broker of ours. `user` is whom mosquitto becomes when it is started by root."""
    return "\n".join(
        (
            "# Written by `region serve` at each start.",
            f"user {user}",
            "persistence true",
            f"persistence_location {folder / 'state'}/",
            "autosave_interval 30",
            f"max_packet_size {2 * MAX_BYTES}",
            f"max_inflight_messages {MOST_AT_ONCE}",
            # What is over it is dropped without a word to whoever sent it. A region that was away for some minutes has
            # this much waiting for it, of ten thousand stations; a single station never has.
            "max_queued_messages 500000",
            f"max_queued_bytes {_MOST_QUEUED_BYTES}",
            # Longer than any session of ours lasts: what somebody leaves behind under made-up client ids goes away.
            "persistent_client_expiration 2d",
            "connection_messages false",
            "log_dest stderr",
            "log_timestamp false",
            "log_type error", "log_type warning", "log_type notice", "log_type information",
            f"listener {port} {host}",
            f"cafile {folder / 'ca.pem'}",
            f"crlfile {folder / 'crl.pem'}",
            f"certfile {folder / 'server.pem'}",
            f"keyfile {folder / 'server-key.pem'}",
            "tls_version tlsv1.2",
            f"ciphers {CIPHERS}",
            "allow_anonymous false",
            "require_certificate true",
            "use_identity_as_username true",
            f"acl_file {folder / 'acl'}",
            "",
        )
    )  # fmt: skip


def access_rules(shut_out: Iterable[str] = ()) -> str:
    """The ACL file: the region's user, then who is shut out by name, then the patterns of the stations.

    What stands under a user's name goes before the patterns, and holds for connections that are open.
    """
    denied = [line for station in sorted(shut_out) for line in (f"user {station}", f"topic deny {ROOT}/#", "")]
    return "\n".join(
        (f"user {REGION_USER}", f"topic readwrite {ROOT}/#", "", *denied, *acl_denials(), *acl_patterns(), "")
    )


def shut_out_by(rules: str) -> frozenset[str]:
    """Whom an ACL file shuts out by name (`access_rules`)."""
    words = (line.split() for line in rules.splitlines())
    return frozenset(line[1] for line in words if len(line) == 2 and line[0] == "user") - {REGION_USER}


def write_access(folder: Path, shut_out: Iterable[str], revocations: bytes | None) -> None:
    """Who is let in, for a broker to read at its start and at SIGHUP. Without new revocation lists the last ones hold.

    A broker of yours reads the same two files, `acl` and `crl.pem`; `laegeknap-broker-reload.path` tells it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(folder / "acl", access_rules(shut_out).encode())
    if revocations is not None:
        write_file(folder / "crl.pem", revocations)


def write_configuration(folder: Path, host: str, port: int) -> None:
    """What a mosquitto is started with that runs as the user we are, and the folder for what it keeps."""
    (folder / "state").mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(folder / "mosquitto.conf", configuration(folder, host, port, getpass.getuser()).encode())


def write_server(folder: Path, server: Issued) -> None:
    """The broker's own certificate and key; mosquitto reads them at its start and at SIGHUP."""
    write_file(folder / "server-key.pem", server.key_pem)
    write_file(folder / "server.pem", server.certificate_pem)


class EmbeddedBroker(Kept):
    """One mosquitto below `folder`; BrokerUnusable if it does not start."""

    def __init__(self, folder: Path, host: str, port: int, server: Issued, clock: Clock) -> None:
        self._folder = folder
        self._host = host
        self._port = port
        self._server = server
        self._reading: asyncio.Task[None] | None = None
        self._lines: deque[str] = deque(maxlen=20)
        backoff = FullJitter(base_s=0.5, cap_s=30.0)
        super().__init__(
            "mosquitto", self._spawn, self._listens, self._end_in_order, (BrokerUnusable, OSError), backoff, clock
        )

    async def start(self) -> None:
        """Start mosquitto and return when it listens, or BrokerUnusable. It is started again when it ends."""
        self._program = find_mosquitto()
        self._write_files()
        await super().start()

    def renew(self, server: Issued) -> None:
        """Another certificate for connections to come: mosquitto reads it again at SIGHUP and keeps those it has."""
        self._server = server
        write_server(self._folder, server)
        self.reload()

    def reload(self) -> None:
        """Have it read again who is let in (`write_access`). Open connections stay, and lose what they may not do."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGHUP)

    def _write_files(self) -> None:
        write_server(self._folder, self._server)
        # Started by root, mosquitto would become the user `mosquitto`, who may not read the region's data.
        if os.geteuid() == 0:
            _log.warning("the region runs as root, so its broker does too; run it as a user of its own (see systemd/)")
        write_configuration(self._folder, self._host, self._port)

    async def _spawn(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            self._program, "-c", str(self._folder / "mosquitto.conf"), stderr=PIPE, stdout=DEVNULL,
            env={name: value for name, value in os.environ.items() if name not in _SYSTEMDS},
        )  # fmt: skip
        # A connection is an open file: by what is usual for a process, there would be room for a thousand stations.
        _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))
        return process

    async def _listens(self, process: Process) -> None:
        running = asyncio.Event()
        self._reading = asyncio.create_task(self._forward_log(process, running), name="mosquitto's log")
        waiting = asyncio.create_task(running.wait())
        try:
            await asyncio.wait((self._reading, waiting), timeout=_START_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not running.is_set():
            raise BrokerUnusable("mosquitto does not start: " + ("; ".join(self._lines) or "it says nothing"))

    async def _forward_log(self, process: Process, running: asyncio.Event) -> None:
        if process.stderr is None:
            raise BrokerUnusable("mosquitto's log cannot be read")
        async for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip()
            self._lines.append(line)
            _log.log(logging.ERROR if line.lower().startswith("error") else logging.INFO, "mosquitto: %s", line)
            if line.endswith("running"):
                running.set()

    async def _end_in_order(self, process: Process) -> None:
        if process.returncode is None:
            process.terminate()  # in order, so that it saves what it keeps
        await ended(process, _STOP_WITHIN_S)
        reading, self._reading = self._reading, None
        if reading is not None:
            await reading


def find_mosquitto() -> str:
    """Where mosquitto is, or BrokerUnusable with the command that installs it."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{_PATHS}")
    if found is None:
        raise BrokerUnusable(
            "mosquitto is not installed: apt install mosquitto, or name a broker with --broker host:port"
        )
    return found


def write_file(path: Path, content: bytes) -> None:
    """A file only we read, never there in part."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)
