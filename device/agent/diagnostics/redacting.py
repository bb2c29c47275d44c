"""What a line of the log says, without what could be somebody's: pure, and held by a property test.

Our own logs name nobody. But lines come from libraries too, and a mistake must not travel: what looks like a civil
registration number, a telephone number, an address, a secret or a key is replaced, and so is every name that this
station knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from messaging.diagnostics import LONGEST_LINE
from messaging.settings import HIDDEN, redacted
from messaging.twin import Config

T = TypeVar("T")
_SHORTEST_NAME = 3
_RULES = (
    (re.compile(r"-----BEGIN [^-]*-----.*"), "[key]"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*)://\S+", re.IGNORECASE), r"\1://[address]"),
    (re.compile(r"[^\s<>\"'(]+@[^\s<>\"')]+"), "[address]"),
    (
        re.compile(r"\b(pass(?:word|phrase)?|psk|secret|token|code|pin|credential|authorization)(\W{0,3}[=:]\s*)\S+",
                   re.IGNORECASE),
        r"\1\2[secret]",
    ),
    (re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}"), "[token]"),
    (re.compile(r"(?<![\w.])\+?\d(?:[ .-]?\d){7,}(?!\w)"), "[number]"),
)  # fmt: skip


def redact(text: str, names: Iterable[str] = ()) -> str:
    """The line, printable, no longer than `LONGEST_LINE`, and without any of `names`."""
    text = "".join(character if character.isprintable() else " " for character in text)
    for name in sorted((name for name in names if len(name) >= _SHORTEST_NAME), key=len, reverse=True):
        text = re.sub(re.escape(name), "[name]", text, flags=re.IGNORECASE)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text[:LONGEST_LINE]


def names_in(config: Config) -> tuple[str, ...]:
    """Every text of this config that tells somebody or something apart: names, numbers, networks, accounts."""
    network = config.network
    accounts = [one.identity for one in (network.wired.eap, *(wifi.eap for wifi in network.wifi.values()))]
    known = (
        config.clinic, config.phone, config.site, config.station, config.fallback, config.fallback_phone,
        network.proxy.user, *network.wifi, *accounts,
    )  # fmt: skip
    return tuple(filter(None, known))


def nameless(config: Config) -> Config:
    """The config for somebody who looks for a fault: what is set, without names and secrets."""
    hidden: dict[str, Any] = {
        name: HIDDEN if getattr(config, name) else "" for name in ("clinic", "site", "station", "fallback")
    }  # fmt: skip
    shown: Config = _without_accounts(replace(config, **hidden, phone="", fallback_phone=""))
    return redacted(shown)


def _without_accounts(value: Any) -> Any:
    """Nobody's user name, in whatever part of the config it is."""
    if isinstance(value, dict):
        return {f"wifi {number}": _without_accounts(item) for number, item in enumerate(value.values(), 1)}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {one.name: _without_accounts(getattr(value, one.name)) for one in fields(value)}
    for name in ("identity", "anonymous", "user"):
        if changed.get(name):
            changed[name] = HIDDEN
    return replace(value, **changed)
