"""IT's desk: one person signed in over HTTPS, who uses the region's API as a script would, and its command line."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from region.demo.errors import DemoError

_WITHIN_S = 30.0
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


class Refused(Exception):
    """The region does not do what was asked; `status` is HTTP's."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class FleetDesk:
    """Methods raise Refused, or OSError when the region does not answer."""

    def __init__(self, url: str, trust: Path, data: Path) -> None:
        self._url = url
        self._data = data
        context = ssl.create_default_context(cafile=str(trust))
        self._browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(CookieJar()),
        )
        self._token = ""

    async def sign_in(self, link: str) -> None:
        """Open a link that signs in once, and keep the token of the page it leads to."""
        page = await asyncio.to_thread(self._open, urllib.request.Request(link, headers={"Accept": "text/html"}))  # noqa: S310 - ours
        found = _TOKEN.search(page.decode())
        if found is None:
            raise DemoError("The region's page does not sign anybody in.")
        self._token = found[1]

    async def get(self, path: str) -> Any:
        """What the API answers."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, data: object) -> Any:
        """What the API answers to this."""
        return await self._ask("POST", path, json.dumps(data).encode())

    async def command(self, *words: str) -> Any:
        """What `region ...` prints for scripts."""
        words = (*words, "--json", "--data", str(self._data))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "region.cli", *words, stdout=PIPE, stderr=PIPE
        )
        out, complaint = await process.communicate()
        if process.returncode != 0:
            raise Refused(f"region {' '.join(words[:2])}: {complaint.decode(errors='replace').strip()}", 0)
        return json.loads(out)

    async def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json", "X-CSRF-Token": self._token}
        request = urllib.request.Request(f"{self._url}{path}", body, headers, method=method)  # noqa: S310 - our own
        return json.loads(await asyncio.to_thread(self._open, request))

    def _open(self, request: urllib.request.Request) -> bytes:
        try:
            with self._browser.open(request, timeout=_WITHIN_S) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")[:300]
            raise Refused(f"{request.get_method()} {request.selector}: {error.code} {said}", error.code) from None
