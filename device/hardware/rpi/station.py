"""A Raspberry Pi as a station: its camera, button and light on its pins, sound over the sound server."""

from __future__ import annotations

from functools import partial

from device.hardware.linux.camera import V4lCamera
from device.hardware.linux.plugs import KernelPlugs
from device.hardware.linux.pulse import PulseServer
from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker, cancels_echo
from device.hardware.linux.station import examination_finder
from device.hardware.ports import Hardware
from device.hardware.rpi.camera import PiCamera
from device.hardware.rpi.pins import GpioButton, GpioLight
from device.runtime.config import StationConfig


def make(config: StationConfig) -> Hardware:
    """The hardware that `config.rpi` names; microphone, speaker and the second camera are those of `config.linux`."""
    server = PulseServer()
    microphone, speaker = PulseMicrophone(server, config.linux.microphone), PulseSpeaker(server, config.linux.speaker)
    second = examination_finder(config)
    return Hardware(
        "rpi",
        GpioButton(config.rpi.button_pin),
        GpioLight(config.rpi.light_pin, config.rpi.light_dims),
        PiCamera(config.rpi.camera),
        microphone,
        speaker,
        examination=V4lCamera(second) if second is not None else None,
        plugs=KernelPlugs(),
        cancels_echo=partial(cancels_echo, microphone, speaker),
    )
