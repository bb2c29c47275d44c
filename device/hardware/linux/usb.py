"""What is on the USB, through pyusb: whether a device is there, told by vendor, product and serial number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from device.hardware.errors import HardwareError

_ID = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})(?::([^@]+))?(?:@(\d+-\d+(?:\.\d+)*))?")


@dataclass(frozen=True)
class UsbId:
    """A kind of device, or with a serial number exactly one: `046d:082d`, `046d:082d:A1B2C3`.

    Of two that are alike and have no serial number, the port tells which (it must then stay in its socket):
    `046d:082d@1-1.2`.
    """

    vendor: int
    product: int
    serial: str = ""
    port: str = ""

    @classmethod
    def parse(cls, text: str) -> UsbId:
        """Read vendor:product[:serial][@port], hexadecimal; HardwareError if it is not that."""
        match = _ID.fullmatch(text)
        if match is None:
            raise HardwareError(
                f"{text!r} is no USB device: write vendor:product or vendor:product:serial, as `station devices` does"
            )
        return cls(int(match[1], 16), int(match[2], 16), match[3] or "", match[4] or "")

    @classmethod
    def read(cls, text: str) -> UsbId | None:
        """The same, None if the text is some other name."""
        return cls.parse(text) if _ID.fullmatch(text) else None

    def __str__(self) -> str:
        return (
            f"{self.vendor:04x}:{self.product:04x}"
            + (f":{self.serial}" if self.serial else "")
            + (f"@{self.port}" if self.port else "")
        )


@dataclass(frozen=True)
class UsbDevice:
    """A device on the bus; `port` is the kernel's name for where it is plugged in, e.g. `1-1.2`."""

    id: UsbId
    port: str

    def is_a(self, wanted: UsbId) -> bool:
        """Whether it is the wanted device, or one of the wanted kind."""
        same = (self.id.vendor, self.id.product) == (wanted.vendor, wanted.product)
        return same and wanted.serial in ("", self.id.serial) and wanted.port in ("", self.port)


def devices(sys: Path = Path("/sys")) -> list[UsbDevice]:
    """All devices on the bus; HardwareError if the bus cannot be read. Opens none: serials are the kernel's."""
    import usb.core

    try:
        found = list(usb.core.find(find_all=True) or ())
    except usb.core.NoBackendError as error:
        raise HardwareError("USB cannot be read: libusb is missing (Debian: libusb-1.0-0)") from error
    except usb.core.USBError as error:
        raise HardwareError(f"USB cannot be read: {error}") from error
    return [_device(device.idVendor, device.idProduct, device.bus, device.port_numbers, sys) for device in found]


def _device(vendor: int, product: int, bus: int, ports: tuple[int, ...] | None, sys: Path) -> UsbDevice:
    port = f"{bus}-{'.'.join(map(str, ports))}" if ports else f"usb{bus}"
    serial = sys / "bus/usb/devices" / port / "serial"
    return UsbDevice(UsbId(vendor, product, serial.read_text().strip() if serial.exists() else ""), port)
