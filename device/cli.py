"""The `station` command: the station's processes, and what a technician does at one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from device.runtime.config import StationConfig, load_config
from device.runtime.errors import ConfigError
from device.runtime.service import EXIT_FAULT, EXIT_OK, EXIT_USAGE, set_up_logging
from messaging.version import version

Run = Callable[[StationConfig, argparse.Namespace], int]

_EPILOG = """\
exit codes:
  0  done; for `status`: a call would work now
  1  it could not be done; for `status`: a call would not work now
  2  the command or the configuration is wrong
  3  the station's processes do not run

The configuration is read from --config, else $STATION_CONFIG, else /etc/laegeknap/station.toml.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; an exit code."""
    options = _parser().parse_args(arguments)
    try:
        config = load_config(options.config)
    except ConfigError as error:
        print(f"station: {error}", file=sys.stderr)
        return EXIT_USAGE
    run: Run = options.run
    return run(config, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="station",
        description="Lægeknap: a video station with one button.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"station {version()}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the station's configuration")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add(commands, "call", _call, "run station-call: camera, sound, button, light and the call")
    _add(commands, "agent", _agent, "run station-agent: identity, enrolment, config and health")
    _add(commands, "screen", _screen, "run the resident's screen")
    _add(commands, "console", _console, "the technician's text console: state, preview, microphone, press, log")
    _add(commands, "press", _press, "press the button, as a hand at the station would")
    _add(commands, "sound-test", _sound_test, "play a chirp and hear it: speaker, microphone, delay and echo")
    _add(commands, "devices", _devices, "list cameras, microphones and speakers as the configuration names them")
    status = _add(commands, "status", _status, "say whether a call would work now, and why not")
    status.add_argument("--json", action="store_true", help="the same as one JSON object")
    enrol = _add(commands, "enrol", _enrol, "enrol this station with a code file from its region")
    enrol.add_argument(
        "code_file", type=Path, nargs="?", help="the code file (default: the one the configuration names)"
    )
    panel = _add(commands, "panel", _panel, "the simulated station's front panel, in a browser on this machine")
    panel.add_argument("--host", default="127.0.0.1", help="a loopback address (default %(default)s)")
    panel.add_argument("--port", type=int, default=8401, help="default %(default)s")
    return parser


def _add(commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Run, help_text: str) -> (
    argparse.ArgumentParser
):  # fmt: skip
    parser = commands.add_parser(name, help=help_text, description=help_text[0].upper() + help_text[1:] + ".")
    parser.set_defaults(run=run)
    return parser


# Each command imports what it needs when it runs: the agent never loads a media library, a press starts no Qt.


def _call(config: StationConfig, _options: argparse.Namespace) -> int:
    from device.call.main import main as run

    return run(config)


def _agent(config: StationConfig, _options: argparse.Namespace) -> int:
    from device.agent.main import main as run

    return run(config)


def _screen(config: StationConfig, _options: argparse.Namespace) -> int:
    from kiosk_ui.screen.main import main as run

    set_up_logging()
    mirror = config.screen.mirror if config.station.hardware == "sim" else ""
    return run(config.runtime_dir, config.screen.size, mirror)


def _console(config: StationConfig, _options: argparse.Namespace) -> int:
    from kiosk_ui.console.main import main as run

    return run(config.runtime_dir)


def _panel(config: StationConfig, options: argparse.Namespace) -> int:
    from kiosk_ui.panel.main import main as run

    if config.station.hardware != "sim":
        print(
            f"station: the panel is for simulated hardware; this station has {config.station.hardware}", file=sys.stderr
        )
        return EXIT_USAGE
    # From the environment: an argument would show the token to everybody who lists processes.
    token = os.environ.get("STATION_PANEL_TOKEN", "")
    return run(config.runtime_dir, options.host, options.port, token, config.screen.mirror)


def _press(config: StationConfig, _options: argparse.Namespace) -> int:
    from device.agent.status import press

    return press(config.runtime_dir)


def _sound_test(config: StationConfig, _options: argparse.Namespace) -> int:
    from device.agent.sound_test import sound_test

    return sound_test(config.runtime_dir)


def _devices(_config: StationConfig, _options: argparse.Namespace) -> int:
    from device.hardware.linux.listing import as_text, everything

    listed, problems = everything()
    print(as_text(listed, problems))
    return EXIT_FAULT if problems else EXIT_OK


def _status(config: StationConfig, options: argparse.Namespace) -> int:
    from device.agent.status import status

    return status(config.runtime_dir, as_json=options.json)


def _enrol(config: StationConfig, options: argparse.Namespace) -> int:
    from device.agent.enrol_command import enrol

    return enrol(config, options.code_file or Path(config.station.code_file))


if __name__ == "__main__":
    sys.exit(main())
