"""The process that holds the keys: no network, no database, no session. It signs by rules and writes down what.

The rules, whoever asks: a station's certificate names a station, takes nothing from the request but its key, and lives
45 days; at most `MOST_FOR_ONE` of them an hour for one station; servers are `broker` and `region`; the one client is
`region`; to stations it signs words of two kinds, made here of fields that were checked, and dated now, and the time by
its own clock (which leaves no row). The socket is in the region's data and only the region's user (and root) is
listened to.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ctypes
import json
import logging
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.clock import Clock, SystemClock
from messaging.errors import MessageError
from messaging.sd_notify import notify, watchdog_interval
from messaging.signed import Word
from provisioning.authority import vault
from provisioning.authority.ca import SIGNER, CertificateAuthority, Issued
from provisioning.authority.certificates import Revoked
from provisioning.authority.errors import AuthorityError, AuthorityUnusable, MalformedRequest
from provisioning.authority.limiter import GuessLimiter
from provisioning.authority.request import read_request
from provisioning.authority.signing import WordSigner
from region.authority import wire
from region.broker import REGION_USER
from region.errors import Usage

_log = logging.getLogger(__name__)
MOST_FOR_ONE = 10
_SERVERS = ("broker", "region")
_PR_SET_DUMPABLE = 4
_LIST_BACKDATED_S = 3600  # a clock that steps back by less makes no list that counts for older than the last
_WITHIN_S = 10.0


class Keys:
    """Answers questions. The keys are read anew when their files have changed: `region ca rotate` changes them."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._limiter = GuessLimiter(MOST_FOR_ONE, 3600.0, most_sources=100_000)
        self._authority, self._signer = self._opened()
        self._seen = self._look()

    def answer(self, question: wire.Question) -> dict[str, Any]:
        """What is asked for, or an AuthorityError."""
        self._refresh()
        match question:
            case wire.Describe():
                chain = [_pem(certificate) for certificate in self._authority.chain]
                return {"chain": chain, "root_sha256": self._authority.root_sha256}
            case wire.StationCertificate(station, request):
                return {"certificate": _pem(self._station(station, request))}
            case wire.ServerCertificate(name, hosts):
                if name not in _SERVERS:
                    raise AuthorityUnusable(f"no server of ours is called {name!r}")
                return self._issued(name, self._authority.issue_server(name, hosts))
            case wire.ClientCertificate():
                return self._issued(REGION_USER, self._authority.issue_client(REGION_USER))
            case wire.RevocationLists(serials, since):
                return {"lists": self._lists(serials, since).decode()}
            case wire.SignWords(words):
                return {"jws": self._words(words)}
            case wire.TellTime(nonce):
                return {"jws": self._signer.tell_time(nonce).decode()}

    def _station(self, station: str, request: str) -> x509.Certificate:
        if self._limiter.take(station, self._clock.monotonic()) > 0:
            raise AuthorityUnusable(f"{station} has been given {MOST_FOR_ONE} certificates within the hour")
        try:
            read = read_request(base64.b64decode(request, validate=True))
            certificate = self._authority.issue_station(station, read)
        except (binascii.Error, ValueError) as error:
            raise MalformedRequest(str(error)) from error
        self._write_down("station", station, certificate)
        return certificate

    def _words(self, words: tuple[Word, ...]) -> list[str]:
        signed = self._signer.sign(words)
        at = round(self._clock.wall(), 3)
        rows: list[dict[str, Any]] = [
            {"at": at, "kind": "command", "name": word.station, "cid": word.cid, "type": word.type}
            for word in words if word.kind == "command"
        ]  # fmt: skip
        configs = [word.station for word in words if word.kind == "desired"]
        if configs:
            rows.append({"at": at, "kind": "desired", "name": configs[0], "stations": len(configs)})
        self._append(rows)
        return [jws.decode() for jws in signed]

    def _issued(self, name: str, issued: Issued) -> dict[str, Any]:
        self._write_down("service", name, x509.load_pem_x509_certificate(issued.certificate_pem))
        return {"certificate": issued.certificate_pem.decode(), "key": issued.key_pem.decode()}

    def _lists(self, serials: tuple[str, ...], since: tuple[int, ...]) -> bytes:
        try:
            revoked = [Revoked(int(serial, 16), at) for serial, at in zip(serials, since, strict=True)]
            number, begins = self._next_list()
            lists = self._authority.revocation_lists(revoked, number, begins)
        except (ValueError, OverflowError, OSError) as error:
            raise AuthorityUnusable(f"no revocation list of these: {error}") from error
        _log.info("revocation list %d names %d certificates", number, len(revoked))
        return lists

    def _next_list(self) -> tuple[int, int]:
        path = self._directory / "crl.json"
        last = json.loads(path.read_text()) if path.exists() else {"number": 0, "begins": 0}
        number = int(last["number"]) + 1
        begins = max(int(self._clock.wall()) - _LIST_BACKDATED_S, int(last["begins"]) + 1)
        part = path.with_name(".crl.json.part")
        part.unlink(missing_ok=True)
        vault.write(part, json.dumps({"number": number, "begins": begins}).encode())
        part.replace(path)
        vault.sync(self._directory)
        return number, begins

    def _write_down(self, kind: str, name: str, certificate: x509.Certificate) -> None:
        row = {
            "at": round(self._clock.wall(), 3), "kind": kind, "name": name,
            "serial": f"{certificate.serial_number:x}", "expires": certificate.not_valid_after_utc.timestamp(),
        }  # fmt: skip
        self._append([row])

    def _append(self, rows: list[dict[str, Any]]) -> None:
        handle = os.open(self._directory / "journal.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())

    def _opened(self) -> tuple[CertificateAuthority, WordSigner]:
        authority = vault.open_authority(self._directory, self._clock)
        return authority, WordSigner(authority, self._clock, partial(self._write_down, "signer", SIGNER))

    def _look(self) -> tuple[int, ...]:
        names = ("root.pem", *(f"{name}.pem" for name in vault.INTERMEDIATES))
        return tuple((self._directory / name).stat().st_mtime_ns for name in names)

    def _refresh(self) -> None:
        try:
            if self._look() != self._seen:
                self._seen = self._look()
                self._authority, self._signer = self._opened()
                _log.info("the authority's files have changed and were read anew")
        except OSError as error:
            raise AuthorityUnusable(f"{self._directory}: {error.strerror or error}") from error


async def serve_keys(data: Path, path: Path, *, child: bool, users: Iterable[int] = ()) -> None:
    """Answer on the socket until SIGTERM, or, as a `child`, until standard input ends: whoever started us is gone."""
    _harden()
    vault.mend(data / "ca")
    keys = Keys(data / "ca", SystemClock())
    allowed = {0, os.geteuid(), *users}
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if child:
        loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 64) else stop.set())

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_WITHIN_S):
                if (who := _peer(writer)) in allowed:
                    writer.write(await _answer(keys, reader))
                    await writer.drain()
                else:
                    _log.warning("user %d knocked, and is not answered: see --allow-user", who)
        except (OSError, TimeoutError) as error:
            _log.warning("a question was not answered: %s", error or type(error).__name__)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    path.unlink(missing_ok=True)  # noqa: ASYNC240 - a moment, on our own disk
    try:
        server = await asyncio.start_unix_server(converse, path, limit=wire.MAX_LINE)
    except OSError as error:
        raise Usage(f"the authority cannot listen on {path}: {error.strerror or error}") from error
    path.chmod(0o660 if users else 0o600)  # noqa: ASYNC240 - a moment, on our own disk
    print("ready", flush=True)
    notify("READY=1")
    watching = asyncio.create_task(_feed_watchdog(keys), name="watchdog")
    async with server:
        await stop.wait()
    watching.cancel()
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - a moment, on our own disk


async def _feed_watchdog(keys: Keys) -> None:
    """systemd's watchdog, fed only while there are keys to sign with."""
    interval_s = watchdog_interval()
    while interval_s is not None:
        keys.answer(wire.Describe())
        notify("WATCHDOG=1")
        await asyncio.sleep(interval_s)


async def _answer(keys: Keys, reader: asyncio.StreamReader) -> bytes:
    try:
        return wire.answer_line(keys.answer(wire.from_line(await reader.readline())))
    except AuthorityError as error:
        _log.warning("not signed (%s): %s", error.code, error)
        return wire.refusal_line(error)
    except (MessageError, ValueError) as error:
        _log.warning("not a question: %s", error)
        return wire.refusal_line(MalformedRequest("not a question of ours"))


def _peer(writer: asyncio.StreamWriter) -> int:
    """The user who has connected. Source: unix(7), SO_PEERCRED: struct ucred {pid, uid, gid}."""
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    uid: int = struct.unpack("3i", credentials)[1]
    return uid


def _harden() -> None:
    """Neither a core dump nor another process of this user gets to see the memory that holds the keys."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
