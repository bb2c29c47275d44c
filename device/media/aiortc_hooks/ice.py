"""ICE: gathering waits 5 s for a dead STUN or TURN server, and finds nothing on a machine that is all loopback."""

from __future__ import annotations

import functools
import logging
from typing import cast

import aioice.ice
from aiortc import RTCRtpTransceiver

_stock_addresses = aioice.ice.get_host_addresses


def install_addresses() -> None:
    """Put our host addresses where aioice looks for them; doing it again changes nothing."""
    logging.getLogger("aioice").setLevel(logging.WARNING)  # it tells every address it tries
    aioice.ice.get_host_addresses = _host_addresses


def bound_gathering(transceiver: RTCRtpTransceiver, seconds: float) -> None:
    """Wait at most so long for STUN and TURN; the host candidates are there at once."""
    connection = transceiver.receiver.transport.transport.iceGatherer._connection
    connection.get_component_candidates = functools.partial(  # type: ignore[method-assign]
        connection.get_component_candidates, timeout=cast("int", seconds)
    )


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return _stock_addresses(use_ipv4, use_ipv6) or ["127.0.0.1"]
