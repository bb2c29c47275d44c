"""How `region serve` is told to run, and what follows from it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from messaging.enrolment import split_address
from messaging.errors import MalformedMessage
from messaging.twin import Language
from region.addresses import Addresses, place, public_url, url
from region.errors import Usage
from region.web.oidc.settings import OidcSettings, read_settings
from region.web.security_txt import SecurityTxt, read_security_txt
from region.web.turn import TurnSettings

_EVERYWHERE = ("0.0.0.0", "::", "")


ServeRole = Literal["web", "enrolment", "stations"]
ROLES: frozenset[ServeRole] = frozenset(get_args(ServeRole))


@dataclass(frozen=True)
class ServeOptions:
    """What `region serve` was asked for. `host` is where browsers are served, `stations_host` where stations are.

    `roles` are this process's: the pages, the enrolment door, the stations (heard and told by one process at a time).
    """

    data: Path
    database: str | None = None
    host: str = "127.0.0.1"
    port: int = 8400
    stations_host: str = "127.0.0.1"
    enrol_port: int = 8402
    broker_port: int = 8403
    broker: str | None = None
    public_url: str | None = None
    turn_urls: tuple[str, ...] = ()
    turn_secret_file: Path | None = None
    relay_only: bool = False
    authority: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    language: Language | None = None
    second_step: bool = True
    oidc: Path | None = None
    security_contacts: tuple[str, ...] = ()
    security_expires: str | None = None
    roles: frozenset[ServeRole] = ROLES
    name: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def client_id(self) -> str:
        """Under which name this process speaks at the broker, where it is one of several."""
        return f"region-{self.name}"

    def check(self) -> None:
        """Usage if the options do not fit together."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise Usage("--tls-cert and --tls-key go together")
        for path in (self.tls_certificate, self.tls_key, self.turn_secret_file):
            if path is not None and not path.is_file():
                raise Usage(f"{path} is not there")
        if bool(self.turn_urls) != (self.turn_secret_file is not None):
            raise Usage("--turn-url and --turn-secret-file go together")
        if self.relay_only and not self.turn_urls:
            raise Usage("--relay-only needs a relay: --turn-url and --turn-secret-file")
        for turn_url in self.turn_urls:
            if not turn_url.startswith(("turn:", "turns:")):
                raise Usage(f"--turn-url {turn_url}: expected turn:host:port or turns:host:port")
        if self.broker is not None:
            self.broker_address()
        self.provider()
        self.security()
        if self.roles != ROLES:
            self._check_roles()

    def _check_roles(self) -> None:
        if self.database is None or not self.database.startswith("postgres"):
            raise Usage("--role: several processes need PostgreSQL (--database); SQLite is for one process")
        for option, value in (("--broker", self.broker), ("--authority", self.authority)):
            if value is None:
                raise Usage(f"--role: the processes share one {option[2:]}: name it with {option}")

    def addresses(self) -> Addresses:
        """Where the region will be reached; Usage if that cannot be known."""
        scheme = "https" if self.tls_certificate is not None else "http"
        if self.public_url is None and self.host in _EVERYWHERE:
            raise Usage(f"--host {self.host} is every address of this machine: say with --public-url which people use")
        public = public_url(self.public_url or url(scheme, self.host, self.port))
        stations = self.stations_host
        if stations in _EVERYWHERE or (self.public_url is not None and stations not in ("127.0.0.1", "::1")):
            stations = urlsplit(public).hostname or stations
        broker = self.broker or place(stations, self.broker_port)
        return Addresses(public, url("https", stations, self.enrol_port), broker)

    def broker_address(self) -> tuple[str, int]:
        """Where the region itself reaches the broker."""
        if self.broker is None:
            return ("127.0.0.1" if self.stations_host in _EVERYWHERE else self.stations_host), self.broker_port
        try:
            return split_address(self.broker)
        except MalformedMessage as error:
            raise Usage(f"--broker {self.broker}: expected host:port") from error

    def turn(self) -> TurnSettings | None:
        """The relay, if there is one; its secret is read from its file."""
        if self.turn_secret_file is None:
            return None
        secret = self.turn_secret_file.read_text().strip()
        if len(secret) < 16:
            raise Usage(f"{self.turn_secret_file} holds a secret of fewer than 16 characters")
        return TurnSettings(self.turn_urls, secret, self.relay_only)

    def provider(self) -> OidcSettings | None:
        """Who vouches for people, if somebody does; Usage where its file is not as it should be."""
        if self.oidc is None:
            return None
        try:
            return read_settings(self.oidc)
        except MalformedMessage as error:
            raise Usage(f"--oidc {self.oidc}: {error}. See docs/operations/people.md") from error

    def security(self) -> SecurityTxt | None:
        """Whom to tell of a weakness, if somebody is named; Usage for what is no contact, or no day."""
        try:
            return read_security_txt(self.security_contacts, self.security_expires)
        except MalformedMessage as error:
            raise Usage(f"--security-contact, --security-expires: {error}") from error
