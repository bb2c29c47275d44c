"""Migrations: Alembic without a configuration file, on a connection that is already there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from region.registry import schema

_SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(connection: Connection, to: str = "head") -> str:
    """Bring the database of that connection to this version's schema, or one on the way; gives where it is."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    return MigrationContext.configure(connection).get_current_revision() or ""


def known_revisions() -> frozenset[str]:
    """Every revision that this version can bring up to its schema."""
    return frozenset(one.revision for one in ScriptDirectory(str(_SCRIPTS)).walk_revisions())


def differences(connection: Connection) -> list[object]:
    """What the database has other than the schema says; empty after `upgrade`."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, schema.metadata))
