"""The door to the catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from kiosk_ui.words import times
from kiosk_ui.words.catalogue import (
    Catalogue,
    ConsoleTexts,
    DeviceName,
    PanelTexts,
    Said,
    ScreenTexts,
    SpokenTexts,
)
from kiosk_ui.words.danish import DANISH
from kiosk_ui.words.english import ENGLISH
from messaging.call import DeviceState, EndReason
from messaging.envelope import ClockTrust
from messaging.health import ProcessState
from messaging.local import CallState, FaultReason, LightPattern
from messaging.twin import Language

CATALOGUES: Mapping[Language, Catalogue] = {"da": DANISH, "en": ENGLISH}


class Words:
    """All texts of one language."""

    def __init__(self, language: Language) -> None:
        catalogue = CATALOGUES[language]
        self.language: Language = language
        self._calendar = catalogue.calendar
        self.screen: ScreenTexts = catalogue.screen
        self.spoken: SpokenTexts = catalogue.spoken
        self.console: ConsoleTexts = catalogue.console
        self.panel: PanelTexts = catalogue.panel
        self.ended: Mapping[EndReason, Said] = catalogue.ended
        self.faults: Mapping[FaultReason, Said] = catalogue.faults
        self.states: Mapping[CallState, str] = catalogue.states
        self.lights: Mapping[LightPattern, str] = catalogue.lights
        self.devices: Mapping[DeviceName, str] = catalogue.devices
        self.device_states: Mapping[DeviceState, str] = catalogue.device_states
        self.processes: Mapping[ProcessState, str] = catalogue.processes
        self.clocks: Mapping[ClockTrust, str] = catalogue.clocks

    def date(self, when: datetime) -> str:
        """The day of a local time: `lørdag den 21. november`, `Saturday 21 November`."""
        return times.date(self._calendar, when)

    def time(self, when: datetime) -> str:
        """The time of day of a local time: `kl. 14.05`, `14:05`."""
        return times.time(self._calendar, when)

    def moment(self, when: datetime, now: datetime) -> str:
        """A local time to come, from `now`: `i morgen kl. 08.00`, `Monday at 08:00`."""
        return times.moment(self._calendar, when, now)
