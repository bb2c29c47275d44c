"""How a station is, fact by fact in plain words with units: for its page and for the command line. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from messaging.call import Devices
from messaging.health import Health
from messaging.twin import TAKEN_BACK, Proving, Reported
from region.fleet.standing import WEAK_DBM, Level, Standing
from region.web.settings_told import SettingTeller
from region.web.words import Translator

_FAIR_DBM = -60  # below this a Wi-Fi signal is fair


@dataclass(frozen=True)
class Fact:
    """One thing known. `at`, Unix seconds, belongs after `text` (which may be empty). `level`: how good that is."""

    name: str
    text: str
    at: float | None = None
    level: Level = "good"


@dataclass(frozen=True)
class Section:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class FactTeller:
    """Tells of one station in one language; a stable word that `has` no words is told as it is."""

    t: Translator
    has: Callable[[str], bool]

    def sections(self, standing: Standing) -> list[Section]:
        """All that is known, without the sections of which nothing is."""
        health = standing.health
        told = [
            Section(self.t("fleet.section.connection"), tuple(self._connection(standing))),
            Section(
                self.t("fleet.section.devices"),
                tuple(self._devices(standing.devices, health)) if health else (),
            ),
            Section(self.t("fleet.section.machine"), tuple(self._machine(health)) if health else ()),
            Section(self.t("fleet.section.messages"), tuple(self._messages(health)) if health else ()),
            Section(self.t("fleet.section.config"), tuple(self._config(standing))),
            Section(self.t("fleet.section.versions"), tuple(self._versions(standing))),
        ]
        return [section for section in told if section.facts]

    def _connection(self, standing: Standing) -> Iterable[Fact]:
        processes = (
            ("agent", standing.agent_online, standing.agent_since), ("call", standing.call_online, standing.call_since)
        )  # fmt: skip
        for name, online, since in processes:
            if since is None:
                yield Fact(self.t(f"fleet.fact.{name}"), self.t("fleet.never_there"), level="warn")
            else:
                how = "there" if online else "unheard" if name in standing.unheard else "gone"
                there = self.t(f"fleet.{how}_since")
                yield Fact(self.t(f"fleet.fact.{name}"), there, since, "good" if online else "bad")
        if standing.last_report is not None:
            yield Fact(self.t("fleet.last_report"), "", standing.last_report)
        if standing.certificate_expires is not None:
            late = any(remark.code.startswith("certificate") for remark in standing.remarks)
            yield Fact(
                self.t("fleet.fact.certificate"), "", standing.certificate_expires, level="warn" if late else "good"
            )

    def _devices(self, devices: Devices | None, health: Health) -> Iterable[Fact]:
        for name in ("camera", "microphone", "speaker"):
            state = getattr(devices, name) if devices else "unknown"
            level: Level = "good" if state == "ok" else "warn" if devices is None else "bad"
            yield Fact(self.t(f"fleet.fact.{name}"), self.t(f"fleet.device.{state}"), level=level)
        for name, process in sorted(health.processes.items()):
            level = "good" if process == "running" else "warn"
            yield Fact(self._word("fact", name), self.t(f"fleet.process.{process}"), level=level)

    def _machine(self, health: Health) -> Iterable[Fact]:
        if health.temperature_c is not None:
            celsius = self._decimal(health.temperature_c)
            yield Fact(self.t("fleet.fact.temperature"), self.t("fleet.celsius", value=celsius))
        for name, free, total in (
            ("disk", health.disk_free_mb, health.disk_total_mb),
            ("memory", health.memory_free_mb, health.memory_total_mb),
        ):
            if free is not None and total is not None:
                text = self.t("fleet.free_of", free=self._decimal(free / 1024), total=self._decimal(total / 1024))
                yield Fact(self.t(f"fleet.fact.{name}"), text)
        if health.link is not None:
            level: Level = "bad" if health.link == "none" else "good"
            yield Fact(self.t("fleet.fact.link"), self.t(f"fleet.link.{health.link}"), level=level)
        if health.wifi_dbm is not None:
            yield self._wifi(health.wifi_dbm)
        clock_level: Level = "warn" if health.clock == "unset" else "good"
        yield Fact(self.t("fleet.fact.clock"), self.t(f"fleet.clock.{health.clock}"), level=clock_level)
        yield Fact(self.t("fleet.fact.uptime"), self._span(health.uptime_s))

    def _wifi(self, dbm: int) -> Fact:
        strength = "weak" if dbm < WEAK_DBM else "fair" if dbm < _FAIR_DBM else "good"
        level: Level = "warn" if strength == "weak" else "good"
        signal = self.t(f"fleet.wifi.{strength}", value=str(dbm).replace("-", "\N{MINUS SIGN}"))
        return Fact(self.t("fleet.fact.wifi"), signal, level=level)

    def _messages(self, health: Health) -> Iterable[Fact]:
        for name, count in (
            ("waiting", health.outbox_waiting), ("dropped", health.outbox_dropped), ("refused", health.refused_messages)
        ):  # fmt: skip
            bad = count > 0 and name != "waiting"
            yield Fact(self.t(f"fleet.fact.{name}"), str(count), level="warn" if bad else "good")

    def _config(self, standing: Standing) -> Iterable[Fact]:
        yield Fact(self.t("fleet.fact.desired"), self.t("fleet.version_number", number=standing.desired_version))
        current = standing.version_in_force
        if current is None:
            yield Fact(self.t("fleet.fact.in_force"), self.t("fleet.config.none"), level="warn")
        else:
            level: Level = "good" if current == standing.desired_version else "warn"
            proving = standing.reported is not None and standing.reported.proving.on_trial
            number = self.t("fleet.version_on_trial" if proving else "fleet.version_number", number=current)
            yield Fact(self.t("fleet.fact.in_force"), number, level=level)
        if standing.reported is not None:
            yield from self._taken_or_waiting(standing.reported.proving)
            yield from self._refused(standing.reported)

    def _taken_or_waiting(self, proving: Proving) -> Iterable[Fact]:
        if proving.waiting:
            yield Fact(self.t("fleet.fact.waits_for_call"), self.t("fleet.version_number", number=proving.waiting))
        taken = proving.taken_back
        if taken is not None:
            again = self.t("fleet.taken.lasting" if taken.lasting else "fleet.taken.again")
            text = self.t("fleet.taken", number=taken.version, why=self._word("why", taken.why), again=again)
            yield Fact(self.t("fleet.fact.taken_back"), text, level="warn")

    def _refused(self, reported: Reported) -> Iterable[Fact]:
        for field, reason in sorted(reported.refused.items()):
            if reported.proving.taken_back is not None and reason.startswith(TAKEN_BACK):
                continue  # told above, in words
            name = self.t("fleet.fact.refused_field", field=self._word("field", field))
            yield Fact(name, SettingTeller(self.t, self.has).why(field, reason), level="bad")

    def _versions(self, standing: Standing) -> Iterable[Fact]:
        if standing.hardware is not None:
            yield Fact(self.t("fleet.fact.hardware"), self._word("hardware", standing.hardware))
        for name, number in sorted(standing.versions.items()):
            yield Fact(self._word("version", name), number)

    def _word(self, kind: str, stable: str) -> str:
        key = f"fleet.{kind}.{stable}"
        return self.t(key) if self.has(key) else stable

    def _decimal(self, number: float) -> str:
        return f"{number:.1f}".replace(".", self.t("fleet.decimal_mark"))

    def _span(self, seconds: float) -> str:
        minutes = int(seconds // 60)
        days, hours = minutes // 1440, minutes // 60 % 24
        if days:
            return self.t("fleet.span.days", days=days, hours=hours)
        return self.t("fleet.span.hours", hours=hours, minutes=minutes % 60)
