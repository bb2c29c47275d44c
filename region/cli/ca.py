"""`region ca ...`: the ceremony, rotation, backup and restore of the authority. The runbook: docs/operations/ca.md.

`init`, `offline`, `rotate --root`, `sign-intermediate` and `new-root` open the root's file with its passphrase; the
rest need only the region's data. Each refuses rather than replace what stations trust.
"""

from __future__ import annotations

import argparse
import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.clock import Clock, SystemClock
from provisioning.authority import certificates, offline, vault
from provisioning.authority.errors import AuthorityUnusable
from region.cli.parsing import actions_of, add_data
from region.cli.printing import ask_twice, tell
from region.errors import Usage

_DAY_S = 86_400.0
_ASKED = "Passphrase: "
_SOON_S = 365 * _DAY_S


@dataclass(frozen=True)
class Hands:
    """What a command works with."""

    args: argparse.Namespace
    clock: Clock

    @property
    def directory(self) -> Path:
        """The authority's directory."""
        data: Path = self.args.data
        return data / "ca"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)

    def leaf(name: str, help_text: str, act: Callable[[Hands], None], *, data: bool = True) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=help_text, description=help_text)
        if data:
            add_data(parser)
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
        parser.set_defaults(run=lambda args: _run(args, act))
        return parser

    def passphrase(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="read the passphrase there instead of asking for it"
        )

    init = leaf("init", "make an authority whose root's key is never on this machine's disk unlocked", _init)
    init.add_argument("--root", type=Path, required=True, metavar="FILE", help="where the root is exported to")
    passphrase(init)
    out = leaf("offline", "export the root's key and remove it here (a region served without `ca init`)", _offline)
    out.add_argument("--root", type=Path, required=True, metavar="FILE", help="where the root is exported to")
    passphrase(out)
    leaf("status", "tell what the authority holds and what has to be done", _status)
    rotate = leaf("rotate", "change an intermediate; stations learn it as they renew", _rotate)
    rotate.add_argument("which", choices=tuple(vault.INTERMEDIATES))
    how = rotate.add_mutually_exclusive_group(required=True)
    how.add_argument("--request", type=Path, metavar="FILE", help="write what the offline root is to sign")
    how.add_argument("--certificate", type=Path, metavar="FILE", help="put in force what the offline root has signed")
    how.add_argument("--root", type=Path, metavar="FILE", help="do it all here, with the root's file")
    rotate.add_argument("--at-once", action="store_true", help="drop the present one: its key is known to others")
    passphrase(rotate)
    sign = leaf("sign-intermediate", "on the offline machine: sign a request", _sign, data=False)
    sign.add_argument("which", choices=tuple(vault.INTERMEDIATES))
    sign.add_argument("--root", type=Path, required=True, metavar="FILE", help="the root's file")
    sign.add_argument("--request", type=Path, required=True, metavar="FILE", help="what region ca rotate wrote")
    sign.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the certificate goes")
    passphrase(sign)
    new = leaf("new-root", "make another root, vouched for by the present one; trust both", _new_root)
    new.add_argument("--root", type=Path, required=True, metavar="FILE", help="the present root's file")
    new.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the new one is exported to")
    passphrase(new)
    backup = leaf("backup", "lock all of the authority up in one file", _backup)
    backup.add_argument("--out", type=Path, required=True, metavar="FILE")
    passphrase(backup)
    restore = leaf("restore", "put a backup in place, where no authority is", _restore)
    restore.add_argument("backup", type=Path)
    passphrase(restore)


def _run(args: argparse.Namespace, act: Callable[[Hands], None]) -> int:
    os.umask(0o077)
    hands = Hands(args, SystemClock())
    if "data" in args:
        vault.mend(hands.directory)
    act(hands)
    return 0


def _init(hands: Hands) -> None:
    if hands.directory.exists() and any(hands.directory.iterdir()):
        raise AuthorityUnusable(f"{hands.directory} is there already; an authority is never put in place of another")
    root = vault.new_root(hands.clock)
    # The root's file first: an authority whose root nobody has could never be changed again.
    offline.write_root(hands.args.root, root, _passphrase(hands, new=True))
    hands.directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    vault.create(hands.directory, hands.clock, root, keep_root_key=False)
    pin = vault.public_trust(hands.directory).root_sha256
    tell(hands.args, {"root": str(hands.args.root), "root_sha256": pin},
         f"The authority is made. Take {hands.args.root} offline now: copy it to two places, check both, and "
         f"remove it from this machine.\nSHA-256 of the root: {pin}")  # fmt: skip


def _offline(hands: Hands) -> None:
    root = vault.take_root_offline(hands.directory)
    offline.write_root(hands.args.root, root, _passphrase(hands, new=True))
    vault.forget_root_key(hands.directory)
    tell(hands.args, {"root": str(hands.args.root)},
         f"The root's key is in {hands.args.root} alone. Copy it to two places, check both, and "
         "remove it here.")  # fmt: skip


