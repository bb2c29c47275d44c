"""The parts of a station's config: what can be set, with the bounds and form of each value.

Everything has a default, so that a layer may say one value only and an older document stays whole. What two values
must be to each other is `objection()` of the part, judged on the merged document (`objections`). Values marked
`secret` never leave the station again: `redacted` puts HIDDEN in their place. Values marked `resident` are of the
person who lives there: they are shown to whoever sets them, and stand in no log.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, time
from typing import Annotated, Any, Literal, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlsplit

from messaging.codec import Form, Length, Range
from messaging.reasons import say

HIDDEN = "(set)"  # what stands for a secret that is there
WIFI_MOST = 8
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PSK = re.compile(r"[\x20-\x7e]{8,63}|[0-9a-fA-F]{64}")
T = TypeVar("T")


@runtime_checkable
class _Judged(Protocol):
    def objection(self) -> str: ...


def _shown(value: str) -> bool:
    return not any(unicodedata.category(letter)[0] == "C" for letter in value)


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_interface(value: str) -> bool:
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return "/" in value


def _is_host(value: str) -> bool:
    return bool(_HOST.fullmatch(value)) or _is_address(value)


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_proxy(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    plain = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in ("http", "https", "socks5") and plain and port is not None and _is_host(parts.hostname or "")


def _or_empty(form: re.Pattern[str]) -> Any:
    return lambda value: not value or form.fullmatch(value) is not None


Shown = Form(_shown, say("unshown"))
Name = Annotated[str, Length(80), Shown]
Phone = Annotated[str, Length(24), Form(_or_empty(re.compile(r"[0-9+() -]*")), say("phone"))]
ClockTime = Annotated[str, Length(5), Form(_CLOCK.fullmatch, say("time"))]
Day = Annotated[str, Length(10), Form(lambda v: not v or _is_date(v), say("day"))]
Host = Annotated[str, Length(253), Form(_is_host, say("host"))]
Address = Annotated[str, Length(45), Form(lambda v: not v or _is_address(v), say("address"))]
Percent = Annotated[int, Range(0, 100)]
Certificate = Annotated[
    str, Length(8192),
    Form(lambda v: not v or v.lstrip().startswith("-----BEGIN CERTIFICATE-----"), say("certificates")),
]  # fmt: skip


# Named here because an annotation with a function of its own is evaluated where this module's names are not known.
CidrAddress = Annotated[
    str, Length(49), Form(lambda v: not v or _is_interface(v), say("network_address"))
]  # fmt: skip
ProxyUrl = Annotated[
    str, Length(253), Form(lambda v: not v or _is_proxy(v), say("proxy"))
]  # fmt: skip


def _psk_or_hidden(value: str) -> object:
    # What is reported, and shown at the station, has HIDDEN in its place; `Wifi.objection` takes it from nobody.
    return value in ("", HIDDEN) or _PSK.fullmatch(value)


Psk = Annotated[
    str, Length(64),
    Form(_psk_or_hidden, say("psk")),
]  # fmt: skip
Country = Annotated[str, Length(2), Form(_or_empty(re.compile("[A-Z]{2}")), say("country"))]


@dataclass(frozen=True)
class Sound:
    """How the clinician sounds to this resident. `clear_speech` is for those who hear badly: no rumble, the consonants'
    band (1.5 to 4 kHz) raised by `boost_db`, quiet speech brought nearer to loud speech."""

    profile: Literal["normal", "clear_speech"] = "normal"
    boost_db: Annotated[int, Range(0, 9)] = 7


@dataclass(frozen=True)
class Span:
    """A part of a day, local time; `closes` 00:00 is midnight at its end."""

    opens: ClockTime
    closes: ClockTime


Spans = Annotated[tuple[Span, ...], Length(4)]


@dataclass(frozen=True)
class Week:
    """When somebody answers. A day that is not said is as the layer above says; an empty list: closed that day."""

    mon: Spans | None = None
    tue: Spans | None = None
    wed: Spans | None = None
    thu: Spans | None = None
    fri: Spans | None = None
    sat: Spans | None = None
    sun: Spans | None = None

    def objection(self) -> str:
        """Spans of a day end after they begin and do not run into each other."""
        for one in fields(self):
            end = ""
            for span in getattr(self, one.name) or ():
                closes = "24:00" if span.closes == "00:00" else span.closes
                if closes <= span.opens:
                    return say("closes_first", day=one.name)
                if span.opens < end:
                    return say("hours_overlap", day=one.name)
                end = closes
        return ""


@dataclass(frozen=True)
class Opening:
    """Opening hours of the clinic; none said at all: always open. `closed` are dates."""

    week: Week = field(default_factory=Week)
    closed: Annotated[tuple[Day, ...], Length(60)] = ()


@dataclass(frozen=True)
class Screen:
    """What the resident's screen shows of names, and how bright it is, in percent (it can always be read)."""

    caller_name: bool = True
    caller_title: bool = True
    clinic: bool = True
    place: bool = True  # the room and the site
    brightness: Percent = 100


@dataclass(frozen=True)
class Levels:
    """Levels beside the call's own volume, in percent."""

    ring: Percent = 70
    prompts: Percent = 60  # what else the station says or plays by itself
    light: Percent = 100  # the button's lamp; it is always seen when it rings, and when the room may be seen or heard


