"""A picamera2 of paper: the parts of its interface that we use, with hands to shoot a picture and to fail."""

from __future__ import annotations

import contextlib
import queue
from typing import Any

import numpy as np


class PaperPicamera:
    """Stands for the class Picamera2: called, it gives itself as the camera."""

    def __init__(self, ids: tuple[str, ...] = ("/base/cam",), padding: int = 0, fails: str = "") -> None:
        self.ids = ids
        self.opened: list[int] = []
        self.open_cameras = 0
        self.requests_held = 0
        self.asked: dict[str, Any] = {}
        self.free_running = False
        self.sensor_resolution = (2592, 1944)
        self.stills = 0
        self.whole = (0, 0, 2592, 1458)  # of a sensor of 4:3 what a stream of 16:9 shows
        self.crop: tuple[int, int, int, int] | None = self.whole
        self._padding = padding
        self._fails = fails
        self._coming: queue.Queue[int | Exception] = queue.Queue()

    def global_camera_info(self) -> list[dict[str, Any]]:
        return [{"Id": name, "Num": number, "Model": "paper"} for number, name in enumerate(self.ids)]

    def __call__(self, number: int) -> PaperPicamera:
        self._maybe_fail("open")
        self.opened.append(number)
        self.open_cameras += 1
        return self

    def create_video_configuration(self, main: Any, controls: Any, buffer_count: int) -> dict[str, Any]:
        return {"main": main, "controls": controls}

    def create_still_configuration(self, main: Any, buffer_count: int) -> dict[str, Any]:
        return {"main": main}

    def switch_mode_and_capture_request(self, configuration: dict[str, Any], wait: float) -> PaperRequest:
        self._maybe_fail("still")
        self.stills += 1
        self.crop = self.whole  # as a change of mode does
        self.requests_held += 1
        return PaperRequest(self, 0, self._padding, configuration)

    def configure(self, configuration: dict[str, Any]) -> None:
        self._maybe_fail("configure")
        self.asked = configuration

    def set_controls(self, controls: dict[str, Any]) -> None:
        self._maybe_fail("zoom")
        self.crop = controls["ScalerCrop"]

    def start(self) -> None:
        self._maybe_fail("start")

    def capture_request(self, wait: float) -> PaperRequest:
        if self.free_running:
            with contextlib.suppress(queue.Empty):
                return self._complete(self._coming.get(timeout=0.005))
            return self._complete(0)
        try:
            coming = self._coming.get(timeout=wait)
        except queue.Empty:
            raise TimeoutError from None
        return self._complete(coming)

    def _complete(self, coming: int | Exception) -> PaperRequest:
        if isinstance(coming, Exception):
            raise coming
        self.requests_held += 1
        return PaperRequest(self, coming, self._padding)

    def close(self) -> None:
        self._maybe_fail("close")
        self.open_cameras -= 1

    def shoot(self, exposed_ns: int = 0) -> None:
        self._coming.put(exposed_ns)

    def run_freely(self) -> None:
        """From now on one picture comes after the other, as they do from a camera that works."""
        self.free_running = True
        self.shoot()

    def fail(self, error: Exception) -> None:
        self._coming.put(error)

    def _maybe_fail(self, step: str) -> None:
        if self._fails == step:
            raise RuntimeError("busy")


class PaperRequest:
    """A completed request."""

    def __init__(
        self, camera: PaperPicamera, exposed_ns: int, padding: int, configuration: dict[str, Any] | None = None
    ) -> None:
        width, height = (configuration or camera.asked)["main"]["size"]
        self._camera = camera
        self._exposed_ns = exposed_ns
        self.config = {"main": {"size": (width, height), "stride": width + padding, "format": "YUV420"}}

    def make_buffer(self, name: str) -> np.ndarray:
        stream = self.config[name]
        return np.full(stream["stride"] * stream["size"][1] * 3 // 2, 90, dtype=np.uint8)

    def get_metadata(self) -> dict[str, Any]:
        told: dict[str, Any] = {"SensorTimestamp": self._exposed_ns} if self._exposed_ns else {}
        return told | ({"ScalerCrop": self._camera.crop} if self._camera.crop else {})

    def release(self) -> None:
        self._camera.requests_held -= 1
