"""What `region serve --oidc FILE` says of the provider, and of who is let in as what."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from messaging.codec import Length, decode
from messaging.errors import MalformedMessage
from region.registry import Invalid
from region.registry.people import Binding
from region.registry.records import Role

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANY_PLACE = 1  # stands for a place that will be looked up by its name
Address = Annotated[str, Length(512)]
Names = Annotated[tuple[str, ...], Length(64)]


@dataclass(frozen=True)
class Grant:
    """Who is in `group` at the provider has `role` here, at the clinic and sites of these names."""

    group: str
    role: Role
    clinic: str = ""
    sites: tuple[str, ...] = ()


@dataclass(frozen=True)
class OidcSettings:
    """One provider. `label` is what people know it by.

    `trusted_amr`, `trusted_acr`: with one of these in its `amr` or `acr` the provider has asked for a second step
    itself, and ours is not asked for. `always_ask`: it asks who somebody is every time, for computers that are shared.
    """

    issuer: Address
    client_id: str
    label: Annotated[str, Length(60)]
    client_secret_file: Address = ""
    scopes: Names = ("openid", "profile")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    trusted_amr: Names = ()
    trusted_acr: Names = ()
    always_ask: bool = False
    grant: Annotated[tuple[Grant, ...], Length(2000)] = ()
    client_secret: str = field(default="", repr=False)


def read_settings(path: Path) -> OidcSettings:
    """The settings in the file, the client's secret among them; MalformedMessage naming what is wrong in it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise MalformedMessage(f"cannot be read: {error}") from error
    if "client_secret" in document:
        raise MalformedMessage("client_secret: put it into a file of its own, and name that as client_secret_file")
    secret_file = document.get("client_secret_file", "")
    if isinstance(secret_file, str) and secret_file:
        document["client_secret"] = _secret(path.parent / secret_file)
    return settings_of(document)


def settings_of(document: dict[str, Any]) -> OidcSettings:
    """Settings from plain data; MalformedMessage for what they do not take."""
    _no_strangers(document, OidcSettings, "")
    settings = decode(OidcSettings, document)
    for number, grant in enumerate(document.get("grant") or (), 1):
        _no_strangers(grant, Grant, f"grant {number}: ")
    if not is_safe(settings.issuer):
        raise MalformedMessage("issuer: expected an address that begins with https://")
    if "openid" not in settings.scopes:
        raise MalformedMessage("scopes: openid is missing, without which there is no sign-in")
    if not settings.grant:
        raise MalformedMessage("grant: say which groups may do what, or nobody is let in")
    for number, one in enumerate(settings.grant, 1):
        _check(one, number)
    return settings


def is_safe(address: str) -> bool:
    """Whether secrets may be sent there: by HTTPS, or to this very machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


def _check(grant: Grant, number: int) -> None:
    sites = tuple(_ANY_PLACE for _ in grant.sites)
    try:
        Binding(grant.role, _ANY_PLACE if grant.clinic else None, sites).check()
    except Invalid as error:
        raise MalformedMessage(f"grant {number} ({grant.group}): {error}") from error


def _no_strangers(table: object, kind: type, where: str) -> None:
    known = {one.name for one in fields(kind)}
    strangers = sorted(set(table) - known) if isinstance(table, dict) else []
    if strangers:
        raise MalformedMessage(f"{where}{strangers[0]}: there is no such setting; expected one of {', '.join(known)}")


def _secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedMessage(f"client_secret_file: cannot be read: {error}") from error
    if not secret:
        raise MalformedMessage("client_secret_file: the file is empty")
    return secret
