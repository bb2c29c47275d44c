"""What the demo's region starts with: a clinic, a site, a station with its code file, and two people with links."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.clock import Clock
from messaging.enrolment import CodeFile, write_code_file
from messaging.twin import Language
from provisioning.authority import vault
from provisioning.authority.enrolment import Enrolment
from region.authority.client import AuthorityClient
from region.authority.wire import SOCKET
from region.demo.plan import HOST, Places, Ports
from region.demo.texts import Texts
from region.registry import Registry
from region.registry.store import RegistryEnrolmentStore
from region.web.sign_in import make_link

_LINK_LIVES_S = 24 * 3600.0


@dataclass(frozen=True)
class Furnished:
    """The station's id, and the links that sign in once."""

    station: str
    clinic_link: str
    fleet_link: str


async def furnish(
    registry: Registry, places: Places, ports: Ports, language: Language, texts: Texts, clock: Clock
) -> Furnished:
    """Furnish an empty region and write the station's code file and config."""
    now = clock.wall()
    async with registry.begin() as t:
        clinic = await t.clinics.add(texts.clinic, "", now)
        site = await t.sites.add(texts.site, now)
        station = await t.stations.add(texts.station, site.id, clinic.id, now, language=language)
        doctor = await t.people.add(
            "clinic", "clinician", now, clinic_id=clinic.id, display_name=texts.clinician, title=texts.title,
            language=language,
        )  # fmt: skip
        admin = await t.people.add("fleet", "it_admin", now, display_name=texts.admin, language=language)
    vault.make_if_absent(places.data / "ca", clock)
    signer = AuthorityClient(places.data / SOCKET)
    code = await Enrolment(RegistryEnrolmentStore(registry, clock), signer, clock).invite(station.id)
    card = CodeFile(
        url=f"https://{HOST}:{ports.enrolment}", ca_sha256=vault.public_trust(places.data / "ca").root_sha256,
        code=code, station=station.id, broker=f"{HOST}:{ports.broker}",
    )  # fmt: skip
    places.code_file.touch(mode=0o600)
    places.code_file.write_text(write_code_file(card), encoding="utf-8")
    places.config.write_text(places.station_toml(), encoding="utf-8")
    # Two names of one machine: a browser keeps the two sign-ins apart.
    clinic_link = await make_link(registry, f"http://{HOST}:{ports.web}", doctor, now, _LINK_LIVES_S, whole=True)
    fleet_link = await make_link(registry, f"http://localhost:{ports.web}", admin, now, _LINK_LIVES_S, whole=True)
    return Furnished(station.id, clinic_link, fleet_link)
