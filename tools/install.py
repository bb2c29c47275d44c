#!/usr/bin/env python3
"""Place what a station or a region needs beside its programs where Debian looks for it: units, users, rules, the guide.

    tools/install.py station|region ... [--destdir FOLDER]      what `make install-station`, `make install-region` do

It goes below FOLDER (an image's or a package's root), else into this machine. A file that is there as it should be is
left alone, so it can be done again at any time; what is the administrator's own stands in /etc, which goes before, and
is not touched. Nothing is enabled or started. Standard library only. Exit codes: 0 placed; 1 it cannot be written
there; 2 called wrongly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = {
    "systemd/system": "usr/lib/systemd/system",
    "systemd/sysusers.d": "usr/lib/sysusers.d",
    "systemd/tmpfiles.d": "usr/lib/tmpfiles.d",
    "systemd/udev/rules.d": "usr/lib/udev/rules.d",
    "systemd/polkit": "usr/share/polkit-1/rules.d",
    "systemd/pipewire": "usr/share/pipewire/pipewire-pulse.conf.d",
    "docs": "usr/share/doc/laegeknap",
}
ROLES = ("station", "region")
# Whose a file is says how its path begins; what stands in neither list is a station's.
_BOTH = ("docs/", "systemd/system/laegeknap-.service.d/")
_REGION = ("laegeknap-region", "laegeknap-authority", "laegeknap-broker")
_THEN = "systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload"


def main(arguments: Sequence[str]) -> int:
    """Place the files of the named roles and return an exit code."""
    parser = argparse.ArgumentParser(prog="tools/install.py", description="Place units, users, rules, the guide.")
    parser.add_argument("roles", nargs="+", choices=ROLES, metavar="role", help=" or ".join(ROLES))
    parser.add_argument(
        "--destdir", default="", metavar="FOLDER", help="the root they go below (default: this machine)"
    )
    options = parser.parse_args(arguments)
    root = Path(options.destdir or "/")
    files = {place: source for role in options.roles for place, source in placed(role).items()}
    try:
        changed = [place for place, source in files.items() if place_file(source, root / place)]
    except OSError as error:
        print(f"{error.filename}: {error.strerror}. To place files there: sudo, or DESTDIR=", file=sys.stderr)
        return 1
    for place in changed:
        print(root / place)
    print(f"{len(files)} files are in place below {root}, {len(changed)} of them new or changed.")
    if not options.destdir and changed:
        print(f"Next: {_THEN}")
    return 0


def placed(role: str) -> dict[Path, Path]:
    """Where each file of that role goes, below the root, and what is placed there."""
    return {
        Path(place) / source.relative_to(ROOT / folder): source
        for folder, place in PLACES.items()
        for source in sorted((ROOT / folder).rglob("*"))
        if source.is_file() and role in roles_of(source.relative_to(ROOT))
    }


def roles_of(path: Path) -> tuple[str, ...]:
    """Whose file this is, by its path in the project."""
    if str(path).startswith(_BOTH):
        return ROLES
    return ("region",) if any(part.startswith(_REGION) for part in path.parts) else ("station",)


def place_file(source: Path, place: Path) -> bool:
    """Put one file in its place, whole or not at all, for everybody to read; False when it was there already."""
    content = source.read_bytes()
    if place.is_file() and place.read_bytes() == content and place.stat().st_mode & 0o777 == 0o644:
        return False
    make_folder(place.parent)
    part = place.with_name(f".{place.name}.part")
    part.write_bytes(content)
    part.chmod(0o644)
    part.replace(place)
    return True


def make_folder(folder: Path) -> None:
    """A folder that everybody may enter, whatever the umask; one that is there stays as it is."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
