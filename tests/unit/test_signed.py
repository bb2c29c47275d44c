"""Signed words: what comes back as it was said, and every way of saying something in the region's name that fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from messaging import jws as form
from messaging import signed
from messaging.command import LONGEST_S, Reboot, Volume, read_order
from messaging.envelope import MAX_BYTES, Sealer, open_envelope
from messaging.errors import (
    AlteredWord,
    ExpiredWord,
    ForeignWord,
    MalformedMessage,
    MessageError,
    OversizedMessage,
    Unsigned,
)
from messaging.jws import MOST_BYTES
from messaging.signed import CLOCK_TOLERANCE_S, MOST_CLAIMS, Word, carried, read_word, written
from provisioning.authority import certificates
from provisioning.authority.certificates import CLIENT, SERVER, SIGNING, Issuer
from tests.kits.clock import ManualClock
from tests.kits.trust.signing import Forger, SigningKit

STATION = "st-k3m9q2x7"
OTHER = "st-00000002"
CLOCK = ManualClock()
NOW = CLOCK.wall()
KIT = SigningKit(CLOCK)
CONFIG = {"clinic": "Lægehuset", "volume": 30}
DESIRED = Word("desired", STATION, NOW, {"config": CONFIG}, version=3)
COMMAND = Word("command", STATION, NOW, {}, NOW + 600, cid="a1b2c3d4e5f6a7b8", type="reboot")
JWS = KIT.jws(DESIRED)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_BODIES = st.dictionaries(st.text(max_size=20), _JSON, max_size=5)


def read(jws: bytes, **changes: Any) -> Word:
    how: dict[str, Any] = {
        "kind": "desired", "station": STATION, "roots": KIT.roots, "wall": NOW, "clock_trusted": True, **changes,
    }  # fmt: skip
    return read_word(jws, **how)


def _b64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _open(part: bytes) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    return data


def _shut(data: object) -> bytes:
    return _b64(json.dumps(data).encode())


def _stations() -> Issuer:
    return KIT.authority._held.stations


def _services() -> Issuer:
    return KIT.authority._held.services


def forger(issuer: Issuer | None = None, **how: Any) -> Forger:
    """Under the region's own authority for signers, unless another is named."""
    return Forger(CLOCK, issuer or _services(), **how)


# --- what is said is what is read ---


@given(_BODIES, st.integers(1, 2**53))
def test_a_word_is_read_as_it_was_said(body: dict[str, Any], version: int) -> None:
    word = replace(DESIRED, body=body, version=version)
    assert read(KIT.jws(word)) == word


def test_a_command_is_read_as_it_was_said() -> None:
    volume = SigningKit(CLOCK).command(STATION, "a1b2c3d4e5f6a7b8", Volume(40))
    word = read(carried(volume), kind="command")
    assert (word.cid, word.type, word.expires) == ("a1b2c3d4e5f6a7b8", "volume", NOW + 600)
    assert read_order("volume", word.body) == Volume(40)


def test_a_word_travels_in_an_envelope_that_holds_the_largest() -> None:
    filler = {"x": "y" * (MOST_CLAIMS - 200)}
    word = replace(DESIRED, body={"config": filler})
    payload = Sealer(CLOCK.monotonic, CLOCK.wall).seal(signed.carry(KIT.jws(word)))
    assert len(payload) <= MAX_BYTES
    assert read(carried(open_envelope(payload).data)) == word
    with pytest.raises(OversizedMessage):
        signed.claims(replace(DESIRED, body={"config": {"x": "y" * MOST_CLAIMS}}))


def test_a_second_root_is_as_good_as_the_first() -> None:
    other = certificates.root("Another root", certificates.validity(NOW, timedelta(days=9)))
    assert read(JWS, roots=(other.certificate, *KIT.roots)) == DESIRED


def test_a_word_outlives_its_signer() -> None:
    assert read(JWS, wall=NOW + 300 * 86_400) == DESIRED


# --- altered, unsigned, signed otherwise ---


@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_bit_anywhere_makes_it_another_word(part: int) -> None:
    parts = JWS.split(b".")
    plain = base64.urlsafe_b64decode(parts[part] + b"=" * (-len(parts[part]) % 4))
    for place in range(0, len(plain), 7):
        changed = bytearray(plain)
        changed[place] ^= 1
        forged = b".".join([*parts[:part], _b64(bytes(changed)), *parts[part + 1 :]])
        with pytest.raises(MessageError):
            read(forged)


def test_what_was_changed_is_altered_and_says_nothing_of_what_it_said() -> None:
    head, text, signature = JWS.split(b".")
    forged = b".".join((head, _shut({**_open(text), "version": 4}), signature))
    with pytest.raises(AlteredWord) as refused:
        read(forged)
    assert refused.value.code == "altered"
    assert "Lægehuset" not in str(refused.value)


