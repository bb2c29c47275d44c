"""Whom to tell of a weakness of this region, as `security.txt` says it (RFC 9116). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from messaging.errors import MalformedMessage

PATH = "/.well-known/security.txt"
_CONTACT = re.compile(r"(mailto:[!-~]+@[!-~]+|https://[!-~]+|tel:\+?[0-9-]+)")
_SOON_DAYS = 30


@dataclass(frozen=True)
class SecurityTxt:
    """Where to write or ring, the best first, and the day from which that is not to be relied on."""

    contacts: tuple[str, ...]
    expires: date

    def text(self, public_url: str) -> str:
        """As it is served; a line for each field, ended as RFC 9116 (section 2.2) has it."""
        fields = [f"Contact: {one}" for one in self.contacts]
        fields += [f"Expires: {self.expires}T00:00:00Z", "Preferred-Languages: da, en"]
        if public_url.startswith("https://"):
            fields.append(f"Canonical: {public_url}{PATH}")
        return "".join(f"{field}\r\n" for field in fields)

    def ends_soon(self, today: date) -> bool:
        """Whether somebody should look whether it is still right."""
        return (self.expires - today).days <= _SOON_DAYS


def read_security_txt(contacts: tuple[str, ...], expires: str | None) -> SecurityTxt | None:
    """What the operator said; None where nothing was. MalformedMessage for what is no contact, or no day."""
    if not contacts and expires is None:
        return None
    if not contacts or expires is None:
        raise MalformedMessage("a contact and the day until which it holds go together")
    for contact in contacts:
        if not _CONTACT.fullmatch(contact):
            raise MalformedMessage(f"{contact}: expected mailto:somebody@region.example, https://... or tel:+45...")
    try:
        return SecurityTxt(contacts, date.fromisoformat(expires))
    except ValueError as error:
        raise MalformedMessage(f"{expires}: expected a day, as 2027-11-01") from error
