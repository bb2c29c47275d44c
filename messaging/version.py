"""The version of the software that runs, for births, reports and `--version`."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """The installed distribution's version; `unpackaged` when run from a tree that was never installed."""
    try:
        return metadata.version("laegeknap")
    except metadata.PackageNotFoundError:
        return "unpackaged"
