"""The simulated station: every device with knobs to turn and a memory to look at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from device.hardware.errors import HardwareError
from device.hardware.ports import CameraMode, Hardware
from device.hardware.sim.button import SimButton, SimLight
from device.hardware.sim.camera import SimCamera
from device.hardware.sim.room import SimRoom
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
        self.examination = SimCamera(config.sim.examination, name="examination camera")
        self.has_examination = bool(config.sim.examination)
        if self.has_examination:
            self.examination.prepare(mode)
        self.room = SimRoom()
        self.microphone = SimMicrophone(config.sim.microphone, self.room, config.sim.clock_ppm)
        self.microphone.prepare()
        self.speaker = SimSpeaker(config.runtime_dir / SPEAKER_RING, self.room, config.sim.clock_ppm)
        self.knobs: dict[str, Callable[[], None]] = {
            "press": self.button.press,
            "unplug_camera": self.camera.unplug,
            "plug_camera": self.camera.plug,
            "plug_camera_slowly": self.camera.plug_slowly,
            "freeze_camera": self.camera.freeze,
            "thaw_camera": self.camera.thaw,
            "stall_camera": self.camera.stall,
            "break_camera": self.camera.stop_working,
            "dark": partial(self.camera.before_lens, "dark"),
            "cover_lens": partial(self.camera.before_lens, "covered"),
            "clear_view": partial(self.camera.before_lens, "clear"),
            "unplug_microphone": self.microphone.unplug,
            "plug_microphone": self.microphone.plug,
            "unplug_speaker": self.speaker.unplug,
            "plug_speaker": self.speaker.plug,
            "echo": partial(self.room.let_through, True),
            "no_echo": partial(self.room.let_through, False),
        }
        if self.has_examination:
            self.knobs["unplug_examination"] = self.examination.unplug
            self.knobs["plug_examination"] = self.examination.plug

    def turn(self, knob: str) -> None:
        """Turn a knob; HardwareError if there is none of that name."""
        if knob not in self.knobs:
            raise HardwareError(f"there is no knob {knob!r}; there are {', '.join(self.knobs)}")
        self.knobs[knob]()

    def hardware(self) -> Hardware:
        """The devices as ports, with `turn`."""
        return Hardware(
            "sim", self.button, self.light, self.camera, self.microphone, self.speaker, self.turn,
            self.examination if self.has_examination else None,
        )  # fmt: skip


def make(config: StationConfig) -> Hardware:
    """The simulated hardware as `config.sim` has it."""
    return Simulation(config).hardware()
