"""Births: what follows from a station's having connected."""

from __future__ import annotations

from messaging.codec import decode
from messaging.envelope import Envelope
from messaging.status import Birth
from messaging.topics import Topic
from provisioning.authority.enrolment import Enrolment
from region.web.subject import UpHandler


class Births:
    """Takes `up/birth`, for these in their order."""

    def __init__(self, *takers: UpHandler) -> None:
        self._takers = takers

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """Hand it to each."""
        for taker in self._takers:
            await taker.handle(topic, envelope)


class ConfirmEnrolment:
    """Takes `up/birth`, for enrolment: a station that has connected with its new certificate burns its code."""

    def __init__(self, enrolment: Enrolment) -> None:
        self._enrolment = enrolment

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """Tell the authority which certificate the station is connected with."""
        birth = decode(Birth, envelope.data)
        await self._enrolment.confirm(topic.station, birth.certificate_expires)
