"""NetworkManager, over the system bus, as the station's own user: polkit lets it change profiles and connect by them.

Our profiles are made to be those of the config, and no other profile is touched. Which of them stands as it is to stand
is known by a digest that is written down last of all: a power cut in between means that it is done again. Source:
NetworkManager's D-Bus API, 1.42.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from device.network.profiles import OURS, Own, Profile, profiles
from device.runtime.dbus import Bus, system_bus
from device.runtime.dbus_wire import Call
from device.runtime.errors import BusError, BusRefused
from messaging.reasons import say
from messaging.settings import Network
from provisioning.station.files import remove, write_whole

_log = logging.getLogger(__name__)
_NAME = "org.freedesktop.NetworkManager"
_ROOT = "/org/freedesktop/NetworkManager"
_SETTINGS = f"{_ROOT}/Settings"
_CONNECTION = f"{_NAME}.Settings.Connection"
_AVAILABLE = "AvailableConnections"
_TO_DISK = 0x1
_TYPES = {1: "802-3-ethernet", 2: "802-11-wireless", 20: "802-3-ethernet"}  # NMDeviceType; a veth is a cable too
_DONE = "done.json"
_COUNTRY = "sys/module/cfg80211/parameters/ieee80211_regdom"  # there where there is a radio; 00: for none yet
_PROPERTY = re.compile(r"[a-z0-9][a-z0-9-]*\.[a-z0-9-]+(?=:)")  # how NetworkManager's complaint of a profile begins


class NetworkManager:
    """Fulfils `NetworkPort`. `own.folder` is ours alone: the networks' CAs, and what has been done.

    A radio's country is the image's to set, for the kernel lets root alone do it: one that differs is told.
    """

    def __init__(self, own: Own, root: Path, bus: Callable[[], AbstractAsyncContextManager[Bus]] = system_bus) -> None:
        self._own = own
        self._country = root / _COUNTRY
        self._bus = bus

    async def carry_out(self, wanted: Network) -> str:
        """Make our profiles those of `wanted`, and connect by what has changed."""
        try:
            self._own.folder.mkdir(mode=0o700, exist_ok=True)
            done = _read(self._own.folder / _DONE)
            async with self._bus() as bus:
                await self._carry_out(_Manager(bus), profiles(wanted, self._own), done)
            return self._foreign(wanted)
        except BusRefused as error:
            _log.error("NetworkManager refuses: %s", error.name)
            return _reason(error)
        except BusError as error:
            _log.error("NetworkManager is not there: %s", error)
            return say("no_manager")
        except OSError as error:
            _log.error("the network cannot be set: %s", error)
            return say("disk")

    async def _carry_out(self, manager: _Manager, wanted: tuple[Profile, ...], done: dict[str, str]) -> None:
        there = await manager.ours()
        changed = [one for one in wanted if one.uuid not in there or done.get(one.uuid) != one.digest]
        gone = {path: uuid for uuid, path in there.items() if uuid not in {one.uuid for one in wanted}}
        if not changed and not gone:
            return
        active = await manager.devices()
        for profile in changed:
            self._put_ca(profile)
            await manager.put(profile, there.get(profile.uuid))
        for path in gone:
            await manager.delete(path)
        for device, kind, uuid in active:
            if _concerned(kind, uuid, changed, gone.values()):
                await manager.connect(device)
        self._sweep(wanted)
        _write(self._own.folder / _DONE, {one.uuid: one.digest for one in wanted})
        _log.info("the network is as configured: %d profiles changed, %d taken away", len(changed), len(gone))

    def _foreign(self, wanted: Network) -> str:
        """What to say of a radio that is set for another country; '' where there is none, or no Wi-Fi is used."""
        try:
            country = self._country.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        if country == wanted.country or not any(one.use for one in wanted.wifi.values()):
            return ""
        return say("wifi_country", country=wanted.country, image=country[:2])

    def _put_ca(self, profile: Profile) -> None:
        if profile.ca_path is not None:
            write_whole(profile.ca_path, profile.ca.encode(), 0o600)

    def _sweep(self, wanted: tuple[Profile, ...]) -> None:
        """The CAs of networks that are no more."""
        kept = {one.ca_path for one in wanted}
        for path in self._own.folder.glob("*.pem"):
            if path not in kept:
                remove(path)


class _Manager:
    """NetworkManager's own words, and nothing decided."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def ours(self) -> dict[str, str]:
        """The paths of our profiles, by UUID."""
        (paths,) = await self._call(_SETTINGS, f"{_NAME}.Settings", "ListConnections")
        found = {}
        for path in paths:
            (settings,) = await self._call(path, _CONNECTION, "GetSettings")
            connection = settings["connection"]
            if connection["id"].value.startswith(OURS):
                found[connection["uuid"].value] = path
        return found

    async def put(self, profile: Profile, path: str | None) -> None:
        """Make it, or make the one at `path` like it."""
        if path is None:
            await self._call(
                _SETTINGS, f"{_NAME}.Settings", "AddConnection2", "a{sa{sv}}ua{sv}", profile.settings, _TO_DISK, {}
            )
        else:
            await self._call(path, _CONNECTION, "Update2", "a{sa{sv}}ua{sv}", profile.settings, _TO_DISK, {})

    async def delete(self, path: str) -> None:
        """Take a profile away; whoever is connected by it is not any more."""
        await self._call(path, _CONNECTION, "Delete")

    async def devices(self) -> list[tuple[str, str, str]]:
        """(path, type of its profiles, UUID of the one it is connected by or '') of every device that is managed."""
        (paths,) = await self._call(_ROOT, _NAME, "GetDevices")
        found = []
        for path in paths:
            kind = _TYPES.get(await self._get(path, f"{_NAME}.Device", "DeviceType"))
            if kind is not None and await self._get(path, f"{_NAME}.Device", "Managed"):
                active = await self._get(path, f"{_NAME}.Device", "ActiveConnection")
                uuid = await self._get(active, f"{_NAME}.Connection.Active", "Uuid") if active != "/" else ""
                found.append((path, kind, uuid))
        return found

    async def connect(self, device: str) -> None:
        """By the first in rank of the profiles that it could use now; without one it tries on by itself."""
        ranked = [(await self._rank(path), path) for path in await self._get(device, f"{_NAME}.Device", _AVAILABLE)]
        if not ranked:
            return
        try:
            await self._call(_ROOT, _NAME, "ActivateConnection", "ooo", max(ranked)[1], device, "/")
        except BusRefused as error:
            _log.warning("a network device is not connected yet: %s", error.name)

    async def _rank(self, path: str) -> int:
        (settings,) = await self._call(path, _CONNECTION, "GetSettings")
        found = settings["connection"].get("autoconnect-priority")
        return 0 if found is None else int(found.value)

    async def _get(self, path: str, interface: str, name: str) -> Any:
        (variant,) = await self._call(path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name)
        return variant.value

    async def _call(self, path: str, interface: str, member: str, signature: str = "", *values: Any) -> tuple[Any, ...]:
        return await self._bus.call(Call(_NAME, path, interface, member, signature, values))


def _concerned(kind: str, uuid: str, changed: Sequence[Profile], gone: Sequence[str] | Any) -> bool:
    """Whether a device has to connect anew. One that is on the network as a plain profile would have it need not."""
    if uuid in gone or uuid in {one.uuid for one in changed}:
        return True
    return any(one.kind == kind and not (one.plain and uuid) for one in changed)


def _reason(error: BusRefused) -> str:
    """What the region is told: which property, or which kind of refusal; never a value."""
    found = _PROPERTY.match(error.text)
    return say("manager", what=found[0] if found else error.name.rpartition(".")[2])[:200]


def _read(path: Path) -> dict[str, str]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in data.items()} if isinstance(data, dict) else {}


def _write(path: Path, done: dict[str, str]) -> None:
    write_whole(path, json.dumps(done, indent=1).encode() + b"\n", 0o600)
