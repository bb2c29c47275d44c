"""Clinics, sites and stations: made on pages and by the API, enrolled, and told what to work by."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from messaging.codec import decode, encode
from messaging.enrolment import EST_PATH, CodeFile, read_code_file
from messaging.envelope import Envelope
from messaging.moment import TIME_PATH, read_moment
from messaging.status import Birth
from messaging.topics import Topic
from messaging.twin import Config
from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.renewal import Renewals
from provisioning.authority.vault import open_authority
from region.addresses import Addresses
from region.registry.store import RegistryEnrolmentStore
from region.stations.births import ConfirmEnrolment
from region.stations.codes import CodeService
from region.stations.est import build_est
from region.stations.publishing import Publisher
from region.stations.service import Settings, StationService
from tests.kits.region.app import Kit, region_kit
from tests.kits.trust.enrolment_store import InMemorySigner
from tests.kits.trust.signing import SigningKit, said


async def test_it_makes_a_clinic_a_site_a_station_and_its_code_file_on_pages(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        token = {"csrf": await kit.csrf(browser)}
        await browser.post("/clinics", data={**token, "name": "Bakkens Klinik", "phone": "+45 12 34 56 78"})
        done = await browser.post("/sites", data={**token, "name": "Solgården"})
        assert '<p class="note good" role="status">Saved.</p>' in (await browser.get(done.headers["location"])).text
        made = await browser.post(
            "/stations", data={**token, "name": "Stue 4", "site": 1, "clinic": 1, "language": "da"}
        )
        path = made.headers["location"]
        there = re.search(
            r'<a href="/fleet\?site=Solg%C3%A5rden" aria-label="([^"]+)">1</a>', (await browser.get("/sites")).text
        )
        assert there[1] == "1 station at Solgården"
        assert "This station has no code file yet." in (await browser.get(path)).text
        page = (await browser.post(f"{path}/code", data=token)).text
        code_file = read_code_file(base64.b64decode(re.search(r"base64,([^\"]+)", page)[1]).decode())
        assert (f"/stations/{code_file.station}", code_file.url) == (path, "https://127.0.0.1:8402")
        again = (await browser.get(path)).text
        assert code_file.code not in again
        assert "A code file waits to be used." in again
    async with kit.region.registry.read() as t:
        rows = await t.audit.recent()
    assert [row.action for row in rows][:4] == ["code.make", "station.add", "site.add", "clinic.add"]
    assert {row.actor for row in rows[:4]} == {"ivan"}
    assert code_file.code not in str(rows)


async def test_what_cannot_be_is_said_on_the_page_it_was_asked_on(kit: Kit) -> None:
    await kit.places()
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        token = {"csrf": await kit.csrf(browser)}
        for path, form, status, words in (
            ("/sites", {"name": "Solgården"}, 409, "there is a site called Solgården already"),
            ("/clinics", {"name": "Another", "phone": "call me"}, 422, "phone: digits and spaces, a plus in front"),
            ("/stations", {"name": "x", "site": 99}, 404, "not there any more"),
            ("/stations", {"name": "x", "site": 1, "clinic": "9" * 40}, 422, "Something in the form is not right."),
        ):
            answer = await browser.post(path, data={**token, **form})
            assert answer.status_code == status
            assert words in answer.text


async def test_a_change_on_the_page_reaches_the_station_retained_and_versioned(kit: Kit) -> None:
    clinic, site, station = await kit.places()
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        form = {"name": "Stue 5", "room": "Stue 5", "site": site.id, "clinic": clinic.id}
        form |= {"language": "en", "volume": 30}
        answer = await browser.post(f"/stations/{station.id}", data={"csrf": await kit.csrf(browser), **form})
        assert "Saved." in (await browser.get(answer.headers["location"])).text
    while not kit.downlink.sent or said(kit.downlink.sent[-1].message).version < 2:
        await kit.clock.advance(1)
    sent = kit.downlink.sent[-1]
    assert (sent.topic, sent.retain) == (f"vs/1/d/{station.id}/dn/desired", True)
    config = decode(Config, said(sent.message).body["config"])
    assert (config.station, config.volume, config.clinic, config.site) == ("Stue 5", 30, clinic.name, site.name)


async def test_a_broker_that_has_lost_what_it_kept_gets_everything_again(tmp_path: Path) -> None:
    async with region_kit(tmp_path) as kit:
        await kit.places()
        publisher = Publisher(kit.region.registry, kit.downlink, SigningKit(kit.clock), kit.clock)
        assert [await publisher.look() for _ in range(2)] == [1, 0]
        publisher.broker_came_up()
        assert await publisher.look() == 1


async def test_a_change_while_the_broker_is_away_goes_out_when_it_is_back(kit: Kit) -> None:
    _, _, station = await kit.places()
    kit.downlink.is_up = False
    async with kit.region.registry.begin() as t:
        await t.stations.change(
            station.id, name="Stue 5", site_id=station.site_id, clinic_id=None, language="da", volume=70
        )
    await kit.clock.advance(5)
    assert kit.downlink.sent == []
    kit.downlink.is_up = True
    while not kit.downlink.sent:
        await kit.clock.advance(1)
    assert said(kit.downlink.sent[-1].message).body["config"]["station"] == "Stue 5"


async def test_the_api_does_what_the_pages_do(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan, accept="application/json") as browser:
        headers = {"x-csrf-token": await kit.csrf(browser)}

        async def post(path: str, body: dict, status: int = 201) -> dict:
            answer = await browser.post(f"/api{path}", json=body, headers=headers)
            assert answer.status_code == status, answer.text
            return answer.json()

        clinic, site = await post("/clinics", {"name": "Bakkens Klinik"}), await post("/sites", {"name": "Solgården"})
        station = await post("/stations", {"name": "Stue 4", "site_id": site["id"], "clinic_id": clinic["id"]})
        changed = {"clinic_id": None, "volume": 10, "language": "en"}
        patched = await browser.patch(f"/api/stations/{station['id']}", json=changed, headers=headers)
        assert (patched.json()["volume"], patched.json()["desired_version"]) == (10, 2)
        code = await post(f"/stations/{station['id']}/code", {})
        assert read_code_file(code["toml"]).station == station["id"]
        assert (await post("/sites", {"name": "Solgården"}, 409))["code"] == "conflict"
        assert (await post("/sites", {"name": "x", "colour": "red"}, 422))["code"] == "invalid"
        assert (await post("/stations/st-00000000/code", {}, 404))["code"] == "not_found"
        told = (await browser.get(f"/api/audit?station={station['id']}")).json()
    assert [row["action"] for row in told] == ["code.make", "station.change", "station.add"]
    assert told[1]["detail"] == {"changes": [
        {"field": "clinic", "before": "Bakkens Klinik", "after": ""},
        {"field": "language", "before": "da", "after": "en"},
        {"field": "volume", "before": 70, "after": 10},
    ]}  # fmt: skip


class Door:
    """The enrolment endpoint over HTTP, and a station's hands."""

    def __init__(self, kit: Kit, data: Path) -> None:
        registry, clock = kit.region.registry, kit.clock
        self.authority: CertificateAuthority = open_authority(data / "ca", clock)
        store, signer = RegistryEnrolmentStore(registry, clock), InMemorySigner(self.authority, clock)
        self.enrolment = Enrolment(store, signer, clock)
        self.service = StationService(registry, clock)
        self.codes = CodeService(registry, clock, self.enrolment, self.authority.root_sha256, Addresses())
        self.line = httpx.ASGITransport(build_est(self.enrolment, Renewals(store, signer, clock), signer, clock))
        self.http = httpx.AsyncClient(transport=self.line, base_url="https://region.test:8402")
        self.key = ec.generate_private_key(ec.SECP256R1())

    async def enrol(self, code_file: CodeFile, key: ec.EllipticCurvePrivateKey | None = None) -> httpx.Response:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code_file.station)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key or self.key, hashes.SHA256())
        body = base64.b64encode(request.public_bytes(Encoding.DER))
        return await self.http.post(f"{EST_PATH}/simpleenroll", content=body, auth=(code_file.station, code_file.code))


