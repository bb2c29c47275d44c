"""Whose account a command was typed from, as well as this machine can tell (docs/operations/people.md)."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path

from region.registry.actors import Typist

_LOGIN = Path("/proc/self/loginuid")
_NOBODY = 2**32 - 1  # no login began this: a service, a container


def typist() -> Typist:
    """Who it is here and now."""
    return judged(login_uid(), os.getuid(), os.environ, account)


def judged(login: int | None, own: int, environ: Mapping[str, str], account: Callable[[int], str]) -> Typist:
    """The login that began this, which the kernel keeps through sudo and su; without one whom sudo names; else the
    account that it runs as."""
    if login is not None:
        return Typist(account(login))
    behind = environ.get("SUDO_USER", "").strip()
    return Typist(behind, by_sudo=True) if behind else Typist(account(own))


def login_uid(kept: Path = _LOGIN) -> int | None:
    """Whose login began this process (`loginuid` of proc(5), set once by pam_loginuid); None: nobody's, or a kernel
    that does not keep it."""
    try:
        uid = int(kept.read_text())
    except (OSError, ValueError):
        return None
    return None if uid == _NOBODY else uid


def account(uid: int) -> str:
    """What that account is called; its number where the machine has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name or f"uid {uid}"
    except (KeyError, OverflowError):
        return f"uid {uid}"