@dataclass(frozen=True)
class Night:
    """Night hours, local time; they may go past midnight.

    `volume` is the most of what the station plays by itself: a clinician's voice keeps the call's volume, for who has
    pressed is awake. `quiet`: the ring is a light only. `brightness` is that of screen and lamp while nothing goes on;
    0 is dark.
    """

    on: bool = False
    begins: ClockTime = "22:00"
    ends: ClockTime = "07:00"
    quiet: bool = False
    volume: Percent = 40
    brightness: Percent = 10

    def covers(self, at: time) -> bool:
        """Whether it is night at that time of day."""
        now = f"{at:%H:%M}"
        if self.begins < self.ends:
            return self.on and self.begins <= now < self.ends
        return self.on and (now >= self.begins or now < self.ends)

    def objection(self) -> str:
        """A night has a length."""
        return say("no_night") if self.on and self.begins == self.ends else ""


@dataclass(frozen=True)
class AutoAnswer:
    """A call of the clinic is answered without a press. Off, unless somebody has consented: who, and until when.

    After `consent_until` it is off again; a station that does not know the date has it off.
    """

    on: bool = False
    # who gave it: the resident, or who speaks for them
    consent_by: Name = field(default="", metadata={"resident": True})
    consent_recorded_by: Name = ""  # who wrote it down
    consent_until: Day = ""

    def objection(self) -> str:
        """Never without consent."""
        recorded = self.consent_by and self.consent_recorded_by and self.consent_until
        return "" if recorded or not self.on else say("no_consent")


@dataclass(frozen=True)
class CameraPolicy:
    """What cameras may do. Framing itself is `Config.framing`."""

    examination: bool = True  # a second camera may be used
    zoom: bool = True  # the clinician may look closer
    still: bool = True  # the clinician may ask for one still picture, which is not kept


@dataclass(frozen=True)
class Eap:
    """802.1X. An empty `method`: none."""

    method: Literal["", "peap", "ttls", "tls"] = ""
    identity: Annotated[str, Length(253), Shown] = ""
    anonymous: Annotated[str, Length(253), Shown] = ""
    password: Annotated[str, Length(128), Shown] = field(default="", repr=False, metadata={"secret": True})
    ca: Certificate = ""  # that the network's server is held to
    server: Annotated[str, Length(253), Shown] = ""  # the name its certificate must end with

    def objection(self) -> str:
        """A method has what it needs; a password is given only to a server that is known."""
        if not self.method:
            return ""
        if self.password == HIDDEN:
            return say("secret_missing")
        if not self.identity:
            return say("eap_identity")
        if self.method != "tls" and not self.password:
            return say("eap_password")
        return "" if self.ca and self.server else say("eap_server")


@dataclass(frozen=True)
class Static:
    """A static address (`10.0.0.5/24`), or DHCP where it is empty."""

    address: CidrAddress = ""
    gateway: Address = ""
    dns: Annotated[tuple[Address, ...], Length(4)] = ()

    def objection(self) -> str:
        """A gateway that can be reached from the address."""
        if not self.address:
            return say("lone_gateway") if self.gateway else ""
        if not self.gateway:
            return ""
        inside = ipaddress.ip_address(self.gateway) in ipaddress.ip_interface(self.address).network
        return "" if inside else say("far_gateway")


@dataclass(frozen=True)
class Wifi:
    """One Wi-Fi, under its SSID. `use` false takes away one that a layer above gives."""

    use: bool = True
    psk: Psk = field(default="", repr=False, metadata={"secret": True})  # fmt: skip
    hidden: bool = False
    priority: Annotated[int, Range(0, 100)] = 0
    eap: Eap = field(default_factory=Eap)
    ip: Static = field(default_factory=Static)

    def objection(self) -> str:
        """A key of one kind: an open Wi-Fi carries no station."""
        if self.psk == HIDDEN:
            return say("secret_missing")
        if not self.use:
            return ""
        if self.psk and self.eap.method:
            return say("wifi_both")
        return "" if self.psk or self.eap.method else say("wifi_open")


@dataclass(frozen=True)
class Wired:
    """The network socket."""

    eap: Eap = field(default_factory=Eap)
    ip: Static = field(default_factory=Static)


@dataclass(frozen=True)
class Proxy:
    """For HTTPS (enrolment, updates, diagnostics); `url` without a password in it."""

    url: ProxyUrl = ""
    user: Annotated[str, Length(128), Shown] = ""
    password: Annotated[str, Length(128), Shown] = field(default="", repr=False, metadata={"secret": True})
    bypass: Annotated[tuple[Host, ...], Length(16)] = ()


@dataclass(frozen=True)
class Network:
    """How the station gets on the network."""

    country: Country = "DK"
    wifi: Annotated[dict[str, Wifi], Length(WIFI_MOST)] = field(default_factory=dict)
    wired: Wired = field(default_factory=Wired)
    proxy: Proxy = field(default_factory=Proxy)

    def objection(self) -> str:
        """SSIDs are what the standard allows: 1 to 32 bytes."""
        bad = [ssid for ssid in self.wifi if not 1 <= len(ssid.encode()) <= 32 or not _shown(ssid)]
        return say("wifi_name") if bad else ""


@dataclass(frozen=True)
class Telemetry:
    """How often the station tells of itself, in seconds. Events and alarms are told at once, always."""

    health_s: Annotated[int, Range(10, 3600)] = 60
    call_s: Annotated[int, Range(1, 60)] = 5  # during a call


def objections(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """What the parts of a config object to, with the path of each part."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from objections(item, (*path, key))
    if not is_dataclass(value) or isinstance(value, type):
        return
    if isinstance(value, _Judged) and (text := value.objection()):
        yield path, text
    for one in fields(value):
        yield from objections(getattr(value, one.name), (*path, one.name))


def redacted(value: T) -> T:
    """The same, with HIDDEN in the place of every secret that is set."""
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}  # type: ignore[return-value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for one in fields(value):
        inner = getattr(value, one.name)
        changed[one.name] = (HIDDEN if inner else inner) if one.metadata.get("secret") else redacted(inner)
    return replace(value, **changed)