@pytest.fixture
async def door(kit: Kit, tmp_path: Path) -> AsyncIterator[Door]:
    door = Door(kit, tmp_path)
    yield door
    await door.http.aclose()


async def test_the_door_gives_the_same_certificate_to_the_same_key_and_none_to_another(kit: Kit, door: Door) -> None:
    _, _, station = await kit.places()
    code_file = await door.codes.make("ivan", station.id)
    first, again = await door.enrol(code_file), await door.enrol(code_file)
    assert (first.status_code, first.content) == (200, again.content)
    (certificate,) = pkcs7.load_der_pkcs7_certificates(base64.b64decode(first.content))
    assert certificate.public_key() == door.key.public_key()
    other = await door.enrol(code_file, ec.generate_private_key(ec.SECP256R1()))
    assert (other.status_code, other.json()) == (409, {"code": "code_used"})
    expires = certificate.not_valid_after_utc.timestamp()
    birth = Envelope(1, "id", "b", 1, 1.0, 1.0, "ntp", encode(Birth("sim", {}, 1, expires)))
    await ConfirmEnrolment(door.enrolment).handle(Topic(station.id, "up", "birth"), birth)
    async with kit.region.registry.read() as t:
        invitation = await t.enrolments.get(station.id)
        actions = [row.action for row in await t.audit.recent(station_id=station.id)]
    assert invitation is not None
    assert invitation.burnt is not None
    assert actions[0] == "enrolled"


