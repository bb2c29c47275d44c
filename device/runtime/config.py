"""The station's own configuration, `station.toml`: what must be known before the region can say anything."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

from device.runtime.errors import ConfigError
from messaging.codec import Length, Range, decode
from messaging.errors import MalformedMessage

DEFAULT_PATH = Path("/etc/laegeknap/station.toml")
PathText = Annotated[str, Length(512)]


@dataclass(frozen=True)
class StationSection:
    """[station]: the backend and the directories."""

    hardware: str = "rpi"
    state_dir: PathText = "/var/lib/laegeknap"
    runtime_dir: PathText = "/run/laegeknap"
    code_file: PathText = "/var/lib/laegeknap/code.toml"
    region_file: PathText = "/boot/firmware/laegeknap-region.toml"


@dataclass(frozen=True)
class MediaSection:
    """[media]: what the station sends at best; without `framing` people are never framed by themselves here."""

    width: Annotated[int, Range(160, 1920)] = 1280
    height: Annotated[int, Range(120, 1080)] = 720
    fps: Annotated[int, Range(1, 60)] = 30
    bitrate_kbps: Annotated[int, Range(100, 8000)] = 1800
    framing: bool = True


@dataclass(frozen=True)
class ScreenSection:
    """[screen]: `size` is `fullscreen` or WIDTHxHEIGHT; `mirror` a file that gets the screen as JPEG (sim only)."""

    size: str = "fullscreen"
    mirror: PathText = ""


@dataclass(frozen=True)
class SimSection:
    """[sim]: what the cameras see (a scene's name or a video file), the microphone's speech or WAV file.

    Scenes: `scene` (somebody at the station), `scene-far` (a room, with somebody who walks about), `scene-close` (skin,
    as an examination camera sees it). `examination` is the second camera; empty: there is none. `clock_ppm`: how much
    faster than it should (slower: negative) the sound card's clock runs, in millionths.
    """

    camera: PathText = "scene"
    microphone: PathText = "speech"
    examination: PathText = "scene-close"
    clock_ppm: Annotated[int, Range(-1000, 1000)] = 0


@dataclass(frozen=True)
class LinuxSection:
    """[linux]: which devices, by names that survive a reboot and another socket; empty: the only or default one.

    `camera` is vendor:product[:serial] of USB in hexadecimal, with @port where two are alike (`station devices` lists
    what there is), or a path under /dev/v4l. `examination_camera` is the second camera, named likewise; empty: there is
    none. `microphone` and `speaker` are USB devices likewise, or the sound server's names. These three hold for `rpi`
    too. `button` is a path under /dev/input/by-id and `button_key` the code of its key (0: any key); `light` is a name
    in /sys/class/leds.
    """

    camera: PathText = ""
    examination_camera: PathText = ""
    microphone: str = ""
    speaker: str = ""
    button: PathText = ""
    button_key: Annotated[int, Range(0, 0x2FF)] = 0
    light: str = ""


@dataclass(frozen=True)
class RpiSection:
    """[rpi]: GPIO numbers of button (to ground) and light; `light_dims`: the light can be dimmed by PWM; `camera`: its
    libcamera id, empty for the only one."""

    button_pin: Annotated[int, Range(0, 27)] = 17
    light_pin: Annotated[int, Range(0, 27)] = 18
    light_dims: bool = True
    camera: str = ""


@dataclass(frozen=True)
class HealthSection:
    """[health]: seconds between two reports; 0: as the config from the region has it."""

    interval_s: Annotated[int, Range(0, 3600)] = 0


@dataclass(frozen=True)
class StationConfig:
    """All of `station.toml`."""

    station: StationSection = field(default_factory=StationSection)
    media: MediaSection = field(default_factory=MediaSection)
    screen: ScreenSection = field(default_factory=ScreenSection)
    sim: SimSection = field(default_factory=SimSection)
    linux: LinuxSection = field(default_factory=LinuxSection)
    rpi: RpiSection = field(default_factory=RpiSection)
    health: HealthSection = field(default_factory=HealthSection)

    @property
    def state_dir(self) -> Path:
        """Where the station keeps what must survive."""
        return Path(self.station.state_dir)

    @property
    def runtime_dir(self) -> Path:
        """Where the sockets and rings are."""
        return Path(self.station.runtime_dir)


def load_config(path: Path | None = None) -> StationConfig:
    """Read the config from `path`, else $STATION_CONFIG, else /etc/laegeknap/station.toml; ConfigError if it cannot.

    $STATION_HARDWARE overrides the backend.
    """
    chosen = path or Path(os.environ.get("STATION_CONFIG", DEFAULT_PATH))
    try:
        document = tomllib.loads(chosen.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{chosen} is not there. Name the station's config with --config or STATION_CONFIG."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{chosen} cannot be read: {error}") from error
    _refuse_unknown(document, chosen)
    try:
        config = decode(StationConfig, document)
    except MalformedMessage as error:
        raise ConfigError(f"{chosen}: {str(error).removeprefix('StationConfig.')}") from error
    backend = os.environ.get("STATION_HARDWARE")
    return replace(config, station=replace(config.station, hardware=backend)) if backend else config


def _refuse_unknown(document: dict[str, Any], path: Path) -> None:
    # A misspelt key that is silently ignored is found on site, months later.
    sections = {f.name: f.default_factory for f in fields(StationConfig)}
    for name, section in document.items():
        factory: Any = sections.get(name)
        if factory is None:
            raise ConfigError(f"{path}: there is no section [{name}]; there are {', '.join(sections)}")
        known = {f.name for f in fields(factory)}
        for key in section if isinstance(section, dict) else ():
            if key not in known:
                raise ConfigError(f"{path}: [{name}] has no {key!r}; it has {', '.join(sorted(known))}")
