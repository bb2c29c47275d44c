"""How things stand, in words: whom the button calls, who is there, what does not work, whom to phone instead."""

from __future__ import annotations

from datetime import UTC, datetime

from kiosk_ui.screen.shown import Bar, Noticed
from kiosk_ui.words import Words, unbroken
from messaging.call import Devices
from messaging.local import AgentView, CallView
from messaging.opening import is_open, opens_next
from messaging.twin import Config

REFUSED_FOR_S = 4.0


class Situation:
    """What the two processes said (None: never heard, or gone) and what the screen noticed, at one moment."""

    def __init__(self, call: CallView | None, agent: AgentView | None, noticed: Noticed) -> None:
        told = agent.config if agent is not None else None
        self.call = call
        self.agent = agent
        self.noticed = noticed
        self.config = config = told or Config(language=noticed.language)
        self.words = Words(config.language)
        self.texts = self.words.screen
        self.clinic = (config.clinic if config.screen.clinic else "") or self.texts.the_clinic
        self.other = (config.fallback if config.screen.clinic else "") or self.texts.the_clinic
        self.name = self._peer()
        self.when = datetime.fromtimestamp(noticed.now, UTC).astimezone()
        self.time_known = agent is None or agent.clock != "unset"
        self.closed = self._said_closed() or (self.time_known and not is_open(config.opening, self.when))

    @property
    def refused(self) -> bool:
        """Whether a press has just now been unable to do anything."""
        ago = self.noticed.refused_ago
        return ago is not None and ago < REFUSED_FOR_S

    @property
    def bar(self) -> Bar:
        """What the bar is about while the button cannot help."""
        return "phone" if self.config.phone or self.config.fallback_phone else "staff"

    @property
    def phone(self) -> str:
        """Whom to phone: the clinic, or the other number while the clinic is closed or has none."""
        other = self.config.fallback_phone
        if other and (self.closed or not self.config.phone):
            return self.texts.phone_instead.format(phone=unbroken(other))
        if not self.config.phone:
            return self.texts.no_phone
        return self.texts.phone.format(clinic=self.clinic, phone=unbroken(self.config.phone))

    @property
    def open_again(self) -> str:
        """When the clinic is there again, while it is not, by a clock that is right."""
        opens = opens_next(self.config.opening, self.when) if self.closed and self.time_known else None
        if opens is None:
            return ""
        return self.texts.open_again.format(clinic=self.clinic, when=self.words.moment(opens, self.when))

    @property
    def role(self) -> str:
        """The other side's, where the station may show it."""
        return self.call.peer_role.strip() if self.call is not None and self.config.screen.caller_title else ""

    @property
    def place(self) -> str:
        """Which station this is, where that may be shown."""
        where = (self.config.station, self.config.site) if self.config.screen.place else ()
        return " · ".join(part for part in where if part)

    @property
    def lack(self) -> str:
        """What does not work, before a call."""
        return self._device_problem(self.texts.no_camera, self.texts.no_microphone, self.texts.no_speaker)

    @property
    def in_call_problem(self) -> str:
        """What does not work, in a call."""
        texts = self.texts
        problem = self._device_problem(texts.in_call_no_camera, texts.in_call_no_microphone, texts.in_call_no_speaker)
        if not problem and self.call is not None and self.call.lens == "covered":
            problem = texts.lens_covered
        return problem.format(name=self.name)

    def _said_closed(self) -> bool:
        return self.call is not None and self.call.state == "feedback" and self.call.reason == "closed"

    def _peer(self) -> str:
        shown = self.config.screen
        named = self.call.peer_name.strip() if self.call is not None and shown.caller_name else ""
        return named or (self.config.clinic if shown.clinic else "") or self.texts.the_caller

    def _device_problem(self, camera: str, microphone: str, speaker: str) -> str:
        """The worst first: who cannot hear needs help, who is not seen can still talk."""
        devices = self.call.devices if self.call is not None else Devices()
        if devices.speaker != "ok":
            return speaker
        if devices.microphone != "ok":
            return microphone
        return camera if devices.camera != "ok" else ""
