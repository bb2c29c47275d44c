"""Browsers in which somebody has signed in before: wrong tries of strangers do not keep them out.

OWASP calls it device cookies. Each person has a key in the database, common to all processes of the region; a cookie
that it signs tells a browser from those of strangers, and its tries are counted by themselves. Without the key nothing
it has signed counts any more: it goes when the person is signed out everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from region.registry import Transaction
from region.registry.people import sign_in_name
from region.registry.secrets import devices_of

COOKIE = "device"
LIVES_S = 30 * 86_400.0
MOST_PEOPLE = 8  # who share a browser; whoever signed in first of them is forgotten
_ENTRY = re.compile(r"(\d{1,12})\.([0-9a-f]{32})\.(\d{1,12})\.([0-9a-f]{64})", re.ASCII)
_BETWEEN = "~"


@dataclass(frozen=True)
class Entry:
    """One person who has signed in. `device` names the browser for that person alone; `until` in Unix seconds."""

    person_id: int
    device: str
    until: int
    mac: str = ""

    def signed(self, key: str) -> Entry:
        """The same with its signature."""
        said = f"{self.person_id}.{self.device}.{self.until}"
        mac = hmac.new(key.encode(), said.encode(), hashlib.sha256).hexdigest()
        return Entry(self.person_id, self.device, self.until, mac)

    def is_genuine(self, key: str) -> bool:
        """Whether that key has signed it."""
        return hmac.compare_digest(self.signed(key).mac, self.mac)

    def __str__(self) -> str:
        return f"{self.person_id}.{self.device}.{self.until}.{self.mac}"


def read(cookie: str | None) -> tuple[Entry, ...]:
    """What a cookie claims; nothing of it is proven. What is none of ours is left out."""
    found = (_ENTRY.fullmatch(part) for part in (cookie or "").split(_BETWEEN)[:MOST_PEOPLE])
    return tuple(Entry(int(one[1]), one[2], int(one[3]), one[4]) for one in found if one is not None)


def write(entries: tuple[Entry, ...]) -> str:
    """The cookie; the last ones, where there are too many."""
    return _BETWEEN.join(map(str, entries[-MOST_PEOPLE:]))


async def known(t: Transaction, cookie: str | None, account: str, now: float) -> str:
    """By what the tries of this browser at that account are counted; empty: it is a stranger's.

    What is looked up hangs on the cookie alone, so that no time it takes tells whether somebody has that name.
    """
    device = ""
    for entry in read(cookie):
        key = await t.secrets.find(devices_of(entry.person_id))
        if key is not None and entry.is_genuine(key) and now < entry.until:
            person = await t.people.get(entry.person_id)
            device = entry.device if person.name == sign_in_name(account) else device
    return device


async def remember(t: Transaction, cookie: str | None, person_id: int, now: float) -> str:
    """The cookie of a browser in which that person has just signed in; others who share it stay in it."""
    key = await t.secrets.keep(devices_of(person_id), secrets.token_hex(32))
    own = Entry(person_id, secrets.token_hex(16), int(now + LIVES_S)).signed(key)
    return write((*(one for one in read(cookie) if one.person_id != person_id), own))