def _status(hands: Hands) -> None:
    held = vault.load(hands.directory)
    now = hands.clock.wall()
    issuers = {"stations": held.stations, "services": held.services}
    rows = [_row("root", root, now) for root in held.roots]
    rows += [_row(name, issuer.certificate, now) for name, issuer in issuers.items()]
    rows += [_row("previous", issuer.certificate, now) for issuer in held.previous]
    root_here = (hands.directory / "root-key.pem").exists()
    waiting = [name for name in vault.INTERMEDIATES if (hands.directory / f"next-{name}-key.pem").exists()]
    advice = [f"{row['what']} ends within a year: region ca rotate" for row in rows if row["ends_soon"]]
    if not certificates.may_issue(held.services.certificate, certificates.SIGNING):
        advice.append("services may not sign for stations, and no config goes out: region ca rotate services")
    if root_here:
        advice.append("the root's key is on this machine: region ca offline --root FILE")
    advice += [f"a new {name} waits for the root's signature: region ca sign-intermediate" for name in waiting]
    pin = vault.public_trust(hands.directory).root_sha256
    lines = [f"{row['what']:<10} {row['name']:<22} ends {row['ends']}" for row in rows]
    text = "\n".join([*lines, f"code files pin {pin}", *(f"! {line}" for line in advice)])
    tell(hands.args, {"root_sha256": pin, "root_key_here": root_here, "certificates": rows, "advice": advice}, text)


def _rotate(hands: Hands) -> None:
    args, name, now = hands.args, hands.args.which, hands.clock.wall()
    if args.request is not None:
        request = vault.begin_rotation(hands.directory, name, now, at_once=args.at_once)
        _write(args.request, request)
        tell(hands.args, {"request": str(args.request)},
             f"Take {args.request} to the offline root: "
             f"region ca sign-intermediate {name} --request ... --out ...")  # fmt: skip
        return
    if args.root is not None:
        root = offline.read_root(args.root, _passphrase(hands))
        request = vault.begin_rotation(hands.directory, name, now, at_once=args.at_once, root=root.certificate)
        certificate = offline.sign_intermediate(root, name, request, hands.clock)
    else:
        certificate = _read_certificate(args.certificate)
    vault.finish_rotation(hands.directory, name, certificate, now, at_once=args.at_once)
    tell(args, {"rotated": name, "at_once": args.at_once}, f"{name} is changed. {_then(name, at_once=args.at_once)}")


def _then(name: str, *, at_once: bool) -> str:
    if at_once:
        then = "The one before is dropped: restart the region (and a broker of yours), so that nobody counts on it."
        return f"{then} Stations get a new certificate with their registered key." if name == "stations" else then
    then = "A running region signs with it from now on."
    return f"{then} Stations learn it as they renew, within 45 days." if name == "stations" else then


def _sign(hands: Hands) -> None:
    args = hands.args
    root = offline.read_root(args.root, _passphrase(hands))
    certificate = offline.sign_intermediate(root, args.which, args.request.read_bytes(), hands.clock)
    _write(args.out, certificate.public_bytes(Encoding.PEM))
    tell(hands.args, {"certificate": str(args.out)},
         f"Signed. On the region: region ca rotate {args.which} --certificate {args.out.name}")  # fmt: skip


def _new_root(hands: Hands) -> None:
    passphrase = _passphrase(hands)
    present = offline.read_root(hands.args.root, passphrase)
    # A name of its own: verifiers look issuers up by name.
    name = f"{vault.ROOT_NAME} {datetime.fromtimestamp(hands.clock.wall(), UTC):%Y-%m-%d %H:%M:%S}"
    new = vault.new_root(hands.clock, name)
    crossed = certificates.cross_sign(new.certificate, present)
    offline.write_root(hands.args.out, new, passphrase)
    vault.add_root(hands.directory, new.certificate, crossed)
    tell(hands.args, {"root": str(hands.args.out)},
         f"Both roots are trusted. Take {hands.args.out} offline (its passphrase is the present root's). When every "
         "station has renewed (45 days; 225 for those that were away), "
         "rotate stations and services with it.")  # fmt: skip


def _backup(hands: Hands) -> None:
    vault.load(hands.directory)  # a backup of a damaged authority would be found out too late
    files = {path.name: path.read_bytes() for path in hands.directory.iterdir() if path.is_file()}
    passphrase = _passphrase(hands, new=True)
    locked = offline.lock_up(files, passphrase)
    _write(hands.args.out, locked)
    if offline.unlock(hands.args.out.read_bytes(), passphrase) != files:
        raise AuthorityUnusable(f"{hands.args.out} does not read back as it was written: is that disk whole?")
    tell(hands.args, {"backup": str(hands.args.out), "files": sorted(files)},
         f"{len(files)} files are locked up in {hands.args.out}, and it reads back.")  # fmt: skip


def _restore(hands: Hands) -> None:
    files = offline.unlock(hands.args.backup.read_bytes(), _passphrase(hands))
    vault.restore(hands.directory, files)
    tell(hands.args, {"files": sorted(files)}, f"The authority is back in {hands.directory}.")


def _passphrase(hands: Hands, *, new: bool = False) -> str:
    path: Path | None = hands.args.passphrase_file
    if path is not None:
        return path.read_text().rstrip("\n")
    return ask_twice(_ASKED) if new else getpass.getpass(_ASKED)


def _row(what: str, certificate: x509.Certificate, now: float) -> dict[str, Any]:
    ends = certificate.not_valid_after_utc
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    kind = "cross" if what == "root" and certificate.issuer != certificate.subject else what
    soon = kind in ("root", *vault.INTERMEDIATES) and ends.timestamp() - now < _SOON_S
    return {"what": kind, "name": str(names[0].value), "ends": f"{ends:%Y-%m-%d}", "ends_soon": soon}


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise AuthorityUnusable(f"{path} is no certificate") from error


def _write(path: Path, content: bytes) -> None:
    try:
        vault.write(path, content)
    except FileExistsError as error:
        raise Usage(f"{path} is there already: choose another name, nothing is ever overwritten") from error
