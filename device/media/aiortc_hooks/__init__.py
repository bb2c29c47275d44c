"""Every private part of aiortc 1.16 and aioice that we hold on to: `sender`, `receiver`, `lateness`, `arrival`, `ice`.

Pinned by tests/contract/test_aiortc_*.py; aiortc itself is pinned to 1.16.0. Nothing outside this package touches one.
"""

from device.media.aiortc_hooks.arrival import install_arrival, take_media
from device.media.aiortc_hooks.ice import Gathering, install_addresses, selected_path
from device.media.aiortc_hooks.ice_checks import install_checks
from device.media.aiortc_hooks.lateness import Lateness
from device.media.aiortc_hooks.receiver import (
    DecodedElsewhere,
    MakeBuffer,
    PictureReceiver,
    ReceiverBuffer,
    ask_again,
    ask_key_frame,
    install_decoder,
    measure_line,
    payload,
    receiver_buffers,
    tell_bandwidth,
)
from device.media.aiortc_hooks.sender import DtlsLine, Outgoing, install_extensions, negotiated_codec, send_instead

__all__ = [
    "DecodedElsewhere",
    "DtlsLine",
    "Gathering",
    "Lateness",
    "MakeBuffer",
    "Outgoing",
    "PictureReceiver",
    "ReceiverBuffer",
    "ask_again",
    "ask_key_frame",
    "install",
    "measure_line",
    "negotiated_codec",
    "payload",
    "receiver_buffers",
    "selected_path",
    "send_instead",
    "take_media",
    "tell_bandwidth",
]


def install() -> None:
    """Put what is ours where aiortc and aioice look for it; doing it again changes nothing."""
    install_decoder()
    install_extensions()
    install_addresses()
    install_checks()
    install_arrival()
