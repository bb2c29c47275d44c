"""An ordinary computer as a station: USB camera, sound server, a key as the button, an LED as the light."""

from __future__ import annotations

from functools import partial

from device.hardware.linux.button import EvdevButton
from device.hardware.linux.camera import V4lCamera
from device.hardware.linux.light import make_light
from device.hardware.linux.plugs import KernelPlugs
from device.hardware.linux.pulse import PulseServer
from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker, cancels_echo
from device.hardware.linux.v4l import CameraFinder
from device.hardware.ports import Hardware
from device.runtime.config import StationConfig


def make(config: StationConfig) -> Hardware:
    """The hardware that `config.linux` names; HardwareError if the camera's name cannot be understood."""
    section = config.linux
    server = PulseServer()
    microphone, speaker = PulseMicrophone(server, section.microphone), PulseSpeaker(server, section.speaker)
    second = examination_finder(config)
    return Hardware(
        "linux",
        EvdevButton(section.button, section.button_key),
        make_light(section.light),
        V4lCamera(CameraFinder(section.camera, other=second)),
        microphone,
        speaker,
        examination=V4lCamera(second) if second is not None else None,
        plugs=KernelPlugs(),
        cancels_echo=partial(cancels_echo, microphone, speaker),
    )


def examination_finder(config: StationConfig) -> CameraFinder | None:
    """Finds the second camera; None if the config names none. For `rpi` as well."""
    wanted = config.linux.examination_camera
    return CameraFinder(wanted, key="examination_camera") if wanted else None
