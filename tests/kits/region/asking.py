"""The region's JSON API as a script asks it."""

from __future__ import annotations

from typing import Any

import httpx


async def ask(browser: httpx.AsyncClient, method: str, path: str, status: int = 200, **said: Any) -> Any:
    """What `/api` and the path answer to what is said, as JSON, None for nothing; with that status."""
    body = said if said or method == "PATCH" else None
    headers = {"accept": "application/json"}
    answer = await browser.request(method, f"/api{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None
