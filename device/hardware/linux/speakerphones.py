"""Speakerphones that cancel their own echo: the station's canceller steps aside for them.

Listed is only what was found under its id in public records of real machines (kernel logs, `lsusb`, drivers' tables). A
device that is not listed is treated as one that does not cancel: two cancellers hurt a little, none hurts a lot.
"""

from __future__ import annotations

from device.hardware.linux.usb import UsbDevice

KNOWN: dict[tuple[int, int], str] = {
    (0x0B0E, 0x0410): "Jabra Speak 410",
    (0x0B0E, 0x0412): "Jabra Speak 410",
    (0x0B0E, 0x0422): "Jabra Speak 510",
    (0x18D1, 0x8001): "Hangouts Meet speakermic",
}


def speakerphone(microphone: UsbDevice | None, speaker: UsbDevice | None) -> str:
    """The name of the speakerphone that both are, "" if they are none: it must know what is played to cancel it."""
    if microphone is None or speaker is None or microphone != speaker:
        return ""
    return KNOWN.get((microphone.id.vendor, microphone.id.product), "")
