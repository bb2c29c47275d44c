"""Addresses that come and go, read from what the kernel announces."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.runtime.addresses import GONE, GROUPS, NEW, ROUTE, Addresses, Change, read_changes
from device.runtime.netlink import Netlink

LOCAL, LABEL = 2, 3


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def told(kind: int, address: str, scope: int = 0, *, ours: str | None = None) -> bytes:
    """An announcement as the kernel writes it: header, struct ifaddrmsg, attributes."""
    packed = ip_address(address).packed
    body = struct.pack("=BBBBI", 2 if len(packed) == 4 else 10, 24, 0, scope, 2) + attribute(1, packed)
    if ours is not None:
        body += attribute(LOCAL, ip_address(ours).packed)
    body += attribute(LABEL, b"eth0\0")
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_an_address_that_comes_and_one_that_goes() -> None:
    data = told(NEW, "192.0.2.7") + told(GONE, "2001:db8::7")
    assert read_changes(data) == (
        Change(ip_address("192.0.2.7"), True), Change(ip_address("2001:db8::7"), False),
    )  # fmt: skip


def test_of_a_link_between_two_points_the_address_is_ours() -> None:
    assert read_changes(told(NEW, "192.0.2.1", ours="192.0.2.2")) == (Change(ip_address("192.0.2.2"), True),)


@pytest.mark.parametrize("scope", [253, 254])
def test_addresses_of_one_link_or_of_the_machine_itself_carry_no_call(scope: int) -> None:
    assert read_changes(told(GONE, "fe80::1", scope)) == ()


@given(st.binary(max_size=200))
def test_anything_can_be_read(data: bytes) -> None:
    for change in read_changes(data):
        assert isinstance(change, Change)


@given(st.integers(0, 200))
def test_what_is_cut_short_is_left_out(length: int) -> None:
    whole = told(NEW, "192.0.2.7") + told(GONE, "192.0.2.8")
    assert read_changes(whole[:length]) == read_changes(whole)[: len(read_changes(whole[:length]))]


class Kernel:
    """Announcements on a pipe; hearing is the next one in the list."""

    def __init__(self, *announcements: bytes) -> None:
        self._announcements = list(announcements)
        self._read, self._write = os.pipe()
        os.write(self._write, b"!")
        self.closed = False
        self.heard = asyncio.Event()

    def fileno(self) -> int:
        return self._read

    def hear(self) -> bytes | None:
        if self._announcements:
            return self._announcements.pop(0)
        os.set_blocking(self._read, False)
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 1)
        self.heard.set()
        return None

    def close(self) -> None:
        self.closed = True
        os.close(self._read)
        os.close(self._write)


async def follow(*announcements: bytes) -> list[str]:
    said: list[str] = []
    kernel = Kernel(*announcements)
    following = asyncio.create_task(
        Addresses(lambda: said.append("came"), lambda: said.append("gone"), lambda: kernel).follow()
    )
    await asyncio.wait_for(kernel.heard.wait(), 10)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert kernel.closed
    return said


async def test_a_cable_out_and_a_wifi_in_are_told() -> None:
    assert await follow(told(GONE, "192.0.2.7"), told(NEW, "198.51.100.7")) == ["gone", "came"]


async def test_an_address_whose_time_is_only_prolonged_is_no_news() -> None:
    assert await follow(told(NEW, "2001:db8::7"), told(NEW, "2001:db8::7"), told(NEW, "2001:db8::7")) == ["came"]


async def test_announcements_that_were_lost_may_have_been_the_one() -> None:
    assert await follow(b"") == ["gone"]


async def test_a_machine_without_netlink_is_no_fault() -> None:
    def none() -> Netlink:
        raise OSError("no netlink")

    await Addresses(lambda: None, lambda: None, none).follow()


def test_the_kernel_takes_our_groups() -> None:
    try:
        kernel = Netlink(ROUTE, GROUPS)
    except OSError as error:
        pytest.skip(f"no netlink here: {error}")
    assert kernel.hear() is None
    kernel.close()
