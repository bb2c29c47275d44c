"""`station devices`: what is plugged in, each with the words to write into station.toml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from device.hardware.errors import HardwareError
from device.hardware.linux.pulse import PulseServer, SoundServer
from device.hardware.linux.sound_devices import SoundDevice
from device.hardware.linux.speakerphones import KNOWN
from device.hardware.linux.usb import UsbDevice, devices
from device.hardware.linux.v4l import CameraFinder


@dataclass(frozen=True)
class Listed:
    """A device: the config's key for its kind, what to write there, and what it is for people."""

    key: str
    identity: str
    description: str


def identity(device: UsbDevice, alike: int) -> str:
    """vendor:product, with the serial number if it has one, else with the port where another is `alike`."""
    plain = f"{device.id.vendor:04x}:{device.id.product:04x}"
    if device.id.serial:
        return f"{plain}:{device.id.serial}"
    return f"{plain}@{device.port}" if alike > 1 and device.port else plain


def cameras(finder: CameraFinder, bus: list[UsbDevice]) -> list[Listed]:
    """Every USB camera, and the path of one whose device is not known."""
    by_port = {device.port: device for device in bus}
    kinds = Counter((device.id.vendor, device.id.product) for device in bus)
    listed = []
    for path, port in finder.cameras():
        device = by_port.get(port)
        name = path.name.removeprefix("usb-").removesuffix("-video-index0").replace("_", " ")
        if device is None:
            listed.append(Listed("camera", str(path), name))
        else:
            alike = kinds[device.id.vendor, device.id.product]
            listed.append(Listed("camera", identity(device, alike), f"{name} at port {port}"))
    return listed


def sounds(key: str, there: list[SoundDevice]) -> list[Listed]:
    """Every microphone or speaker: by its USB identity if it has one, else by the server's name."""
    kinds = Counter((device.usb.id.vendor, device.usb.id.product) for device in there if device.usb)
    listed = []
    for device in there:
        if device.usb is None:
            listed.append(Listed(key, device.name, device.description))
            continue
        kind = device.usb.id.vendor, device.usb.id.product
        known = f", {KNOWN[kind]}: cancels its own echo" if kind in KNOWN else ""
        port = f" at port {device.usb.port}" if device.usb.port else ""
        listed.append(Listed(key, identity(device.usb, kinds[kind]), f"{device.description}{port}{known}"))
    return listed


def everything(server: SoundServer | None = None) -> tuple[list[Listed], list[str]]:
    """All devices of this machine, and what could not be looked for and why."""
    sound = server or PulseServer()
    listed: list[Listed] = []
    problems: list[str] = []
    looks: tuple[Callable[[], list[Listed]], ...] = (
        lambda: cameras(CameraFinder(), devices()),
        lambda: sounds("microphone", sound.microphones()),
        lambda: sounds("speaker", sound.speakers()),
    )
    for look in looks:
        try:
            listed += look()
        except HardwareError as error:
            problems.append(str(error))
    return listed, list(dict.fromkeys(problems))


def as_text(listed: list[Listed], problems: list[str]) -> str:
    """For a technician: lines that can be copied under [linux]."""
    lines = [f'{device.key} = "{device.identity}"' for device in listed]
    width = max((len(line) for line in lines), default=0)
    shown = [f"{line:<{width}}  # {device.description}" for line, device in zip(lines, listed, strict=True)]
    return "\n".join(["[linux]", *shown] if shown else ["There are no devices."]) + "".join(
        f"\nNot looked for: {problem}" for problem in problems
    )
