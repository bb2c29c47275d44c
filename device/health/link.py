"""What carries the station's traffic. Source: proc_net(5), sysfs-class-net."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from device.health import read

LinkKind = Literal["ethernet", "wifi", "other", "none"]
_ETHERNET = 1  # ARPHRD_ETHER
_UP = 0x1  # RTF_UP
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,15}")


def link(root: Path = read.MACHINE) -> tuple[LinkKind | None, int | None]:
    """(kind, dBm): the kind of link of the default route, and the signal if it is Wi-Fi. Its name stays here."""
    interface = _default_interface(root)
    if interface is None:
        known = (root / "proc/net/route").exists()
        return ("none" if known else None), None
    folder = root / "sys/class/net" / interface
    if (folder / "wireless").exists() or (folder / "phy80211").exists():
        return "wifi", _signal(root, interface)
    if read.number(folder / "type") == _ETHERNET:
        return "ethernet", None
    return "other", None


def _default_interface(root: Path) -> str | None:
    routes = [*_ipv4_defaults(root), *_ipv6_defaults(root)]
    usable = [(metric, name) for metric, name in routes if _NAME.fullmatch(name) and name not in (".", "..", "lo")]
    return min(usable)[1] if usable else None


def _ipv4_defaults(root: Path) -> list[tuple[int, str]]:
    found = []
    for line in (read.text(root / "proc/net/route") or "").splitlines()[1:]:
        words = line.split()
        if len(words) >= 8 and words[1] == "00000000" and words[7] == "00000000" and _hex(words[3]) & _UP:
            found.append((int(words[6]) if words[6].isdigit() and words[6].isascii() else 2**32, words[0]))
    return found


def _ipv6_defaults(root: Path) -> list[tuple[int, str]]:
    found = []
    for line in (read.text(root / "proc/net/ipv6_route") or "").splitlines():
        words = line.split()
        if len(words) >= 10 and words[0] == "0" * 32 and words[1] == "00" and _hex(words[8]) & _UP:
            found.append((_hex(words[5]), words[9]))
    return found


def _signal(root: Path, interface: str) -> int | None:
    for line in (read.text(root / "proc/net/wireless") or "").splitlines():
        name, _, rest = line.strip().partition(":")
        words = rest.split()
        if name == interface and len(words) >= 3:
            found = re.fullmatch(r"(-\d{1,3})\.?", words[2], re.ASCII)
            return int(found[1]) if found and -130 <= int(found[1]) <= 0 else None
    return None


def _hex(word: str) -> int:
    return int(word, 16) if re.fullmatch(r"[0-9a-fA-F]{1,8}", word) else 0
