"""`station console`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kiosk_ui.console.app import ConsoleApp
from messaging.clock import SystemClock
from messaging.twin import Language

_EXIT_USAGE = 2


def main(runtime_dir: Path) -> int:
    """Show the console until `q`; an exit code."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        print("station console: this needs a terminal; for scripts there is `station status --json`", file=sys.stderr)
        return _EXIT_USAGE
    app = ConsoleApp(runtime_dir, SystemClock(), _fallback())
    app.run()
    return app.return_code or 0


def _fallback() -> Language:
    """The language until station-agent has told the station's own."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "da" if locale.startswith("da") else "en"
