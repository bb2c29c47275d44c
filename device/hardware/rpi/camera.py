"""The Raspberry Pi's own camera, through picamera2 (from Raspberry Pi OS; it opens libcamera when it is imported)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError, presence_of, wrapping
from device.hardware.pace import Worker
from device.hardware.ports import STILL_S, WHOLE, CameraMode, Crop, Frame, OnFault, OnFrame
from device.hardware.still import StillDesk
from messaging.call import DeviceState

_log = logging.getLogger(__name__)
_STALL_S = 2.0
_BUFFERS = 4
_STILL_WAIT_S = 4.0  # two changes of mode and an exposure in the dark


def load() -> Any:
    """The class picamera2.Picamera2; HardwareError where it is not installed."""
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise HardwareError(f"picamera2 cannot be loaded ({error}); on Raspberry Pi OS: python3-picamera2") from error
    return Picamera2


def unpad(buffer: NDArray[np.uint8], width: int, height: int, stride: int) -> NDArray[np.uint8]:
    """A planar 4:2:0 buffer whose lines are `stride` bytes (chroma: half) apart, without the padding.

    `buffer` is flat, uint8, at least stride * height * 3 / 2 long; the result has shape (height * 3 / 2, width).
    ValueError if the buffer is too short for that.
    """
    luma, chroma = stride * height, stride // 2 * (height // 2)
    if len(buffer) < luma + 2 * chroma or stride < width:
        raise ValueError(f"a buffer of {len(buffer)} bytes holds no {width}x{height} with lines of {stride}")
    picture = np.empty((height * 3 // 2, width), dtype=np.uint8)
    picture[:height] = buffer[:luma].reshape(height, stride)[:, :width]
    planes = buffer[luma : luma + 2 * chroma].reshape(2, height // 2, stride // 2)
    picture[height:].reshape(2, height // 2, width // 2)[:] = planes[:, :, : width // 2]
    return picture


class PiCamera:
    """The camera with libcamera's id `wanted`; empty: the only one. `library` gives the class Picamera2."""

    def __init__(
        self,
        wanted: str = "",
        library: Callable[[], Any] = load,
        wall: Callable[[], float] = time.time,
        boot_ns: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
    ) -> None:
        self._wanted = wanted
        self._library = library
        self._wall = wall
        self._boot_ns = boot_ns
        self._worker: Worker | None = None
        self._stills: StillDesk | None = None
        self._full: CameraMode | None = None
        self._zoom: _Zoom | None = None

    def presence(self) -> DeviceState:
        """Whether libcamera knows it."""
        return presence_of(self._number)

    def modes(self) -> tuple[CameraMode, ...]:
        """The whole sensor, once the camera has been open; libcamera does not tell before. It scales to any size."""
        self._number()
        return (self._full,) if self._full is not None else ()

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        """Start the main stream as YUV 4:2:0 in the mode's size and rate."""
        if self._worker is not None:
            raise DeviceFailed("the camera is open already")
        number = self._number()
        with wrapping("the camera cannot be opened"):
            camera = self._library()(number)
        try:
            with wrapping("the camera cannot be started"):
                main = {"size": (mode.width, mode.height), "format": "YUV420"}
                controls = {"FrameRate": mode.fps}
                camera.configure(camera.create_video_configuration(main=main, controls=controls, buffer_count=_BUFFERS))
                camera.start()
                width, height = camera.sensor_resolution
        except DeviceFailed:
            _shut(camera)
            raise
        self._full = CameraMode(width // 2 * 2, height // 2 * 2, mode.fps)
        stills = self._stills = StillDesk()
        zoom = self._zoom = _Zoom(camera)
        self._worker = Worker("camera", lambda stopping: self._run(camera, stills, zoom, stopping, on_frame, on_fault))
        self._worker.start()

    def zoom(self, crop: Crop) -> None:
        """By the image processor, which reads that part of the sensor's picture and scales it to the stream's size."""
        if self._zoom is not None:
            self._zoom.to(crop)

    def capture_still(self, timeout_s: float = STILL_S) -> Frame:
        """The whole sensor: the camera changes its mode for one picture, and back."""
        stills = self._stills
        if stills is None:
            raise DeviceFailed("the camera is not open")
        return stills.ask(timeout_s)

    def close(self) -> None:
        """Stop, and wait for the picture that is on its way (2 s at most, when the camera is stuck)."""
        worker, self._worker = self._worker, None
        stills, self._stills, self._zoom = self._stills, None, None
        if stills is not None:
            stills.shut()
        if worker is not None:
            worker.stop()

    def _number(self) -> int:
        with wrapping("the cameras cannot be listed"):
            cameras = self._library().global_camera_info()
        names = ", ".join(str(camera["Id"]) for camera in cameras) or "none"
        found = [camera for camera in cameras if self._wanted in ("", camera["Id"])]
        if not found:
            raise DeviceMissing(f"there is no camera {self._wanted or 'connected'}; there are: {names}")
        return int(found[0]["Num"])

    def _run(
        self, camera: Any, stills: StillDesk, zoom: _Zoom, stopping: threading.Event, on_frame: OnFrame,
        on_fault: OnFault,
    ) -> None:  # fmt: skip
        try:
            while not stopping.is_set():
                if stills.serve(lambda: self._still(camera)):
                    zoom.again()
                with wrapping("the camera gives no picture"):
                    frame = self._frame(camera.capture_request(wait=_STALL_S), zoom)
                if not stopping.is_set():
                    on_frame(frame)
        except DeviceFailed as error:
            if not stopping.is_set():
                on_fault("stalled" if isinstance(error.__cause__, TimeoutError) else "failed")
        finally:
            stills.shut()
            _shut(camera)

    def _still(self, camera: Any) -> Frame:
        with wrapping("the camera gives no still"):
            main = {"size": (self._full.width, self._full.height), "format": "YUV420"} if self._full else {}
            still = camera.create_still_configuration(main=main, buffer_count=1)
            return self._frame(camera.switch_mode_and_capture_request(still, wait=_STILL_WAIT_S))

    def _frame(self, request: Any, zoom: _Zoom | None = None) -> Frame:
        try:
            stream = request.config["main"]
            width, height = stream["size"]
            i420 = unpad(request.make_buffer("main"), width, height, stream["stride"])
            told = request.get_metadata()
            exposed_ns = told.get("SensorTimestamp")
        finally:
            request.release()
        age = (self._boot_ns() - exposed_ns) / 1e9 if exposed_ns else 0.0
        part = zoom.part(told.get("ScalerCrop")) if zoom is not None else WHOLE
        return Frame(i420, width, height, self._wall() - age, part)


class _Zoom:
    """Which part of the sensor the image processor reads (libcamera's control ScalerCrop, in the sensor's pixels).

    A change shows some pictures later: what each shows is in its metadata. The first that says so shows the whole.
    """

    def __init__(self, camera: Any) -> None:
        self._camera = camera
        self._whole: tuple[int, int, int, int] | None = None
        self._wanted = WHOLE

    def again(self) -> None:
        """The camera has changed its mode and back, and has forgotten it."""
        if self._wanted != WHOLE:
            self.to(self._wanted)

    def to(self, crop: Crop) -> None:
        """Read this part from now on; nothing before the first picture, nor on a camera without the control."""
        if self._whole is None:
            return
        left, top, wide, tall = self._whole
        part = self._wanted = crop.inside()
        box = (
            round(left + wide * (part.x - part.size / 2)), round(top + tall * (part.y - part.size / 2)),
            round(wide * part.size), round(tall * part.size),
        )  # fmt: skip
        try:
            with wrapping("the camera does not zoom"):
                self._camera.set_controls({"ScalerCrop": box})
        except DeviceFailed as error:
            _log.warning("%s", error)  # the part is cut out of its pictures instead

    def part(self, box: Any) -> Crop:
        """What a picture shows that was made from this part of the sensor; WHOLE where the camera does not tell."""
        if box is None:
            return WHOLE
        if self._whole is None:
            self._whole = box
        left, top, wide, tall = self._whole
        if tuple(box) == tuple(self._whole):
            return WHOLE
        x, y = (box[0] + box[2] / 2 - left) / wide, (box[1] + box[3] / 2 - top) / tall
        return Crop(x, y, box[2] / wide).inside()


def _shut(camera: Any) -> None:
    try:
        with wrapping("the camera does not close"):
            camera.close()
    except DeviceFailed as error:
        _log.error("%s", error)  # nobody can do more about it; the next open will tell
