"""What the kernel announces by itself, over netlink: devices that come and go, and whatever else has a group there."""

from __future__ import annotations

import select
import socket

KOBJECT_UEVENT = 15  # NETLINK_KOBJECT_UEVENT of linux/netlink.h; its group 1 is the kernel's own word
_MOST_BYTES = 16 * 1024


class Netlink:
    """A socket that hears one netlink protocol's groups. OSError from the beginning where the machine has none."""

    def __init__(self, protocol: int, groups: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, protocol)
        try:
            self._socket.setblocking(False)
            self._socket.bind((0, groups))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For a loop's reader."""
        return self._socket.fileno()

    def hear(self) -> bytes | None:
        """The next announcement of the kernel that is there, b"" if some were lost; None if there is none."""
        while True:
            try:
                data, (sender, _) = self._socket.recvfrom(_MOST_BYTES)
            except BlockingIOError:
                return None
            except OSError:  # ENOBUFS: more came than was read
                return b""
            if sender == 0:
                return data

    def wait(self, seconds: float) -> bool:
        """Whether something is there to hear, within that time."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def close(self) -> None:
        """Let go."""
        self._socket.close()
