"""Where the region is reached: by browsers, by stations that enrol, by stations that are enrolled.

`region serve` writes them to `addresses.json` in its data; with them the other commands print links and code files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from messaging.codec import decode, encode
from messaging.enrolment import HostPort, Url, split_address
from messaging.envelope import parse_json
from messaging.errors import MessageError
from region.errors import Usage

_FILE = "addresses.json"


@dataclass(frozen=True)
class Addresses:
    """`public_url` for browsers, `enrol_url` for code files, `broker` as host:port; none ends with a slash."""

    public_url: Url = "http://127.0.0.1:8400"
    enrol_url: Url = "https://127.0.0.1:8402"
    broker: HostPort = "127.0.0.1:8403"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names a certificate of the region must carry, loopback among them."""
        names = [
            urlsplit(self.enrol_url).hostname or "",
            split_address(self.broker)[0],
            "localhost",
            "127.0.0.1",
            "::1",
        ]
        return tuple(dict.fromkeys(name for name in names if name))


def public_url(text: str) -> str:
    """An http:// or https:// address without path, or Usage."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Usage(f"--public-url {text}: expected an address like https://region.example, without a path")
    return f"{parts.scheme}://{parts.netloc}"


def url(scheme: str, host: str, port: int) -> str:
    """An address; IPv6 gets its brackets."""
    return f"{scheme}://{place(host, port)}"


def place(host: str, port: int) -> str:
    """host:port; IPv6 gets its brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def save(data: Path, addresses: Addresses) -> None:
    """Write them into the region's data."""
    part = data / f".{_FILE}.part"
    part.write_text(json.dumps(encode(addresses), indent=1) + "\n")
    part.replace(data / _FILE)


def are_known(data: Path) -> bool:
    """Whether `region serve` has said where it is reached."""
    return (data / _FILE).exists()


def load(data: Path) -> Addresses:
    """Those of the last `region serve`, or the defaults if it has not run yet; Usage if the file is damaged."""
    try:
        return decode(Addresses, parse_json((data / _FILE).read_bytes()))
    except FileNotFoundError:
        return Addresses()
    except MessageError as error:
        raise Usage(f"{data / _FILE} is damaged ({error}); `region serve` writes it anew") from error
