"""Tables as answers: what they are, and how the API's document tells of them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


class CsvTable(Response):
    """A table (RFC 4180), in UTF-8."""

    media_type = "text/csv"
