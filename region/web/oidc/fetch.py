"""HTTPS to the provider, by the standard library: the machine's own authorities and its proxy hold here too."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from region.web.errors import RegionSignInFailed
from region.web.oidc.settings import is_safe

TIMEOUT_S = 10.0
_MOST = 512 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back: `content` is its JSON, None where there was none."""

    status: int
    content: Any


class Fetch(Protocol):
    """The way to the provider."""

    async def __call__(
        self, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET, or POST where there is a form. RegionSignInFailed, `unreachable`, where nothing came back."""


class HttpsFetch:
    """The real way. It follows no redirects: a secret goes where it was meant to go, or nowhere."""

    def __init__(self) -> None:
        self._opener = build_opener(_Stay)

    async def __call__(
        self, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask, in a thread."""
        if not is_safe(url):
            raise RegionSignInFailed("provider", f"{url[:200]} is no address to which secrets may be sent")
        data = None if form is None else urlencode(form).encode()
        request = Request(url, data, {"Accept": "application/json", **(headers or {})})  # noqa: S310 - HTTPS, see above
        try:
            return await asyncio.to_thread(self._ask, request)
        except (URLError, http.client.HTTPException, OSError, ValueError) as error:
            raise RegionSignInFailed("unreachable", f"{url}: {getattr(error, 'reason', error)}") from error

    def _ask(self, request: Request) -> Answer:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return Answer(response.status, _json(response.read(_MOST + 1)))
        except HTTPError as error:
            with error:
                return Answer(error.code, _json(error.read(_MOST + 1)))


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """A redirect is the answer."""


def _json(raw: bytes) -> Any:
    if len(raw) > _MOST:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