def test_a_signature_of_another_word_is_no_signature_of_this() -> None:
    head, text, _ = JWS.split(b".")
    other = KIT.jws(replace(DESIRED, version=9)).split(b".")[2]
    with pytest.raises(AlteredWord):
        read(b".".join((head, text, other)))
    with pytest.raises(AlteredWord):
        read(b".".join((head, text, _b64(bytes(64)))))
    with pytest.raises(AlteredWord):
        read(b".".join((head, text, _b64(b"\xff" * 64))))


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES384", "ES512", "RS256", "", None, 7])
def test_no_other_algorithm_is_taken_whatever_the_header_says(alg: object) -> None:
    head, text, signature = JWS.split(b".")
    header = {**_open(head), "alg": alg}
    for last in (signature, b"", _b64(b"x")):
        with pytest.raises(Unsigned):
            read(b".".join((_shut(header), text, last)))


def test_the_signer_s_public_key_is_no_secret_to_sign_with() -> None:
    head, text, _ = JWS.split(b".")
    header = {**_open(head), "alg": "HS256"}
    key = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0])).public_key()
    secret = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing_input = _shut(header) + b"." + text
    code = hmac.digest(secret, signing_input, hashlib.sha256)
    with pytest.raises(Unsigned):
        read(signing_input + b"." + _b64(code + bytes(32)))


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "JWT"}, {"typ": None}, {"x5c": []}, {"x5c": None}, {"x5c": ["not base64!"]}, {"x5c": ["AAAA"]},
        {"x5c": [7]}, {"x5c": "AAAA"}, {"crit": ["exp"]}, {"jwk": {}}, {"jku": "https://evil.example"}, {"kid": "1"},
    ],
)  # fmt: skip
def test_a_header_with_more_less_or_other_is_none_of_ours(change: dict[str, object]) -> None:
    head, text, signature = JWS.split(b".")
    with pytest.raises(Unsigned):
        read(b".".join((_shut({**_open(head), **change}), text, signature)))


def test_a_chain_is_bounded() -> None:
    head, text, signature = JWS.split(b".")
    header = _open(head)
    with pytest.raises(Unsigned):
        read(b".".join((_shut({**header, "x5c": header["x5c"] * 2}), text, signature)))


@pytest.mark.parametrize(
    "data", [{}, {"jws": None}, {"jws": 7}, {"jws": ["x"]}, {"jws": "ø"}, {"version": 3, "config": CONFIG}]
)
def test_an_envelope_with_nothing_signed_in_it_is_unsigned(data: dict[str, Any]) -> None:
    with pytest.raises(Unsigned):
        carried(data)


def test_what_stands_beside_a_word_does_not_count() -> None:
    assert read(carried({"version": 99, "config": {}, "jws": JWS.decode()})) == DESIRED


def test_only_one_form_of_a_word_is_that_word() -> None:
    head, text, signature = JWS.split(b".")
    last = bytes([signature[-1]])
    other_last_bits = signature[:-1] + bytes([signature[-1] + 1])
    for forged in (JWS + b"=", b" " + JWS, JWS + b"\n", b".".join((head, text, signature, b"")), head + b"." + text,
                   b".".join((head, text[:5] + b"!" + text[5:], signature)), b".".join((head, b"", signature)),
                   b".".join((head, text, other_last_bits))):  # fmt: skip
        with pytest.raises(Unsigned):
            read(forged)
    assert last in b"AQgw", "the last letter holds four bits that say nothing"


# --- signed, and not by the region's signer ---


def test_another_region_s_signer_is_a_stranger() -> None:
    root = certificates.root("Laegeknap root", certificates.validity(NOW, timedelta(days=9)))
    services = certificates.intermediate(
        "Laegeknap services", certificates.validity(NOW, timedelta(days=9)), root, (SERVER, CLIENT, SIGNING)
    )
    with pytest.raises(ForeignWord) as refused:
        read(forger(services).jws(DESIRED))
    assert refused.value.code == "foreign"
    stranger = forger(services)
    stranger.chain = (stranger.certificate, services.certificate, root.certificate)
    with pytest.raises(ForeignWord):
        read(stranger.jws(DESIRED))
    assert read(stranger.jws(DESIRED), roots=(root.certificate,)) == DESIRED


def test_a_forger_who_shows_the_true_chain_has_not_its_key() -> None:
    head = JWS.split(b".")[0]
    with pytest.raises(AlteredWord):
        read(written(DESIRED, certificates.new_key(), head))


