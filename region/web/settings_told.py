"""Settings of stations in the reader's words: what each is called, its value, and whose word it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from messaging.codec import encode
from messaging.reasons import read
from messaging.twin import Config
from provisioning.authority.profiles import Level, Path
from provisioning.authority.setting_fields import NONE, Setting, settings
from region.web.words import Translator

DEFAULT = encode(Config())


@dataclass(frozen=True)
class SettingTeller:
    """Tells in one language; a value that `has` no words is told as it is written."""

    t: Translator
    has: Callable[[str], bool]

    def name(self, dotted: str) -> str:
        """What a setting is called, or a part of one."""
        key = f"web.setting.{dotted}"
        return self.t(key) if self.has(key) else dotted

    def called(self, path: Path) -> str:
        """What a value at a path of a document is called: its setting's name, and what is inside of that as written."""
        one = _setting_over(path)
        if one is None:
            return self.name(".".join(path))
        inside = ".".join(path[len(one.path) :])
        return f"{self.name(one.name)}: {inside}" if inside else self.name(one.name)

    def said(self, path: Path, value: Any) -> str:
        """A value at a path of a document, None: nothing is said; in words where it is a whole setting's."""
        one = _setting_over(path)
        if value is None:
            return "–"
        if one is not None and one.path == path:
            return self.word(one, one.text(value))
        return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)

    def word(self, one: Setting, written: str) -> str:
        """A value as it is written in a form, in words."""
        if written == NONE:
            return self._nothing("none", one)
        key = f"web.setting.value.{'flag' if one.kind == 'flag' else one.name}.{written}"
        return self.t(key) if self.has(key) else written

    def _nothing(self, which: Literal["none", "unset"], one: Setting) -> str:
        """An empty value, or none: what that means where it is not plain."""
        key = f"web.setting.{which}.{'.'.join(one.path[:-1])}"
        return self.t(key if self.has(key) else f"web.setting.{which}")

    def value(self, one: Setting, document: Mapping[str, Any]) -> str:
        """What the document says of it, or else the default, in words."""
        said = one.at(document)
        text = one.text(one.at(DEFAULT) if said is None else said)
        if text == "" or (said is None and one.kind == "json"):
            return self._nothing("unset", one)
        return self.word(one, text)

    def why(self, name: str, told: str) -> str:
        """Why the setting of that name is refused; a reason that is none of ours is told as it is."""
        reason = read(told)
        if reason is None:
            return told
        values = {part: self._part(name, part, value) for part, value in reason.values.items()}
        return self.t(f"web.reason.{reason.code}", **values)

    def of_setting(self, told: Mapping[str, str], name: str) -> str:
        """Why a setting is refused, or something inside of it; `told` by dotted path."""
        return "; ".join(self.why(key, why) for key, why in told.items() if _is_in(key, name))

    def others(self, told: Mapping[str, str], settings: Collection[Setting]) -> dict[str, str]:
        """What is told of none of these settings, by what it is called."""
        rest = [key for key in told if not any(_is_in(key, one.name) for one in settings)]
        return {self.name(key): self.why(key, told[key]) for key in rest}

    def every(self, told: Mapping[str, str]) -> str:
        """All that is told, in one line."""
        return "; ".join(f"{name}: {why}" for name, why in self.others(told, ()).items())

    def _part(self, name: str, part: str, value: str) -> str:
        if part == "why":
            return self.why(name, value)
        if part == "where":
            return self.name(f"{name}.{value}")
        key = f"web.reason.value.{value}"
        return self.t(key) if self.has(key) else value

    def source(self, one: Setting, sources: Mapping[Path, Level]) -> str:
        """Whose word it is: the nearest level's that says a part of it."""
        return self.t(f"web.level.{source_of(one, sources)}")


def source_of(one: Setting, sources: Mapping[Path, Level]) -> Level | str:
    """The level that says it, or `default`."""
    return next((level for path, level in sources.items() if path[: len(one.path)] == one.path), "default")


def _setting_over(path: Path) -> Setting | None:
    return next((one for one in settings("station") if path[: len(one.path)] == one.path), None)


def _is_in(key: str, name: str) -> bool:
    """Whether a dotted path leads to that setting, or to something inside of it."""
    return key == name or key.startswith((f"{name}.", f"{name}["))