async def test_the_door_refuses_what_is_wrong_and_says_only_what_helps(kit: Kit, door: Door) -> None:
    _, _, station = await kit.places()
    right = await door.codes.make("ivan", station.id)
    wrong = CodeFile(right.url, right.ca_sha256, "0" * 16, right.station, right.broker)
    refused = await door.enrol(wrong)
    assert (refused.status_code, refused.json()) == (401, {"code": "wrong_code"})
    assert refused.headers["www-authenticate"].startswith("Basic")
    for body, headers, status in (
        (b"", {}, 400), (b"not base64 at all!", {}, 400), (b"A" * 100_000, {}, 413),
        (b"AAAA", {"Authorization": "Bearer x"}, 400),
    ):  # fmt: skip
        auth = None if headers else (right.station, right.code)
        answer = await door.http.post(f"{EST_PATH}/simpleenroll", content=body, headers=headers, auth=auth)
        assert answer.status_code == status, answer.text
    kit.clock.set_wall(kit.clock.wall() + 40 * 86_400)
    assert (await door.enrol(right)).json() == {"code": "code_expired"}


async def test_guessing_at_the_door_is_held_back(kit: Kit, door: Door) -> None:
    _, _, station = await kit.places()
    code_file = await door.codes.make("ivan", station.id)
    wrong = CodeFile(code_file.url, code_file.ca_sha256, "0" * 16, code_file.station, code_file.broker)
    answers = []
    for number in range(12):  # also from one address after the other of a line
        door.line.client = (f"2001:db8::{number:x}", 1)
        answers.append((await door.enrol(wrong)).status_code)
    assert answers == [401] * 10 + [429] * 2
    assert int((await door.enrol(code_file)).headers["retry-after"]) > 0


async def test_the_door_shows_its_certificates(door: Door) -> None:
    answer = await door.http.get(f"{EST_PATH}/cacerts")
    assert answer.headers["content-type"].startswith("application/pkcs7-mime")
    offered = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer.content))
    assert {one.fingerprint(hashes.SHA256()).hex() for one in offered} >= {door.authority.root_sha256}


async def test_the_door_tells_whoever_asks_the_time_signed_for_that_question(kit: Kit, door: Door) -> None:
    nonce, roots = "0f" * 16, [one for one in door.authority.chain if one.issuer == one.subject]
    answer = await door.http.get(f"{TIME_PATH}/{nonce}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert read_moment(answer.content, nonce=nonce, roots=roots) == kit.clock.wall()
    for wrong in ("0f" * 15, "0F" * 16, "%2e%2e"):
        assert (await door.http.get(f"{TIME_PATH}/{wrong}")).status_code == 400


async def test_a_home_full_of_stations_is_told_the_time_and_who_asks_on_and_on_is_held_back(door: Door) -> None:
    answers = [await door.http.get(f"{TIME_PATH}/{'0f' * 16}") for _ in range(260)]
    told = [answer.status_code for answer in answers]
    assert told[:120] == [200] * 120
    assert told[-1] == 429
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_clinics_new_number_reaches_all_its_stations(kit: Kit, door: Door) -> None:
    clinic, site, station = await kit.places()
    other = await door.service.add_station("ivan", Settings("Room 5", site.id, clinic.id, "da", 70))
    await door.service.change_clinic("ivan", clinic.id, clinic.name, "87 65 43 21")
    async with kit.region.registry.read() as t:
        versions = {s.id: (s.desired_version, s.phone) for s in await t.stations.all()}
    assert versions == {station.id: (2, "87 65 43 21"), other.id: (2, "87 65 43 21")}


async def test_it_shuts_a_station_out_on_its_page_and_lets_it_in_again(kit: Kit) -> None:
    _, _, station = await kit.places()
    person = await kit.person("ivan", "it_admin")
    async with kit.signed_in(person) as browser:
        form = {"csrf": await kit.csrf(browser)}
        assert (await browser.post(f"/stations/{station.id}/revoke", data={**form, "why": "stolen"})).status_code == 303
        page = (await browser.get(f"/stations/{station.id}")).text
        assert 'role="alert"' in page
        assert "shut out for good" in page
        assert (await browser.post(f"/stations/{station.id}/release", data=form)).status_code == 303
        assert "shut out for good" not in (await browser.get(f"/stations/{station.id}")).text.split('id="history"')[0]


async def test_nobody_but_it_may_shut_a_station_out(kit: Kit) -> None:
    clinic, _, station = await kit.places()
    person = await kit.person("anna", "clinician", clinic)
    async with kit.signed_in(person) as browser:
        form = {"csrf": await kit.csrf(browser), "why": "other"}
        assert (await browser.post(f"/stations/{station.id}/revoke", data=form)).status_code == 403
    async with kit.region.registry.read() as t:
        assert (await t.stations.get(station.id)).admission == "admitted"