def test_a_station_s_certificate_does_not_sign() -> None:
    key = certificates.new_key()
    period = certificates.validity(NOW, timedelta(days=45))
    leaf = certificates.leaf(STATION, key.public_key(), period, _stations(), CLIENT)
    with pytest.raises(ForeignWord):
        read(written(DESIRED, key, signed.header_of((leaf, _stations().certificate))))


def test_the_stations_authority_cannot_make_a_signer() -> None:
    with pytest.raises(ForeignWord):
        read(forger(_stations()).jws(DESIRED))


@pytest.mark.parametrize("usage", [SERVER, CLIENT])
def test_a_server_s_or_client_s_certificate_of_the_region_does_not_sign(usage: x509.ObjectIdentifier) -> None:
    key = certificates.new_key()
    period = certificates.validity(NOW, timedelta(days=45))
    leaf = certificates.leaf("region", key.public_key(), period, _services(), usage)
    with pytest.raises(ForeignWord):
        read(written(DESIRED, key, signed.header_of((leaf, _services().certificate))))


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
ANY_USAGE = x509.ObjectIdentifier("2.5.29.37.0")


@pytest.mark.parametrize("usages", [(), (SIGNING, CLIENT), (SERVER, SIGNING), (ANY_USAGE,), (SIGNING, SIGNING)])
def test_a_signer_is_for_signing_and_nothing_else(usages: tuple[x509.ObjectIdentifier, ...]) -> None:
    assert read(forger().jws(DESIRED)) == DESIRED
    with pytest.raises(ForeignWord):
        read(forger(usages=usages).jws(DESIRED))


@pytest.mark.parametrize(
    "changes",
    [{"ca": True}, {"digital_signature": False}, {"extension": UNKNOWN}],
)  # fmt: skip
def test_a_signer_s_certificate_is_held_to_its_form(changes: dict[str, Any]) -> None:
    with pytest.raises(ForeignWord):
        read(forger(**changes).jws(DESIRED))


def test_a_signer_is_no_authority() -> None:
    signer = forger()
    below = forger(Issuer(signer.certificate, signer.key))
    below.chain = (below.certificate, signer.certificate, _services().certificate)
    with pytest.raises(ForeignWord):
        read(below.jws(DESIRED))


def test_an_intermediate_below_an_intermediate_is_one_too_many() -> None:
    third = certificates.intermediate("third", certificates.validity(NOW, timedelta(days=9)), _services(), (SIGNING,))
    below = forger(third)
    below.chain = (below.certificate, third.certificate, _services().certificate)
    with pytest.raises(ForeignWord):
        read(below.jws(DESIRED))


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1(), ec.SECP521R1()])
def test_another_curve_is_not_taken(curve: ec.EllipticCurve) -> None:
    signer = forger(key=ec.generate_private_key(curve))
    signing_input = signed.header_of(signer.chain) + b"." + _b64(signed.claims(DESIRED))
    with pytest.raises(ForeignWord):
        read(signing_input + b"." + _b64(b"\1" * 64))


def test_without_the_intermediate_or_with_none_trusted_nothing_leads_up() -> None:
    alone = forger()
    alone.chain = (alone.certificate,)
    for roots in (KIT.roots, ()):
        with pytest.raises(ForeignWord):
            read(alone.jws(DESIRED), roots=roots)
    with pytest.raises(ForeignWord):
        read(JWS, roots=())


# --- for another, of another time ---


def test_a_word_for_another_station_or_purpose_is_foreign() -> None:
    with pytest.raises(ForeignWord, match="another station"):
        read(JWS, station=OTHER)
    with pytest.raises(ForeignWord, match="another purpose"):
        read(JWS, kind="command")
    with pytest.raises(ForeignWord, match="another purpose"):
        read(KIT.jws(COMMAND))


def test_a_signer_whose_certificate_had_ended_or_not_begun_signed_nothing() -> None:
    for begins, ends in ((NOW - 900, NOW - 300), (NOW + 300, NOW + 900)):
        for trusted in (True, False):
            with pytest.raises(ExpiredWord):
                read(forger(begins=begins, ends=ends).jws(DESIRED), clock_trusted=trusted)


def test_a_word_counts_until_it_expires_by_a_clock_that_is_trusted() -> None:
    jws = KIT.jws(COMMAND)
    assert read(jws, kind="command", wall=NOW + 600) == COMMAND
    with pytest.raises(ExpiredWord) as refused:
        read(jws, kind="command", wall=NOW + 601)
    assert refused.value.code == "expired"
    assert read(jws, kind="command", wall=NOW + 601, clock_trusted=False) == COMMAND


