"""Why a setting or a whole config is refused: a code with plain values, and the English in which it travels.

A station tells its reasons as text (`Reported.refused`), as logs and the command line have them; it may be older or
newer than its region. So the text is what is kept, and `read` finds code and values in it again, for pages in another
language. What no version of ours says is no reason of ours, and is told as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

# A station finds the end of a field's path at a colon: no word on one value or on two has a colon and a blank in it.
ENGLISH: dict[str, str] = {
    "at_station": "{why} (at station {station})",
    # of one value (codec, settings)
    "object": "expected an object",
    "list": "expected a list",
    "text": "expected a text",
    "flag": "expected true or false",
    "number": "expected a number",
    "whole": "expected a whole number",
    "missing": "missing",
    "one_of": "expected one of {options}",
    "range": "not between {least} and {most}",
    "length": "longer than {most} characters",
    "items": "more than {most} items",
    "no_text": "a character that is no text",
    "unshown": "a character that cannot be shown",
    "phone": "expected a telephone number",
    "time": "expected a time of day such as 08:00",
    "day": "expected a date such as 2026-12-24",
    "host": "expected the name or address of a computer",
    "address": "expected an IP address",
    "network_address": "expected an address such as 10.0.0.5/24",
    "certificates": "expected certificates as PEM",
    "proxy": "expected a proxy such as http://proxy.example:3128",
    "psk": "expected 8 to 63 letters of a passphrase, or 64 hexadecimal digits",
    "country": "expected a country such as DK",
    # of values that belong together (settings)
    "secret_missing": "a secret is missing, (set) only stands for one",
    "closes_first": "{day} closes before it opens",
    "hours_overlap": "{day} has hours that overlap, or are not in order",
    "no_night": "the night begins when it ends",
    "no_consent": "nobody has consented (by whom, recorded by whom, and until when?)",
    "eap_identity": "802.1X needs an identity",
    "eap_password": "802.1X with a password needs the password",
    "eap_server": "802.1X needs the network's CA and its server's name",
    "lone_gateway": "a gateway without an address",
    "far_gateway": "the gateway is not in the address's network",
    "wifi_both": "a Wi-Fi has a passphrase or 802.1X, not both",
    "wifi_open": "a Wi-Fi needs a passphrase or 802.1X, an open one is not used",
    "wifi_name": "a Wi-Fi's name has from 1 to 32 bytes, all of which can be shown",
    # of what a layer may say (profiles, the registry)
    "of_the_site": "a station's site is where it stands in the registry",
    "of_the_name": "a station's name is its name in the registry",
    "of_the_clinic": "a clinic's telephone is the clinic's: change it there",
    "of_one_station": "belongs to one station: consent is one person's",
    "deep": "nested deeper than {most} levels",
    "perhaps": "no such field; is {near} meant?",
    "no_field": "no such field; there are {names}",
    "says_nothing": "says nothing: take the field away to have what the layers above say",
    "no_clinic": "no clinic is called that: see region clinic list",
    "heavy": "{bytes} bytes are more than a station takes (at most {most}): say less, or further down",
    "nothing": "nothing was written",
    # of what was written in a form (setting_fields)
    "yes_or_no": "expected yes or no",
    "hours": "expected hours such as 08:00-12:00, 13:00-16:00, or - for closed",
    "json": "expected JSON",
    "json_object": "expected a JSON object",
    "no_secret": "there is no secret to keep; write it",
    # of a whole config, and of what a station cannot do (device/agent)
    "unsupported": "unsupported: this station does not carry it out, and works by the default",
    "older": "version {version} is older than {newer}, which is in force",
    "older_waits": "version {version} is older than {newer}, which waits for the end of a call",
    "older_taken_back": "version {version} is older than {newer}, which was taken back",
    "other_content": "version {version} is in force with other content",
    "not_kept": "cannot be kept: the disk refuses",
    "taken_back": "taken back: {cause}",
    "not_done": "not carried out: {why}",
    "disk": "the disk refuses",
    "no_manager": "NetworkManager is not there",
    "manager": "NetworkManager refuses it: {what}",
    "wifi_country": "the country {country}: this machine's Wi-Fi is set for {image}, which its image decides",
    "no_time_servers": "the station may not change its time servers",
    # of a word that is not believed (jws, signed)
    "unsigned": "nothing signed was sent",
    "no_word": "not a signed word",
    "signature": "the signature is not one of ES256",
    "header": "the header is not one of ours",
    "unread_signer": "the signer's certificate cannot be read",
    "strange_signer": "the signer's certificate leads to no root that this station trusts",
    "vague_signer": "the signer's certificate does not say what it is for",
    "no_signer": "the signer's certificate is not one for signing words",
    "signer_key": "the signer's key is not one of ES256",
    "altered": "what was sent is not what was signed",
    "other_purpose": "signed for another purpose",
    "other_station": "signed for another station",
    "signer_time": "signed outside the time of the signer's certificate",
    "future": "dated in the future",
    "past": "its time has passed",
    "no_roots": "this station cannot read the roots that it trusts",
    # and where in the field
    "inside": "{where}: {why}",
}
_VALUES = {"where": r"[\w.\[\]-]+", "station": r"[\w-]+", "bytes": r"\d+", "version": r"\d+", "day": r"[a-z]{3}"}


@dataclass(frozen=True)
class Reason:
    """A code, and what its words are filled in with."""

    code: str
    values: Mapping[str, str]


class Texts:
    """Reasons by code, as English texts that are known again; `values`: what a value looks like, where not anything."""

    def __init__(self, english: Mapping[str, str], values: Mapping[str, str]) -> None:
        self._english = english
        self._values = values

    def say(self, code: str, **values: object) -> str:
        """The reason in English."""
        return self._english[code].format(**values)

    def read(self, text: str) -> Reason | None:
        """The reason that a text is; None where it is none of these."""
        for code, form in self._forms.items():
            if found := form.fullmatch(text):
                return Reason(code, found.groupdict())
        return None

    @cached_property
    def _forms(self) -> dict[str, re.Pattern[str]]:
        """How each is known again, in the order of the codes: first what is said behind a reason, last what before."""
        return {code: re.compile(self._form(words), re.DOTALL) for code, words in self._english.items()}

    def _form(self, words: str) -> str:
        parts = re.split(r"\{(\w+)\}", words)
        return "".join(
            f"(?P<{part}>{self._values.get(part, '.+')})" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )


_OURS = Texts(ENGLISH, _VALUES)
say, read = _OURS.say, _OURS.read
