"""Every private part of aiortc 1.16 and aioice that we hold on to, in one place: `sender`, `receiver`, `ice`.

Pinned by tests/contract/test_aiortc_*.py; aiortc itself is pinned to 1.16.0. Nothing outside this package touches one.
"""

from device.media.aiortc_hooks.ice import Gathering, install_addresses, selected_path
from device.media.aiortc_hooks.receiver import (
    DecodedElsewhere,
    MakeBuffer,
    ReceiverBuffer,
    install_decoder,
    payload,
    receiver_buffers,
)
from device.media.aiortc_hooks.sender import negotiated_codec, take_feedback

__all__ = [
    "DecodedElsewhere",
    "Gathering",
    "MakeBuffer",
    "ReceiverBuffer",
    "install",
    "negotiated_codec",
    "payload",
    "receiver_buffers",
    "selected_path",
    "take_feedback",
]


def install() -> None:
    """Put what is ours where aiortc and aioice look for it; doing it again changes nothing."""
    install_decoder()
    install_addresses()
