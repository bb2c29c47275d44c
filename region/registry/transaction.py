"""One transaction: every table of the database, by its subject."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncConnection

from region.registry.api_tokens import ApiTokens
from region.registry.attempts import Attempts
from region.registry.audit import Audit
from region.registry.backup import AfterRestore
from region.registry.bulk import Bulk
from region.registry.calls import Calls
from region.registry.certificates import Certificates
from region.registry.claims import Claims
from region.registry.commands import Commands
from region.registry.diagnostics import Diagnostics
from region.registry.enrolments import Enrolments
from region.registry.finding import Finding
from region.registry.identities import Identities
from region.registry.layers import Layers
from region.registry.leases import Leases
from region.registry.logouts import Logouts
from region.registry.news import News
from region.registry.passkeys import Passkeys
from region.registry.people import People
from region.registry.place_upkeep import PlaceUpkeep
from region.registry.places import Clinics, Clusters, Municipalities, Rooms, Sites
from region.registry.qualities import Qualities
from region.registry.removals import Removals
from region.registry.reports import Reports
from region.registry.second_steps import SecondSteps
from region.registry.secrets import Secrets
from region.registry.sessions import Sessions
from region.registry.stations import Stations


class Transaction:
    """Begun and ended by the registry; its subjects are made when they are asked for."""

    def __init__(self, connection: AsyncConnection, teller: str) -> None:
        self._connection = connection
        self._teller = teller

    @cached_property
    def clinics(self) -> Clinics:
        """Whom buttons call."""
        return Clinics(self._connection)

    @cached_property
    def sites(self) -> Sites:
        """Where stations stand."""
        return Sites(self._connection)

    @cached_property
    def clusters(self) -> Clusters:
        """Municipalities that belong together."""
        return Clusters(self._connection)

    @cached_property
    def municipalities(self) -> Municipalities:
        """Where sites are."""
        return Municipalities(self._connection)

    @cached_property
    def rooms(self) -> Rooms:
        """The rooms of sites."""
        return Rooms(self._connection)

    @cached_property
    def places(self) -> PlaceUpkeep:
        """Places of any kind, to be renamed or removed."""
        return PlaceUpkeep(self._connection)

    @cached_property
    def layers(self) -> Layers:
        """What each level says that stations work by, and what comes of it."""
        return Layers(self._connection)

    @cached_property
    def bulk(self) -> Bulk:
        """Many stations at once."""
        return Bulk(self._connection)

    @cached_property
    def secrets(self) -> Secrets:
        """What the region's processes know in common."""
        return Secrets(self._connection)

    @cached_property
    def after_restore(self) -> AfterRestore:
        """What a restored registry needs before it may speak to stations."""
        return AfterRestore(self._connection)

    @cached_property
    def leases(self) -> Leases:
        """What only one process does at a time."""
        return Leases(self._connection)

    @cached_property
    def stations(self) -> Stations:
        """The stations and what they should work by."""
        return Stations(self._connection)

    @cached_property
    def removals(self) -> Removals:
        """Stations that are taken out, and what is kept of them."""
        return Removals(self._connection)

    @cached_property
    def finding(self) -> Finding:
        """Stations by a filter."""
        return Finding(self._connection)

    @cached_property
    def enrolments(self) -> Enrolments:
        """Enrolment codes and the certificates they gave."""
        return Enrolments(self._connection)

    @cached_property
    def claims(self) -> Claims:
        """Stations that ask to be claimed."""
        return Claims(self._connection)

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """What stations handed in for diagnosis."""
        return Diagnostics(self._connection)

    @cached_property
    def certificates(self) -> Certificates:
        """Every certificate that a station was given."""
        return Certificates(self._connection)

    @cached_property
    def reports(self) -> Reports:
        """Presence and the last reports of each station."""
        return Reports(self._connection)

    @cached_property
    def people(self) -> People:
        """Who may sign in."""
        return People(self._connection)

    @cached_property
    def passkeys(self) -> Passkeys:
        """Passkeys for the second step."""
        return Passkeys(self._connection)

    @cached_property
    def identities(self) -> Identities:
        """Who somebody is at the provider of the region's own sign-in."""
        return Identities(self._connection)

    @cached_property
    def sessions(self) -> Sessions:
        """Signed-in browsers and one-time links."""
        return Sessions(self._connection)

    @cached_property
    def logouts(self) -> Logouts:
        """Sessions that end because the provider says so."""
        return Logouts(self._connection)

    @cached_property
    def api_tokens(self) -> ApiTokens:
        """What scripts come with."""
        return ApiTokens(self._connection)

    @cached_property
    def second_steps(self) -> SecondSteps:
        """The second step of signing in."""
        return SecondSteps(self._connection)

    @cached_property
    def calls(self) -> Calls:
        """Calls, and who has them."""
        return Calls(self._connection)

    @cached_property
    def qualities(self) -> Qualities:
        """What calls were like."""
        return Qualities(self._connection)

    @cached_property
    def commands(self) -> Commands:
        """What stations were told to do."""
        return Commands(self._connection)

    @cached_property
    def attempts(self) -> Attempts:
        """How often somebody has tried to get in."""
        return Attempts(self._connection)

    @cached_property
    def news(self) -> News:
        """What the region's other processes are told when this has been committed."""
        return News(self._connection, self._teller)

    @cached_property
    def audit(self) -> Audit:
        """What was done, by whom."""
        return Audit(self._connection)
