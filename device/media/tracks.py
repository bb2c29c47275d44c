"""Our packets as aiortc tracks: what a sender takes, already encoded."""

from __future__ import annotations

import asyncio
from typing import Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from device.media.fanout import Outlet


class PacketTrack(MediaStreamTrack):
    """A track of encoded packets. Until it is given an outlet, nothing is sent."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self._outlet: asyncio.Future[Outlet] = asyncio.get_running_loop().create_future()

    def feed_from(self, outlet: Outlet) -> None:
        """Send what comes through this outlet from now on; once."""
        self._outlet.set_result(outlet)

    async def recv(self) -> av.Packet[Any]:
        """The next packet, when there is one."""
        if self.readyState != "live":
            raise MediaStreamError
        return await (await asyncio.shield(self._outlet)).take()
