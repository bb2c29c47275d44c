"""Recordings for the simulated camera and microphone, read with PyAV: any format it knows."""

from __future__ import annotations

from collections.abc import Generator

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from device.hardware.errors import HardwareError, wrapping
from device.hardware.ports import SAMPLE_RATE

LONGEST_SOUND_S = 600


def load_sound(path: str) -> NDArray[np.int16]:
    """All of a sound file, mono at 48 kHz; HardwareError if it is none, empty, or longer than ten minutes."""
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    parts: list[NDArray[np.int16]] = []
    length = 0
    try:
        with av.open(path) as container:
            if not container.streams.audio:
                raise HardwareError(f"[sim] microphone: there is no sound in {path}")
            for frame in [*container.decode(audio=0), None]:
                for resampled in resampler.resample(frame):
                    parts.append(resampled.to_ndarray().reshape(-1).astype(np.int16, copy=False))
                    length += len(parts[-1])
                if length > LONGEST_SOUND_S * SAMPLE_RATE:
                    raise HardwareError(f"[sim] microphone: {path} is longer than {LONGEST_SOUND_S // 60} minutes")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise HardwareError(f"[sim] microphone: {path} cannot be read: {error}") from error
    if not length:
        raise HardwareError(f"[sim] microphone: {path} is empty")
    return np.concatenate(parts)


class VideoLoop:
    """A video file played over and over at its own speed, fitted into a picture of another size with black borders."""

    def __init__(self, path: str, width: int, height: int) -> None:
        """Open the file; HardwareError if it is no video."""
        self._path = path
        self._width, self._height = width, height
        self._start: float | None = None
        try:
            self._container = av.open(path)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise HardwareError(f"[sim] camera: {path} cannot be read: {error}") from error
        if not self._container.streams.video:
            self._container.close()
            raise HardwareError(f"[sim] camera: there is no video in {path}")
        self._frames = self._endless()
        self._shown, self._next = next(self._frames), next(self._frames)
        self._picture = self._fit(self._shown[1], width, height)

    def at(self, now: float) -> NDArray[np.uint8]:
        """The picture for clock time `now` (seconds that grow): uint8 of shape (height * 3 / 2, width)."""
        if self._start is None:
            self._start = now
        if now - self._start >= self._next[0]:
            while now - self._start >= self._next[0]:
                self._shown, self._next = self._next, next(self._frames)
            self._picture = self._fit(self._shown[1], self._width, self._height)
        return self._picture.copy()

    def whole(self) -> NDArray[np.uint8]:
        """The picture that `at` gave last, in the file's own size, its sides cut to even numbers."""
        frame = self._shown[1]
        return self._fit(frame, frame.width // 2 * 2, frame.height // 2 * 2)

    def close(self) -> None:
        """Let go of the file."""
        self._frames.close()
        self._container.close()

    def _endless(self) -> Generator[tuple[float, VideoFrame]]:
        """(seconds since the first frame of the first round, frame), for ever."""
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        step = 1 / float(stream.average_rate or 25)
        begun = 0.0
        while True:
            latest = None
            with wrapping(f"[sim] camera: {self._path}"):
                for frame in self._container.decode(stream):
                    latest = begun + (frame.time or 0.0)
                    yield latest, frame
                self._container.seek(0)
            if latest is None:
                raise HardwareError(f"[sim] camera: there is no picture in {self._path}")
            begun = latest + step

    @staticmethod
    def _fit(frame: VideoFrame, across: int, down: int) -> NDArray[np.uint8]:
        scale = min(across / frame.width, down / frame.height)
        width, height = (max(2, int(side * scale) // 2 * 2) for side in (frame.width, frame.height))
        small = frame.reformat(width, height, "yuv420p").to_ndarray()
        if (width, height) == (across, down):
            return np.ascontiguousarray(small)
        picture = np.full((down * 3 // 2, across), 128, dtype=np.uint8)
        picture[:down] = 16
        left, top = (across - width) // 4 * 2, (down - height) // 4 * 2
        picture[top : top + height, left : left + width] = small[:height]
        target = picture[down:].reshape(2, down // 2, across // 2)
        source = small[height:].reshape(2, height // 2, width // 2)
        target[:, top // 2 : (top + height) // 2, left // 2 : (left + width) // 2] = source
        return picture
