"""A sound server of a test's own: PipeWire with its PulseAudio side, without any sound card.

    with running_pipewire() as server:
        subprocess.run([...], env={**os.environ, **server.env})

gives a speaker `laegeknap_speaker` whose sound goes nowhere but to the monitor `laegeknap_speaker.monitor`, and a
microphone `laegeknap_microphone` that hears what is played into the sink `laegeknap_room`. It needs the programs below
(Debian: dbus-daemon, pipewire, pipewire-bin, pipewire-pulse, wireplumber, pulseaudio-utils).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.kits.eventually import soon

PROGRAMS = ("dbus-daemon", "pipewire", "wireplumber", "pipewire-pulse", "pactl", "pw-link")
SPEAKER = "laegeknap_speaker"
ROOM = "laegeknap_room"
MICROPHONE = "laegeknap_microphone"
_SOCKETS = {"dbus-daemon": "bus", "pipewire": "pipewire-0", "pipewire-pulse": "pulse/native"}
_PATIENCE_S = 20.0


@dataclass
class PipeWire:
    """A running server; `env` is what a client's environment needs."""

    env: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def pactl(self, *words: str) -> str:
        """Run pactl on this server and return what it printed."""
        return subprocess.run(
            ["pactl", *words], env={**os.environ, **self.env}, check=True, capture_output=True, text=True, timeout=10
        ).stdout.strip()

    def furnish(self) -> None:
        """Plug in the speaker, the room and the microphone that hears it, and make them the default."""
        self.plug(SPEAKER)
        self.plug(ROOM)
        self.plug(MICROPHONE, "Audio/Source/Virtual")
        self.link(ROOM, MICROPHONE)
        self.pactl("set-default-sink", SPEAKER)
        self.pactl("set-default-source", MICROPHONE)

    def unplug(self, module: str) -> None:
        """Take a device away, as when its plug is pulled; `module` is what `plug` returned."""
        self.pactl("unload-module", module)

    def plug(self, name: str, kind: str = "Audio/Sink", properties: str = "") -> str:
        """Add a device; `kind` is Audio/Sink or Audio/Source/Virtual, `properties` as udev gives, "name=value ..."."""
        more = (f"sink_properties={properties}",) if properties else ()
        return self.pactl(
            "load-module", "module-null-sink", f"sink_name={name}", f"media.class={kind}", "channel_map=mono", *more
        )

    def link(self, sink: str, microphone: str) -> None:
        """Let a microphone hear what is played into a sink, once both have come up."""
        soon(
            lambda: _linked(self, sink, microphone),
            _PATIENCE_S,
            every_s=0.05,
            why=lambda: f"the link from {sink} to {microphone}",
        )

    def answers(self, name: str) -> None:
        """Return when a process that was started answers on its socket."""
        path = Path(self.env["XDG_RUNTIME_DIR"]) / _SOCKETS[name]
        soon(lambda: _connects(path), _PATIENCE_S, every_s=0.05, why=lambda: f"{name} takes no connection")

    def stop(self, name: str) -> None:
        """End one of the processes, as a crash would."""
        process = self.processes[name]
        process.kill()
        process.wait()


def missing_programs() -> list[str]:
    """What of the needed programs this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextlib.contextmanager
def running_pipewire() -> Iterator[PipeWire]:
    """Start the server in a directory of its own with one speaker and one microphone; end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="pw-") as directory:
        env = {
            "XDG_RUNTIME_DIR": directory,
            "XDG_CONFIG_HOME": f"{directory}/config",
            "XDG_STATE_HOME": f"{directory}/state",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/bus",
            "PULSE_SERVER": f"unix:{directory}/pulse/native",
            "PIPEWIRE_RUNTIME_DIR": directory,
        }
        server = PipeWire(env)
        try:
            start(server, "dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address=unix:path={directory}/bus")
            server.answers("dbus-daemon")
            start(server, "pipewire")
            server.answers("pipewire")
            start(server, "wireplumber")
            start(server, "pipewire-pulse")
            server.answers("pipewire-pulse")
            server.furnish()
            yield server
        finally:
            for process in reversed(server.processes.values()):
                _end(process)


def start(server: PipeWire, program: str, *words: str) -> None:
    """Start one of the server's programs in its environment, on time where that is allowed."""
    process = server.processes[program] = subprocess.Popen(
        [program, *words],
        env={**os.environ, **server.env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    promptly(process.pid)


def promptly(process: int) -> bool:
    """Give this process the real-time scheduling that rtkit gives a sound server; False where that is not allowed.

    Sound cards do not wait for a busy machine, so what stands in for them here must not either; and a station is not
    as busy as the machine that this is measured on. Threads and processes made later have it too.
    """
    return _schedule(process, os.SCHED_RR, 10)


def as_usual(process: int) -> None:
    """Take that back."""
    _schedule(process, os.SCHED_OTHER, 0)


def _schedule(process: int, policy: int, priority: int) -> bool:
    try:
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))
    except (PermissionError, FileNotFoundError, ProcessLookupError):  # the last two: it has ended meanwhile
        return False
    return True


def _linked(server: PipeWire, sink: str, microphone: str) -> bool:
    done = subprocess.run(
        ["pw-link", f"{sink}:monitor_MONO", f"{microphone}:input_MONO"],
        env={**os.environ, **server.env},
        capture_output=True,
        text=True,
        timeout=10,
    )
    return done.returncode == 0 or "File exists" in done.stderr


def _connects(path: Path) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe, contextlib.suppress(OSError):
        probe.connect(str(path))
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
