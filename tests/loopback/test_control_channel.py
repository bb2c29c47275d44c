"""The control channel of a connection that the other side has left."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from device.call.events import PeerConnected
from tests.kits.eventually import eventually
from tests.loopback.conftest import Station


async def test_what_is_said_to_a_browser_that_has_just_left_the_connection_goes_nowhere_and_breaks_nothing(
    station: Station,
) -> None:
    """As after every lost line: the page closes the old connection, and half a second later a ping is due on it."""
    loop, broken = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: broken.append(context))
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await station.hears(PeerConnected(1))
    ours = station.engine._all()[0].peer
    await eventually(lambda: ours._control.readyState == "open", 20)
    assert peer.pc.sctp is not None

    await peer.pc.sctp.transport.stop()
    await eventually(lambda: ours._control.transport.transport.state == "closed", 10)
    for camera in (True, False) * 5:
        station.engine.tell_media(camera, True)
        await asyncio.sleep(0)
    gc.collect()  # a task that failed unheard says so when it is collected

    assert broken == []
