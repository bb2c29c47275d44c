"""A PostgreSQL of this machine for tests: a cluster of its own in a temporary directory, on a Unix socket alone."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

_USER = "region"
_SETTINGS = ("max_connections=60", "shared_buffers=16MB")
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass
class Postgres:
    """A running cluster."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def database(self, template: str = "template0") -> str:
        """The address of a new database, as `region --database` takes it."""
        name = f"region{next(self._numbers)}"
        self.sql("postgres", f'CREATE DATABASE {name} TEMPLATE {template} ENCODING "UTF8"')
        return self.url(name)

    def url(self, name: str) -> str:
        """The address of that database."""
        return f"postgresql://{_USER}@/{name}?host={quote(str(self.folder))}"

    def sql(self, database: str, statement: str) -> str:
        """Run one statement with psql, and give what it prints."""
        return self.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement)

    def tool(self, name: str, *arguments: str) -> str:
        """Run one of PostgreSQL's own programs against this cluster."""
        command = [binary(name), *arguments]
        environment = {**os.environ, "PGHOST": str(self.folder), "PGUSER": _USER}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def binary(name: str) -> str:
    """Where Debian keeps that program, the newest first."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    where = str(found[-1]) if found else shutil.which(name)
    assert where, f"{name} is not there: apt-get install postgresql"
    return where


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A cluster, started as somebody without rights (PostgreSQL does not run as root) and gone at the end.

    Unless `durable` it waits for no disk.
    """
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        who = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(folder, who.pw_uid, who.pw_gid)
        _as(who, folder, binary("initdb"), "-D", "data", "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        chosen = _SETTINGS if durable else _SETTINGS + _FORGETFUL
        settings = [word for one in chosen for word in ("-c", one)]
        options = " ".join(["-k", str(folder), "-h", "''", *settings])
        start = ("-D", "data", "-l", "log", "-w", "-o", options, "start")
        _as(who, folder, binary("pg_ctl"), *start)
        try:
            yield Postgres(folder)
        finally:
            _as(who, folder, binary("pg_ctl"), "-D", "data", "-m", "immediate", "-w", "stop")


def _as(who: pwd.struct_passwd, folder: Path, *command: str) -> None:
    identity = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}, **identity,  # type: ignore[call-overload]
    )  # fmt: skip
    log = folder / "log"
    assert done.returncode == 0, f"{done.stderr}{log.read_text() if log.is_file() else ''}"
