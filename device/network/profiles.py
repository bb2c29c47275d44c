"""A station's `network` config as NetworkManager's connection profiles. Pure: nothing is asked or written.

    laegeknap-wired          the network socket. With nothing said: DHCP, and after all profiles of others; always
                             there, so that going back to it is a change and never a loss
    laegeknap-wifi-<ssid>    one for each Wi-Fi that is to be used

Profiles that others have made (an image's own Wi-Fi) stay as they are, and come after what the config says. Source:
nm-settings-dbus(5).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

from device.runtime.dbus_wire import Variant
from messaging.settings import Eap, Network, Static, Wifi, Wired

OURS = "laegeknap-"  # how the names of our profiles begin
_NAMESPACE = uuid.UUID("6f1d0c9e-2a53-5f0e-9d6c-6c61656765aa")
_WIRED_PRIORITY, _PLAIN_PRIORITY = 500, -500  # NetworkManager's own, for a socket without a profile, is -999
_WIFI_PRIORITY = 100  # and up, by the config's own; what others have made has 0
_NOT_REQUIRED = 4  # NM_SETTING_SECRET_FLAG_NOT_REQUIRED: the station's key has no password
_PHASE2 = {"peap": "mschapv2", "ttls": "pap"}  # within TLS to a server whose certificate is checked

Settings = dict[str, dict[str, Variant]]


@dataclass(frozen=True)
class Own:
    """What 802.1X with a certificate shows: the station's own. `folder` is where the networks' CAs are kept."""

    certificate: Path
    key: Path
    folder: Path


@dataclass(frozen=True)
class Profile:
    """One profile. `ca` is the network's CA, PEM, to stand at `ca_path`; secrets are in `settings` and nowhere else."""

    id: str
    kind: str
    settings: Settings = field(repr=False)
    plain: bool = False  # as NetworkManager would do it without a profile
    ca: str = field(default="", repr=False)
    ca_path: Path | None = None

    @property
    def uuid(self) -> str:
        """The same for the same name, on every station."""
        return _uuid(self.id)

    @property
    def digest(self) -> str:
        """Another one whenever anything of it is another. It is of the secrets too: not for other eyes."""
        told = json.dumps([self.settings, self.ca], sort_keys=True, default=_plain)
        return hashlib.sha256(told.encode()).hexdigest()


def profiles(network: Network, own: Own) -> tuple[Profile, ...]:
    """What NetworkManager is to have of us."""
    wifi = (_wifi(ssid, one, own) for ssid, one in sorted(network.wifi.items()) if one.use)
    return (_wired(network.wired, own), *wifi)


def _wired(wired: Wired, own: Own) -> Profile:
    name = f"{OURS}wired"
    plain = wired == Wired()
    settings = _settings(name, "802-3-ethernet", _PLAIN_PRIORITY if plain else _WIRED_PRIORITY, wired.ip)
    return _with_eap(Profile(name, "802-3-ethernet", settings, plain), wired.eap, own)


def _wifi(ssid: str, wifi: Wifi, own: Own) -> Profile:
    name = f"{OURS}wifi-{ssid}"
    settings = _settings(name, "802-11-wireless", _WIFI_PRIORITY + wifi.priority, wifi.ip)
    settings["802-11-wireless"] = {
        "ssid": Variant("ay", ssid.encode()), "mode": Variant("s", "infrastructure"),
        "hidden": Variant("b", wifi.hidden),
    }  # fmt: skip
    management = "wpa-eap" if wifi.eap.method else "wpa-psk"
    settings["802-11-wireless-security"] = {"key-mgmt": Variant("s", management)}
    if wifi.psk:
        settings["802-11-wireless-security"]["psk"] = Variant("s", wifi.psk)
    return _with_eap(Profile(name, "802-11-wireless", settings), wifi.eap, own)


def _settings(name: str, kind: str, priority: int, ip: Static) -> Settings:
    connection = {
        "id": Variant("s", name), "uuid": Variant("s", _uuid(name)), "type": Variant("s", kind),
        "autoconnect": Variant("b", True), "autoconnect-priority": Variant("i", priority),
        "autoconnect-retries": Variant("i", 0),  # for ever: nobody stands beside it
    }  # fmt: skip
    return {"connection": connection, "ipv4": _ip(ip, 4), "ipv6": _ip(ip, 6)}


def _ip(ip: Static, version: int) -> dict[str, Variant]:
    found: dict[str, Variant] = {"method": Variant("s", "auto")}
    if ip.address and ip_interface(ip.address).version == version:
        interface = ip_interface(ip.address)
        address = {"address": Variant("s", str(interface.ip)), "prefix": Variant("u", interface.network.prefixlen)}
        found = {"method": Variant("s", "manual"), "address-data": Variant("aa{sv}", [address])}
        if ip.gateway:
            found["gateway"] = Variant("s", str(ip_address(ip.gateway)))
    servers = [str(ip_address(one)) for one in ip.dns if one and ip_address(one).version == version]
    if servers:
        found["dns-data"] = Variant("as", servers)
        found["ignore-auto-dns"] = Variant("b", True)
    return found


def _with_eap(profile: Profile, eap: Eap, own: Own) -> Profile:
    if not eap.method:
        return profile
    ca_path = own.folder / f"{profile.uuid}.pem"
    shown = {
        "eap": Variant("as", [eap.method]), "identity": Variant("s", eap.identity), "ca-cert": _path(ca_path),
        "domain-suffix-match": Variant("s", eap.server),
    }  # fmt: skip
    if eap.anonymous:
        shown["anonymous-identity"] = Variant("s", eap.anonymous)
    if eap.method == "tls":
        shown |= {
            "client-cert": _path(own.certificate), "private-key": _path(own.key),
            "private-key-password-flags": Variant("u", _NOT_REQUIRED),
        }  # fmt: skip
    else:
        shown |= {"phase2-auth": Variant("s", _PHASE2[eap.method]), "password": Variant("s", eap.password)}
    settings = {**profile.settings, "802-1x": shown}
    return Profile(profile.id, profile.kind, settings, False, eap.ca, ca_path)


def _path(path: Path) -> Variant:
    """A file, as NetworkManager names one: with a scheme, and a zero byte at the end."""
    return Variant("ay", f"file://{path}".encode() + b"\0")


def _uuid(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
