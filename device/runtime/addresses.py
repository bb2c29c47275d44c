"""Network addresses of this machine that come and go, as the kernel tells: a cable pulled out, a Wi-Fi that is found.

Source: rtnetlink(7), linux/rtnetlink.h, linux/if_addr.h.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from device.runtime.netlink import Netlink

_log = logging.getLogger(__name__)
ROUTE = 0  # NETLINK_ROUTE
GROUPS = 0x10 | 0x100  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
NEW, GONE = 20, 21  # RTM_NEWADDR, RTM_DELADDR
_FARTHEST_SCOPE = 200  # RT_SCOPE_SITE; what is beyond holds on one link or in the machine only, and carries no call
_ADDRESS, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL: of a point-to-point link the second is ours

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Change:
    """An address came (again: the kernel repeats itself), or went."""

    address: Address
    came: bool


class Announcements(Protocol):
    """What we use of `Netlink`."""

    def fileno(self) -> int:
        """As Netlink says."""

    def hear(self) -> bytes | None:
        """As Netlink says."""

    def close(self) -> None:
        """As Netlink says."""


def read_changes(data: bytes) -> tuple[Change, ...]:
    """The changes of addresses that can carry a call, in one datagram of the kernel. What is cut short is left out."""
    return tuple(change for kind, body in _messages(data) if (change := _change(kind, body)) is not None)


class Addresses:
    """Tells `on_came` and `on_gone` on the loop. Without netlink it tells nothing: silence tells of a dead line too."""

    def __init__(
        self,
        on_came: Callable[[], None],
        on_gone: Callable[[], None],
        connect: Callable[[], Announcements] = lambda: Netlink(ROUTE, GROUPS),
    ) -> None:
        self._on_came = on_came
        self._on_gone = on_gone
        self._connect = connect
        self._known: set[Address] = set()

    async def follow(self) -> None:
        """Listen until cancelled."""
        try:
            kernel = self._connect()
        except OSError as error:
            _log.warning("the kernel does not tell of addresses that come and go: %s", error)
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(kernel.fileno(), self._hear, kernel)
        try:
            await asyncio.Event().wait()
        finally:
            loop.remove_reader(kernel.fileno())
            kernel.close()

    def _hear(self, kernel: Announcements) -> None:
        while (data := kernel.hear()) is not None:
            if not data:  # some were lost, and any of them may have been the one
                self._on_gone()
            for change in read_changes(data):
                self._take(change)

    def _take(self, change: Change) -> None:
        known = change.address in self._known
        if change.came:
            self._known.add(change.address)
            if not known:
                self._on_came()
        else:
            self._known.discard(change.address)
            self._on_gone()


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each message: struct nlmsghdr, then the body, then padding to four bytes."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if not 16 <= length <= len(data) - at:
            return
        yield kind, data[at + 16 : at + length]
        at += (length + 3) & ~3


def _change(kind: int, body: bytes) -> Change | None:
    if kind not in (NEW, GONE) or len(body) < 8 or body[3] > _FARTHEST_SCOPE:
        return None
    attributes = dict(_attributes(body[8:]))
    packed = attributes.get(_LOCAL, attributes.get(_ADDRESS, b""))
    with contextlib.suppress(ValueError):
        return Change(ip_address(packed), kind == NEW)
    return None


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each struct rtattr."""
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if not 4 <= length <= len(data) - at:
            return
        yield kind, data[at + 4 : at + length]
        at += (length + 3) & ~3
