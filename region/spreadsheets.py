"""Cells that no spreadsheet takes for a formula: with an apostrophe before them, and read without. Pure.

Source: OWASP, CSV Injection; some spreadsheets fold the full-width letters too.
"""

from __future__ import annotations

import re

_BEGINS_ONE = r"[=+\-@\t\r\n＝＋－＠]"
_FORMULA = re.compile(rf"'*{_BEGINS_ONE}")
_ESCAPED = re.compile(rf"'+{_BEGINS_ONE}")


def escaped(cell: str) -> str:
    """The cell as it is written; what begins with apostrophes before such a letter gets one more."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescaped(cell: str) -> str:
    """The cell as it was before it was written."""
    return cell[1:] if _ESCAPED.match(cell) else cell
