"""Diagnostics at the region: taken from a station that was asked, and from nobody else; bounded; read with a trace."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.codec import decode
from messaging.command import Progress
from messaging.diagnostics import DIAGNOSTICS_PATH, MOST_PACKED, Bundle, pack
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.errors import EnrolmentRefused, NotAskedFor, StationBarred
from provisioning.authority.renewal import Renewals, given
from provisioning.authority.request import read_request
from provisioning.authority.vault import open_authority
from region.doors.peer import _with_chain
from region.registry.diagnostics import KEPT_S, OF_ONE
from region.registry.records import HandedIn
from region.registry.store import RegistryEnrolmentStore
from region.stations.diagnostics import DiagnosticsService
from region.stations.est import build_est
from tests.kits.region.app import Kit
from tests.kits.region.stations import command, connects, order
from tests.kits.trust.enrolment_store import InMemorySigner
from tests.unit.test_diagnostics_bundle import BUNDLE

STRANGE = "0000000000000000"


class Front:
    """The region's station-facing door, and what a station shows there."""

    def __init__(self, kit: Kit, data: Path) -> None:
        self.kit, self.registry, self.clock = kit, kit.region.registry, kit.clock
        self.authority = open_authority(data / "ca", kit.clock)
        self.service = DiagnosticsService(self.registry, kit.clock)
        store, signer = RegistryEnrolmentStore(self.registry, kit.clock), InMemorySigner(self.authority, kit.clock)
        self._app = build_est(
            Enrolment(store, signer, kit.clock), Renewals(store, signer, kit.clock), signer, kit.clock,
            diagnostics=self.service,
        )  # fmt: skip
        self.station = self.certificate = ""

    async def open(self) -> None:
        _, _, station = await self.kit.places()
        self.station, self.certificate = station.id, await self.enrolled(station.id)

    async def enrolled(self, station: str, *, kept: bool = True) -> str:
        """A certificate in the station's name, PEM; `kept`: the registry knows of it."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, station)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        issued = self.authority.issue_station(station, read_request(request.public_bytes(Encoding.DER)))
        if kept:
            der = issued.public_bytes(Encoding.DER)
            async with self.registry.begin() as t:
                await t.certificates.add(given(station, "ab" * 32, der, self.clock.wall()))
        return issued.public_bytes(Encoding.PEM).decode()

    async def asked(self, kind: Any = "diagnostics", *, sent: bool = True) -> str:
        (cid,) = await order(self.registry, [self.station], kind, now=self.clock.wall())
        if sent:
            await connects(self.registry, self.station, self.clock.wall() - 1)
            async with self.registry.begin() as t:
                await t.commands.claim([await t.commands.get(cid)], self.clock.wall())
        return cid

    async def hand_in(self, cid: str, body: bytes | None = None, certificate: str | None = None) -> tuple[int, str]:
        shown = self.certificate if certificate is None else certificate
        app = _with_chain(self._app, [shown] if shown else [])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://region.test") as http:
            content = pack(replace(BUNDLE, station=self.station)) if body is None else body
            answer = await http.post(f"{DIAGNOSTICS_PATH}/{cid}", content=content)
        return answer.status_code, answer.json()["code"] if answer.content else ""

    async def actions(self) -> list[str]:
        async with self.registry.read() as t:
            rows = await t.audit.recent(50)
        return [row.action for row in rows if row.action.startswith("diagnostics")]


def _namesake(certificate: str) -> str:
    """Another's certificate that says the same of itself, its number too."""
    known, key = x509.load_pem_x509_certificate(certificate.encode()), ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder().subject_name(known.subject).issuer_name(known.issuer).public_key(key.public_key())
        .serial_number(known.serial_number).not_valid_before(known.not_valid_before_utc)
        .not_valid_after(known.not_valid_after_utc).sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(Encoding.PEM).decode()


@pytest.fixture
async def front(kit: Kit, tmp_path: Path) -> Front:
    front = Front(kit, tmp_path)
    await front.open()
    return front


async def test_what_was_asked_for_is_kept_once_and_noted_once(front: Front) -> None:
    cid = await front.asked()
    assert await front.hand_in(cid) == (200, "")
    assert await front.hand_in(cid) == (200, ""), "a station that was killed before it knew hands it in once more"
    (kept,) = await front.service.all(front.station)
    assert (kept.cid, kept.station_id) == (cid, front.station)
    assert await front.actions() == ["diagnostics.take"]


