"""The hooks as commands; the exit codes stand in the package's docstring."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from firmware_hooks import boot_check, first_boot, set_clock, take_code
from firmware_hooks.machine import Machine, load_machine
from firmware_hooks.outcome import EXIT_CODES, USAGE, Finding, HookError, Outcome, write_outcome

HOOKS: dict[str, Callable[[Machine], tuple[Finding, ...]]] = {
    "take-code": take_code.check,
    "first-boot": first_boot.check,
    "boot-check": boot_check.check,
    "set-clock": set_clock.check,
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise HookError(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the hooks that are named, each of them whatever the ones before it found; the worst exit code."""
    parser = _Parser(prog="firmware_hooks", description="What a station checks at boot.")
    parser.add_argument("hooks", nargs="+", choices=sorted(HOOKS), metavar="hook", help=", ".join(sorted(HOOKS)))
    parser.add_argument(
        "--config", type=Path, help="station.toml (else STATION_CONFIG, else /etc/laegeknap/station.toml)"
    )
    parser.add_argument("--json", action="store_true", help="print the whole outcomes, one a line")
    try:
        options = parser.parse_args(arguments)
        machine = load_machine(options.config)
    except HookError as error:
        print(f"firmware_hooks: {error}", file=sys.stderr)
        return USAGE
    return max(run(hook, machine, as_json=options.json) for hook in options.hooks)


def run(hook: str, machine: Machine, *, as_json: bool = False) -> int:
    """Run one hook, tell what was found, and leave its outcome for the agent."""
    outcome = Outcome(hook, machine.boot_id(), machine.wall(), HOOKS[hook](machine))
    if as_json:
        print(json.dumps(outcome.to_data()))
    else:
        for finding in outcome.findings:
            print(f"{hook}: {finding.check} {finding.state} ({finding.detail})")
    try:
        write_outcome(outcome, machine.runtime_dir)
    except OSError as error:
        print(f"{hook}: the outcome could not be written: {error}", file=sys.stderr)
        return max(outcome.exit_code, EXIT_CODES["degraded"])
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
