"""A Raspberry Pi as a station: its camera, button and light on its pins, sound over the sound server."""

from __future__ import annotations

from device.hardware.linux.pulse import PulseServer
from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker
from device.hardware.ports import Hardware
from device.hardware.rpi.camera import PiCamera
from device.hardware.rpi.pins import GpioButton, GpioLight
from device.runtime.config import StationConfig


def make(config: StationConfig) -> Hardware:
    """The hardware that `config.rpi` names; microphone and speaker are those of `config.linux`."""
    server = PulseServer()
    return Hardware(
        "rpi",
        GpioButton(config.rpi.button_pin),
        GpioLight(config.rpi.light_pin, config.rpi.light_dims),
        PiCamera(config.rpi.camera),
        PulseMicrophone(server, config.linux.microphone),
        PulseSpeaker(server, config.linux.speaker),
    )
