"""The simulated station: every device with knobs to turn and a memory to look at."""

from __future__ import annotations

from collections.abc import Callable

from device.hardware.errors import HardwareError
from device.hardware.ports import CameraMode, Hardware
from device.hardware.sim.button import SimButton, SimLight
from device.hardware.sim.camera import SimCamera
from device.hardware.sim.sound import SimMicrophone, SimSpeaker
from device.runtime.config import StationConfig
from messaging.sound import SPEAKER_RING


class Simulation:
    """The devices of one simulated station, and its knobs by name, as `messaging.local.Simulate` carries them."""

    def __init__(self, config: StationConfig) -> None:
        mode = CameraMode(config.media.width, config.media.height, config.media.fps)
        self.button = SimButton()
        self.light = SimLight()
        self.camera = SimCamera(config.sim.camera)
        self.camera.prepare(mode)
        self.microphone = SimMicrophone(config.sim.microphone)
        self.microphone.prepare()
        self.speaker = SimSpeaker(config.runtime_dir / SPEAKER_RING)
        self.knobs: dict[str, Callable[[], None]] = {
            "press": self.button.press,
            "unplug_camera": self.camera.unplug,
            "plug_camera": self.camera.plug,
            "freeze_camera": self.camera.freeze,
            "break_camera": self.camera.stop_working,
            "unplug_microphone": self.microphone.unplug,
            "plug_microphone": self.microphone.plug,
            "unplug_speaker": self.speaker.unplug,
            "plug_speaker": self.speaker.plug,
        }

    def turn(self, knob: str) -> None:
        """Turn a knob; HardwareError if there is none of that name."""
        if knob not in self.knobs:
            raise HardwareError(f"there is no knob {knob!r}; there are {', '.join(self.knobs)}")
        self.knobs[knob]()

    def hardware(self) -> Hardware:
        """The devices as ports, with `turn`."""
        return Hardware("sim", self.button, self.light, self.camera, self.microphone, self.speaker, self.turn)


def make(config: StationConfig) -> Hardware:
    """The simulated hardware as `config.sim` has it."""
    return Simulation(config).hardware()
