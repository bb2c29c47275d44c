"""The certificate authority: made once and whole, and nothing it issues can pass for something else."""

from __future__ import annotations

import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from messaging.clock import SystemClock
from provisioning.authority.ca import CertificateAuthority, Issued
from provisioning.authority.errors import AuthorityUnusable
from provisioning.authority.request import StationRequest, read_request
from provisioning.authority.vault import open_authority
from tests.kits.clock import ManualClock
from tests.kits.trust.enrolment_store import make_request

NOW = 1_800_000_000.0
MOMENT = datetime.fromtimestamp(NOW, UTC)
STATION = "st-k3m9q2x7"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return open_authority(tmp_path_factory.mktemp("authority") / "ca", ManualClock(wall=NOW))


def _request() -> StationRequest:
    return read_request(make_request())


def _verify_server(authority: CertificateAuthority, certificate: x509.Certificate, host: str) -> None:
    root, *intermediates = authority.chain
    builder = PolicyBuilder().store(Store([root])).time(MOMENT)
    builder.build_server_verifier(x509.DNSName(host)).verify(certificate, intermediates)


def _first(issued: Issued) -> x509.Certificate:
    return x509.load_pem_x509_certificates(issued.certificate_pem)[0]


def test_a_second_start_finds_the_authority_of_the_first(tmp_path: Path) -> None:
    first = open_authority(tmp_path / "ca", ManualClock(wall=NOW))
    again = open_authority(tmp_path / "ca", ManualClock(wall=NOW + 1000))
    assert again.root_sha256 == first.root_sha256
    assert again.trust_bundle() == first.trust_bundle()


def test_an_empty_directory_made_beforehand_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    assert len(open_authority(tmp_path / "ca", ManualClock(wall=NOW)).root_sha256) == 64


def test_keys_are_readable_by_their_owner_alone_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    open_authority(tmp_path / "ca", ManualClock(wall=NOW))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "ca").iterdir()}
    assert {name: mode for name, mode in modes.items() if name.endswith("-key.pem")} == {
        "root-key.pem": 0o600,
        "stations-key.pem": 0o600,
        "services-key.pem": 0o600,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["ca"]


def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("provisioning.authority.vault.os.fsync", full)
    with pytest.raises(AuthorityUnusable, match="No space left"):
        open_authority(tmp_path / "ca", ManualClock(wall=NOW))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["root.pem", "root-key.pem", "stations.pem", "stations-key.pem", "services-key.pem"])
@pytest.mark.parametrize("damage", ["gone", "empty", "nuls", "foreign"])
def test_a_damaged_authority_is_never_replaced_by_a_new_one(tmp_path: Path, name: str, damage: str) -> None:
    directory = tmp_path / "ca"
    open_authority(directory, ManualClock(wall=NOW))
    open_authority(tmp_path / "other", ManualClock(wall=NOW))
    path = directory / name
    if (name, damage) == ("root-key.pem", "gone"):
        pytest.skip("that is a root that has been taken offline")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {"empty": b"", "nuls": bytes(400), "foreign": (tmp_path / "other" / name).read_bytes()}[damage]
        )
    before = sorted(entry.name for entry in directory.iterdir())
    with pytest.raises(AuthorityUnusable):
        open_authority(directory, ManualClock(wall=NOW))
    assert sorted(entry.name for entry in directory.iterdir()) == before


