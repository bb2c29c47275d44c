"""Whom the audit names: stable texts that scripts read; a page's words for them are `region.web.actors`. Pure.

A sign-in name, a station's id, `region`, `unknown`, a token's (`records.ApiToken.actor`), or what somebody typed on the
server: `command line (anna)`, and `command line` alone in rows from before names were kept.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

COMMAND_LINE = "command line"  # who did it, where nobody has signed in
LONGEST = 40  # letters of an account's name
_BESIDE_LETTERS = frozenset(" ._@+-$~\\")  # what accounts of Unix and of a directory are called
_BY_SUDO = ", by sudo"
_TYPED = re.compile(rf"{COMMAND_LINE} \((?P<name>[^(),]+)(?P<by_sudo>{_BY_SUDO})?\)")


@dataclass(frozen=True)
class Typist:
    """Whose account something was typed from. `by_sudo`: by the word of the environment alone, which anybody who may
    run the command can set; else it is the kernel's word."""

    name: str
    by_sudo: bool = False

    @property
    def actor(self) -> str:
        """As the audit names them; the name in letters, digits and little else, so that nobody's breaks the form."""
        return f"{COMMAND_LINE} ({_safe(self.name)}{_BY_SUDO if self.by_sudo else ''})"


def typist_of(actor: str) -> Typist | None:
    """Who typed it, of an actor of the command line that says so.

    A token that was made at the command line has an actor of the same form: ask for tokens first.
    """
    found = _TYPED.fullmatch(actor)
    return None if found is None else Typist(found["name"], found["by_sudo"] is not None)


def _safe(name: str) -> str:
    shown = unicodedata.normalize("NFC", name[: 2 * LONGEST])
    kept = "".join(one if unicodedata.category(one)[0] in "LN" or one in _BESIDE_LETTERS else "?" for one in shown)
    kept = " ".join(kept.split()) or "?"
    return kept if len(kept) <= LONGEST else f"{kept[: LONGEST - 1]}…"
