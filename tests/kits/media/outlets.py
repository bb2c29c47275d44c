"""What comes out of an outlet, for tests that wait for it."""

from __future__ import annotations

import asyncio
from typing import Any

import av

from device.media.fanout import Outlet


async def taken(outlet: Outlet) -> av.Packet[Any]:
    """The oldest packet, when there is one; within 5 s."""
    ready = asyncio.Event()
    outlet.on_ready = ready.set
    async with asyncio.timeout(5):
        while (packet := outlet.pop()) is None:
            ready.clear()
            await ready.wait()
    return packet
