"""Which USB device a microphone or speaker of the sound server's is, by the properties it has from udev."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from device.hardware.linux.usb import UsbDevice, UsbId

# What is asked of the server for each device. `device.serial` is udev's ID_SERIAL: "Maker_Model_SERIAL".
PROPERTIES = ("device.vendor.id", "device.product.id", "device.serial", "sysfs.path")
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{1,4})")
_PORT = re.compile(r"/(\d+-\d+(?:\.\d+)*)(?=/)")  # each hub on the way, the device itself last


@dataclass(frozen=True)
class SoundDevice:
    """A source or sink: the server's name for it, its name for people, and the USB device it is (None: on no USB)."""

    name: str
    description: str
    usb: UsbDevice | None = None

    def is_a(self, wanted: UsbId) -> bool:
        """Whether it is the wanted device, or one of the wanted kind."""
        if self.usb is None:
            return False
        serial = self.usb.id.serial
        same = (self.usb.id.vendor, self.usb.id.product) == (wanted.vendor, wanted.product)
        named = not wanted.serial or serial == wanted.serial or serial.endswith("_" + wanted.serial)
        return same and named and wanted.port in ("", self.usb.port)


def usb_of(properties: Mapping[str, str]) -> UsbDevice | None:
    """The USB device that these properties tell of; None if they tell of none."""
    vendor, product = (_hex(properties.get(f"device.{what}.id", "")) for what in ("vendor", "product"))
    ports = _PORT.findall(properties.get("sysfs.path", ""))
    if vendor is None or product is None:
        return None
    return UsbDevice(UsbId(vendor, product, properties.get("device.serial", "")), ports[-1] if ports else "")


def _hex(text: str) -> int | None:
    match = _HEX.fullmatch(text)
    return int(match[1], 16) if match else None