async def test_only_a_station_that_the_registry_knows_and_lets_in_hands_in(front: Front) -> None:
    cid = await front.asked()
    assert await front.hand_in(cid, certificate="") == (401, "certificate_needed")
    foreign = await front.enrolled(front.station, kept=False)
    assert await front.hand_in(cid, certificate=foreign) == (403, "foreign_certificate")
    client = front.authority.issue_client("region").certificate_pem.decode()
    first = client[: client.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
    assert await front.hand_in(cid, certificate=first) == (403, "foreign_certificate"), "the region is no station"
    assert await front.hand_in(cid, certificate=_namesake(front.certificate)) == (403, "foreign_certificate")
    async with front.registry.begin() as t:
        await t.stations.set_admission(front.station, "quarantined")
    assert await front.hand_in(cid) == (403, "station_barred")
    async with front.registry.begin() as t:
        await t.stations.set_admission(front.station, "admitted")
        await t.certificates.revoke(front.station, front.clock.wall())
    assert await front.hand_in(cid) == (403, "station_barred")
    assert await front.service.all() == []


async def test_nothing_is_taken_that_was_not_asked_for(front: Front) -> None:
    for cid in (STRANGE, await front.asked("identify"), await front.asked(sent=False), "x" * 500, "%2e%2e"):
        assert await front.hand_in(cid) == (409, "not_asked_for")
    ended = await front.asked()
    async with front.registry.begin() as t:
        await t.commands.note(ended, front.station, "diagnostics", Progress("failed", "disk"), front.clock.wall())
    assert await front.hand_in(ended) == (409, "not_asked_for")
    async with front.registry.begin() as t:
        site = await t.sites.add("Månelyst", 1.0)
        other = await t.stations.add("Stue 1", site.id, None, 1.0)
    asked = await front.asked()
    assert await front.hand_in(asked, certificate=await front.enrolled(other.id)) == (409, "not_asked_for")
    assert await front.service.all() == []


@pytest.mark.parametrize(("meanwhile", "refused"), [("ended", NotAskedFor), ("revoked", StationBarred)])
async def test_what_ends_while_it_is_handed_in_is_not_kept(
    front: Front, meanwhile: str, refused: type[EnrolmentRefused]
) -> None:
    cid = await front.asked()

    async def slowly() -> bytes:
        async with front.registry.begin() as t:
            if meanwhile == "ended":
                end = Progress("failed", "no_sign")
                await t.commands.note(cid, front.station, "diagnostics", end, front.clock.wall())
            else:
                await t.stations.set_admission(front.station, "revoked")
        return pack(replace(BUNDLE, station=front.station))

    with pytest.raises(refused):
        await front.service.take(cid, x509.load_pem_x509_certificate(front.certificate.encode()), slowly)
    assert await front.service.all() == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"x" * (MOST_PACKED + 1), 413, "oversized_request"), (b"", 400, "malformed_request"),
        (gzip.compress(b"[" * 100_000), 400, "malformed_request"),
        (gzip.compress(b" " * 3_000_000), 400, "malformed_request"),
        (pack(replace(BUNDLE, station="st-another1")), 400, "malformed_request"),
    ],
)  # fmt: skip
async def test_what_is_too_big_or_no_bundle_of_that_station_is_refused(
    front: Front, body: bytes, status: int, code: str
) -> None:
    cid = await front.asked()
    assert await front.hand_in(cid, body) == (status, code)
    assert await front.service.all() == []
    assert (await command(front.registry, cid)).state == "init", "and the command is not ended by it"


async def test_the_newest_of_a_station_are_kept_and_none_for_long(front: Front) -> None:
    for _ in range(OF_ONE + 2):
        assert await front.hand_in(await front.asked()) == (200, "")
        await front.clock.advance(10)
        async with front.registry.begin() as t:
            await t.commands.end_all("cancelled", front.clock.wall())
    kept = await front.service.all(front.station)
    assert len(kept) == OF_ONE
    async with front.registry.begin() as t:
        assert await t.diagnostics.sweep(front.clock.wall() + KEPT_S + 60) == OF_ONE
    assert await front.service.all() == []


async def test_it_reads_and_saves_them_and_each_look_leaves_a_trace(kit: Kit, front: Front) -> None:
    cid = await front.asked()
    await front.hand_in(cid)
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        assert [one["cid"] for one in (await browser.get("/api/diagnostics")).json()] == [cid]
        assert (await browser.get("/api/diagnostics?station=st-00000000")).json() == []
        read = (await browser.get(f"/api/diagnostics/{cid}")).json()
        assert (read["station"], read["config_version"]) == (front.station, BUNDLE.config_version)
        page = (await browser.get(f"/stations/{front.station}/commands")).text
        link = f"/stations/{front.station}/diagnostics/{cid}"
        assert f'href="{link}"' in page
        saved = await browser.get(link)
        assert f"diagnostics-{front.station}-{cid}.json" in saved.headers["content-disposition"]
        assert decode(Bundle, json.loads(saved.content)) == replace(BUNDLE, station=front.station)
        for missing in (f"/api/diagnostics/{STRANGE}", f"/stations/st-00000000/diagnostics/{cid}"):
            assert (await browser.get(missing)).status_code == 404
    assert await front.actions() == ["diagnostics.read", "diagnostics.read", "diagnostics.take"]


@pytest.mark.parametrize("role", ["clinician", "site_staff", "evaluator"])
async def test_nobody_else_sees_any(kit: Kit, front: Front, role: Any) -> None:
    cid = await front.asked()
    await front.hand_in(cid)
    async with front.registry.read() as t:
        clinic, sites = (await t.clinics.all())[0], (await t.sites.all())[:1]
    bound = {"clinician": {"clinic": clinic}, "site_staff": {"sites": [sites[0].id]}}.get(role, {})
    async with kit.signed_in(await kit.person("anna", role, **bound)) as browser:
        for path in ("/api/diagnostics", f"/api/diagnostics/{cid}", f"/stations/{front.station}/diagnostics/{cid}"):
            assert (await browser.get(path)).status_code == 403
    assert await front.actions() == ["diagnostics.take"]


async def test_the_oldest_of_all_go_first(front: Front) -> None:
    async with front.registry.begin() as t:
        for number in range(4):
            await t.diagnostics.put(HandedIn(f"c{number}", front.station, 1e9 + number, 3), b"abc")
        assert await t.diagnostics.put(HandedIn("c0", front.station, 1e9 + 9, 4), b"abcd") is False
        assert [one.cid for one in await t.diagnostics.all()] == ["c0", "c3", "c2", "c1"]
        assert (await t.diagnostics.content("c0"))[1] == b"abcd"