def test_an_intermediate_of_another_root_is_refused_even_with_its_own_key(tmp_path: Path) -> None:
    open_authority(tmp_path / "ca", ManualClock(wall=NOW))
    open_authority(tmp_path / "other", ManualClock(wall=NOW))
    for name in ("stations.pem", "stations-key.pem"):
        (tmp_path / "ca" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(AuthorityUnusable, match="do not belong together"):
        open_authority(tmp_path / "ca", ManualClock(wall=NOW))


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    open_authority(tmp_path / "ca", ManualClock(wall=NOW))
    (tmp_path / "ca" / "stations-key.pem").chmod(0o640)
    with pytest.raises(AuthorityUnusable, match="others may read"):
        open_authority(tmp_path / "ca", ManualClock(wall=NOW))


def test_a_station_gets_its_registry_name_for_45_days_backdated_by_a_day(authority: CertificateAuthority) -> None:
    certificate = authority.issue_station(STATION, _request())
    assert [part.value for part in certificate.subject] == [STATION]
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == STATION
    assert certificate.not_valid_before_utc == MOMENT - timedelta(hours=24)
    assert certificate.not_valid_after_utc == MOMENT + timedelta(days=45)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_a_station_s_chain_leads_to_the_root_by_the_stations_intermediate(authority: CertificateAuthority) -> None:
    certificate = authority.issue_station(STATION, _request())
    root, stations, services = authority.chain
    certificate.verify_directly_issued_by(stations)
    stations.verify_directly_issued_by(root)
    with pytest.raises(ValueError, match="ssuer"):
        certificate.verify_directly_issued_by(services)


@pytest.mark.parametrize(
    "name", ["region", "", "short", "UPPER-CASE-1", "st/../../x", "st-+abcdefg", "st-#abcdefg", "x" * 41]
)
def test_a_name_that_is_no_station_s_gets_no_station_certificate(authority: CertificateAuthority, name: str) -> None:
    with pytest.raises(ValueError, match="not a station id"):
        authority.issue_station(name, _request())


def test_no_service_may_carry_a_station_s_name(authority: CertificateAuthority) -> None:
    with pytest.raises(ValueError, match="station"):
        authority.issue_client(STATION)


def test_a_server_s_certificate_names_its_hosts(authority: CertificateAuthority) -> None:
    certificate = _first(authority.issue_server("broker", ["region.example", "127.0.0.1", "::1"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["region.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    _verify_server(authority, certificate, "region.example")


def test_a_server_without_a_host_is_refused(authority: CertificateAuthority) -> None:
    with pytest.raises(ValueError, match="host"):
        authority.issue_server("broker", [])


def test_a_service_comes_with_key_and_chain_that_tls_takes(authority: CertificateAuthority, tmp_path: Path) -> None:
    issued = authority.issue_client("region")
    (tmp_path / "c.pem").write_bytes(issued.certificate_pem)
    (tmp_path / "k.pem").write_bytes(issued.key_pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    assert len(x509.load_pem_x509_certificates(issued.certificate_pem)) == 2


def test_a_station_can_never_stand_as_a_server(authority: CertificateAuthority) -> None:
    with pytest.raises(VerificationError):
        _verify_server(authority, authority.issue_station(STATION, _request()), STATION)
    usages = authority.chain[1].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_authorities_may_sign_and_nothing_below_the_intermediates_may(authority: CertificateAuthority) -> None:
    lengths = [c.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length for c in authority.chain]
    assert lengths == [1, 0, 0]


def test_an_authority_that_certifies_signers_may_make_signatures_as_brokers_in_erlang_demand(
    authority: CertificateAuthority,
) -> None:
    """Of two extensions that both tell of a key's use, only what both allow counts (RFC 5280, 4.2.1.12)."""
    for one in authority.chain[1:]:
        purposes = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        use = one.extensions.get_extension_for_class(x509.KeyUsage).value
        assert use.digital_signature == (ExtendedKeyUsageOID.CODE_SIGNING in purposes)
        assert use.key_cert_sign
        assert use.crl_sign


def _contexts(authority: CertificateAuthority, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(server, client): a broker and a station as OpenSSL sees them, held to RFC 5280 as Python 3.13 does."""
    issued = authority.issue_server("broker", ["localhost"])
    (folder / "server.pem").write_bytes(issued.certificate_pem)
    (folder / "server-key.pem").write_bytes(issued.key_pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
    server.load_verify_locations(cadata=authority.trust_bundle().decode())
    root = authority.chain[0].public_bytes(Encoding.PEM).decode()
    client = ssl.create_default_context(cadata=root)
    for context in (server, client):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    return server, client


def _load(context: ssl.SSLContext, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, path: Path) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    context.load_cert_chain(path)


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """The name of the client as the server sees it, after a handshake in memory; ssl.SSLError if either refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    ]
    for _ in range(10):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    subject = ends[0].getpeercert()["subject"]  # type: ignore[index]
    return str(dict(row[0] for row in subject)["commonName"])  # type: ignore[arg-type, misc]


def test_broker_and_station_shake_hands_by_the_strictest_rules(tmp_path: Path) -> None:
    authority = open_authority(tmp_path / "ca", SystemClock())
    server, client = _contexts(authority, tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    _load(client, authority.issue_station(STATION, read_request(make_request(key))), key, tmp_path / "station.pem")
    assert _shake_hands(server, client) == STATION


def test_a_station_s_certificate_is_no_server_s_to_openssl_either(tmp_path: Path) -> None:
    authority = open_authority(tmp_path / "ca", SystemClock())
    server, client = _contexts(authority, tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue_station(STATION, read_request(make_request(key)))
    _load(server, certificate, key, tmp_path / "station.pem")
    client.check_hostname = False
    client.load_verify_locations(cadata=authority.trust_bundle().decode())
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        _shake_hands(server, client)


def test_a_stranger_s_certificate_does_not_open_the_broker(tmp_path: Path) -> None:
    authority = open_authority(tmp_path / "ca", SystemClock())
    stranger = open_authority(tmp_path / "stranger", SystemClock())
    server, client = _contexts(authority, tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    _load(client, stranger.issue_station(STATION, read_request(make_request(key))), key, tmp_path / "station.pem")
    with pytest.raises(ssl.SSLError):
        _shake_hands(server, client)


def test_the_trust_bundle_is_what_a_broker_can_load(authority: CertificateAuthority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_verify_locations(cadata=authority.trust_bundle().decode())
    assert context.cert_store_stats()["x509_ca"] == 3


def test_an_authority_near_its_end_says_so_rather_than_issue_what_nobody_can_verify(tmp_path: Path) -> None:
    open_authority(tmp_path / "ca", ManualClock(wall=NOW))
    late = open_authority(tmp_path / "ca", ManualClock(wall=NOW + 15 * 365 * 86_400))
    with pytest.raises(AuthorityUnusable, match="region ca rotate"):
        late.issue_station(STATION, _request())


def test_two_certificates_never_share_a_serial(authority: CertificateAuthority) -> None:
    request = _request()
    serials = {authority.issue_station(STATION, request).serial_number for _ in range(5)}
    assert len(serials) == 5


def test_the_request_s_key_is_the_certificate_s(authority: CertificateAuthority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue_station(STATION, read_request(make_request(key, name="region")))
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == f"CN={STATION}"
