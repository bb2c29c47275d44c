"""The commands that there are, each in a module of its own, which is imported only when it was typed."""

from __future__ import annotations

import argparse
import importlib

from messaging.version import version

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("region.cli.serve", "run the region"),
    "demo": ("region.demo", "a region and a simulated station, to try it out"),
    "demo-fleet": ("region.demo.fleet", "a region and a fleet that enrols, is configured, commanded and renewed"),
    "authority": (
        "region.cli.authority",
        "hold the authority's keys and sign for region serve, which otherwise runs this by itself",
    ),
    "broker-access": (
        "region.cli.broker_access",
        "tell a RabbitMQ on this machine who may do what (docs/operations/scaling.md)",
    ),
    "ca": ("region.cli.ca", "the certificate authority: ceremony, rotation, backup (see docs/operations/ca.md)"),
    "migrate": ("region.cli.migrate", "bring the database up to this version"),
    "site": ("region.cli.site", "the places where stations stand"),
    "room": ("region.cli.room", "the rooms of sites"),
    "clinic": ("region.cli.clinic", "whom buttons call"),
    "station": ("region.cli.station", "the stations"),
    "cluster": ("region.cli.cluster", "municipalities that belong together"),
    "municipality": ("region.cli.municipality", "where sites are"),
    "profile": ("region.cli.profile", "what stations work by, in layers"),
    "import": (
        "region.cli.importing",
        "take in a table (CSV): all of it, or nothing and each fault by line and column",
    ),
    "export": ("region.cli.exporting", "write a table (CSV) that import takes in again"),
    "backup": ("region.cli.backup", "copy the database into a file; the region may run meanwhile (SQLite)"),
    "restore": (
        "region.cli.restore",
        "put a backup in the database's place, and publish every station's config anew",
    ),
    "claim": ("region.cli.claim", "stations without a code, which show six digits and wait for somebody"),
    "card": ("region.cli.card", "cards for stations, by the dozen"),
    "command": ("region.cli.command", "have stations do something"),
    "diagnostics": ("region.cli.diagnostics", "what stations handed in: region command send diagnostics asks for it"),
    "user": ("region.cli.user", "who may sign in"),
    "token": ("region.cli.token", "what scripts come with to the API"),
    "link": ("region.cli.link", "print a link that signs somebody in, once"),
    "audit": ("region.cli.audit", "the log of what was done, each row sealed to the one before it"),
    "api": ("region.cli.api", "what scripts can do here"),
    "evaluation": ("region.cli.evaluation", "print the pilots' figures, of whole weeks"),
}


def build_parser(typed: str | None = None) -> argparse.ArgumentParser:
    """All commands by name and purpose, and what the one that was typed takes (None: what each takes)."""
    parser = argparse.ArgumentParser(prog="region", description="The region's server of Lægeknap, and its upkeep.")
    parser.add_argument("--version", action="version", version=f"region {version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if typed in (None, name):
            importlib.import_module(module).add_arguments(command)
    return parser
