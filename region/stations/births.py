"""Births, for enrolment: a station that has connected with its new certificate burns its code."""

from __future__ import annotations

from messaging.codec import decode
from messaging.envelope import Envelope
from messaging.status import Birth
from messaging.topics import Topic
from provisioning.authority.enrolment import Enrolment


class ConfirmEnrolment:
    """Takes `up/birth`."""

    def __init__(self, enrolment: Enrolment) -> None:
        self._enrolment = enrolment

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """Tell the authority which certificate the station is connected with."""
        birth = decode(Birth, envelope.data)
        await self._enrolment.confirm(topic.station, birth.certificate_expires)
