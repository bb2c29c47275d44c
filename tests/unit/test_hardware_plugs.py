"""The kernel's word that something was plugged in."""

from __future__ import annotations

import logging
import queue
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.linux.plugs import KernelPlugs, concerns_us
from device.runtime.netlink import KOBJECT_UEVENT, Netlink

PATIENCE = 5.0


def uevent(action: str, subsystem: str) -> bytes:
    path = "/devices/pci0000:00/usb1/1-1"
    fields = {"ACTION": action, "DEVPATH": path, "SUBSYSTEM": subsystem, "SEQNUM": "4711"}
    return b"\0".join([f"{action}@{path}".encode(), *(f"{k}={v}".encode() for k, v in fields.items()), b""])


@given(
    st.sampled_from(["add", "remove", "bind", "unbind", "change", "move"]),
    st.sampled_from(["usb", "video4linux", "sound", "net", "block", "power_supply"]),
)
def test_only_the_coming_and_going_of_a_calls_devices_concerns_us(action: str, subsystem: str) -> None:
    ours = action in ("add", "remove", "bind", "unbind") and subsystem in ("usb", "video4linux", "sound")
    assert concerns_us(uevent(action, subsystem)) is ours


@given(st.binary(min_size=1, max_size=400))
def test_anything_else_is_read_without_harm(data: bytes) -> None:
    assert concerns_us(data) in (True, False)


def test_where_announcements_were_lost_one_of_them_may_have_been_ours() -> None:
    assert concerns_us(b"")


class Kernel:
    """A netlink socket of paper."""

    def __init__(self) -> None:
        self.coming: queue.Queue[bytes] = queue.Queue()
        self.closed = threading.Event()
        self._next: bytes | None = None

    def wait(self, seconds: float) -> bool:
        try:
            self._next = self.coming.get(timeout=seconds)
        except queue.Empty:
            return False
        return True

    def hear(self) -> bytes | None:
        return self._next

    def close(self) -> None:
        self.closed.set()


def test_a_camera_plugged_in_is_told_and_a_disk_is_not() -> None:
    kernel, told = Kernel(), queue.Queue[int]()
    plugs = KernelPlugs(lambda: kernel)
    plugs.listen(lambda: told.put(1))
    for subsystem in ("block", "video4linux", "net"):
        kernel.coming.put(uevent("add", subsystem))
    assert told.get(timeout=PATIENCE) == 1
    plugs.close()
    assert kernel.closed.is_set()
    assert told.empty()
    plugs.close()


def test_where_the_kernel_tells_nothing_that_is_said_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> Kernel:
        raise PermissionError("not here")

    plugs = KernelPlugs(refuse)
    with caplog.at_level(logging.WARNING):
        plugs.listen(lambda: None)
    plugs.close()
    assert "does not tell of devices" in caplog.text


def test_a_real_netlink_socket_hears_nobody_but_the_kernel() -> None:
    try:
        ours = Netlink(KOBJECT_UEVENT, 1)
    except OSError as error:
        pytest.skip(f"no netlink here: {error}")
    try:
        assert ours.wait(0) in (True, False)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, KOBJECT_UEVENT) as forger:
            port = ours._socket.getsockname()[0]
            try:
                forger.sendto(uevent("add", "usb"), (port, 0))
            except OSError:
                return  # the kernel does not even let it be tried
        ours.wait(1)
        assert ours.hear() is None
    finally:
        ours.close()