def test_a_word_of_the_future_waits_for_it_except_for_what_clocks_differ() -> None:
    assert read(JWS, wall=NOW - CLOCK_TOLERANCE_S) == DESIRED
    with pytest.raises(ExpiredWord):
        read(JWS, wall=NOW - CLOCK_TOLERANCE_S - 1)
    assert read(JWS, wall=0.0, clock_trusted=False) == DESIRED


# --- what can be said at all ---


@pytest.mark.parametrize(
    "changes",
    [
        {"version": None}, {"cid": "a1b2c3d4e5f6a7b8"}, {"type": "reboot"}, {"station": "region"},
        {"station": "st-+#/2345"}, {"expires": NOW}, {"expires": NOW - 1}, {"expires": NOW + LONGEST_S + 1},
    ],
)  # fmt: skip
def test_a_desired_config_that_is_none_cannot_even_be_said(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        replace(DESIRED, **changes)


@pytest.mark.parametrize(
    "changes", [{"version": 1}, {"cid": None}, {"type": None}, {"expires": None}, {"cid": None, "type": None}]
)
def test_a_command_that_is_none_cannot_even_be_said(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        replace(COMMAND, **changes)


@pytest.mark.parametrize(
    "body", [{"x": float("nan")}, {"x": float("inf")}, {"x": "\ud800"}, {"x": {1, 2}}, {"x": b"y"}]
)
def test_what_is_no_json_is_not_signed(body: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        signed.claims(replace(DESIRED, body=body))


def test_what_is_nested_too_deep_is_not_signed() -> None:
    deep: dict[str, Any] = {}
    for _ in range(30):
        deep = {"x": deep}
    with pytest.raises(MalformedMessage):
        signed.claims(replace(DESIRED, body=deep))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0}, {"version": 1.5}, {"version": "3"}, {"version": True}, {"version": 2**60}, {"station": 7},
        {"issued": -1}, {"issued": "now"}, {"issued": 1e300}, {"body": []}, {"body": None}, {"kind": "order"},
        {"kind": None}, {"body": {str(n): n for n in range(65)}}, {"cid": "A1B2C3D4E5F6A7B8"},
    ],
)  # fmt: skip
def test_a_true_signature_under_what_is_no_word_makes_it_none(change: dict[str, Any]) -> None:
    signer = forger()
    data = {**_open(JWS.split(b".")[1]), **change}
    signing_input = signed.header_of(signer.chain) + b"." + _shut(data)
    signature = signer.key.sign(signing_input, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(MessageError):
        read(form.assembled(signing_input, signature))


# --- garbage ---


def test_what_is_too_large_is_not_even_looked_at() -> None:
    with pytest.raises(OversizedMessage):
        read(JWS + b"A" * MOST_BYTES)


@given(st.binary(max_size=300))
def test_garbage_is_refused(payload: bytes) -> None:
    with pytest.raises(MessageError):
        read(payload)


@given(st.lists(st.binary(max_size=120), min_size=3, max_size=3))
def test_garbage_in_the_form_of_a_word_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(MessageError):
        read(b".".join(_b64(part) for part in parts))


@given(st.dictionaries(st.sampled_from(["alg", "typ", "x5c", "crit"]), _JSON | st.just("ES256") | st.just(signed.TYPE)))
def test_a_header_of_garbage_is_refused(header: dict[str, Any]) -> None:
    _, text, signature = JWS.split(b".")
    with pytest.raises(MessageError):
        read(b".".join((_shut(header), text, signature)))


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")  # damaged, as it was to be
@given(st.data())
def test_a_damaged_certificate_is_refused(data: st.DataObject) -> None:
    head, text, signature = JWS.split(b".")
    header = _open(head)
    which = data.draw(st.sampled_from([0, 1]))
    der = bytearray(base64.b64decode(header["x5c"][which]))
    der[data.draw(st.integers(0, len(der) - 1))] ^= data.draw(st.integers(1, 255))
    header["x5c"][which] = base64.b64encode(bytes(der)).decode()
    with pytest.raises(MessageError):
        read(b".".join((_shut(header), text, signature)))


@given(_JSON)
def test_no_envelope_of_garbage_is_more_than_unsigned(data: Any) -> None:
    try:
        jws = carried({"jws": data})
    except Unsigned:
        return
    with pytest.raises(MessageError):
        read(jws)


def test_the_reboot_of_another_station_is_none_of_ours() -> None:
    theirs = carried(KIT.command(OTHER, "a1b2c3d4e5f6a7b8", Reboot()))
    assert read(theirs, kind="command", station=OTHER).type == "reboot"
    with pytest.raises(ForeignWord):
        read(theirs, kind="command")
