"""Telephone numbers as they are said."""

from __future__ import annotations

import re

_DANISH = re.compile(r"(\+45|0045)?(\d\d)(\d\d)(\d\d)(\d\d)")


def unbroken(phone: str) -> str:
    """A Danish number in pairs, `70 12 34 56`, another one as it was written; a line never breaks inside it."""
    danish = _DANISH.fullmatch(phone.replace(" ", ""))
    said = " ".join(part for part in danish.groups() if part) if danish else phone
    return said.replace(" ", "\N{NO-BREAK SPACE}")
