"""The logout token: what it has to say to be taken, whatever else the provider's keys have signed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from region.web.errors import RegionSignInFailed
from region.web.oidc.id_token import SKEW_S, UnknownKey, key_set, signed
from region.web.oidc.logout_token import EVENT, Logout, logout_of
from tests.kits.region.oidc import SigningKey

NOW = 1_800_000_000.0
ISSUER, CLIENT = "https://login.region.test/staff", "laegeknap"
GOOD: dict[str, Any] = {
    "iss": ISSUER, "aud": CLIENT, "iat": NOW, "exp": NOW + 120, "jti": "t1", "sub": "sara", "sid": "s1",
    "events": {EVENT: {}},
}  # fmt: skip
KEY = SigningKey("one")
KEYS = key_set({"keys": [KEY.jwk()]})


def judged(claims: dict[str, Any], header: dict[str, Any] | None = None, now: float = NOW) -> Logout:
    return logout_of(header or {"alg": "ES256"}, claims, issuer=ISSUER, client_id=CLIENT, now=now)


def test_one_that_is_well_says_whose_sessions_are_over() -> None:
    told = Logout(ISSUER, "sara", "s1", "t1", NOW + 120 + SKEW_S)
    assert judged(GOOD) == told
    assert judged(GOOD | {"aud": ["another", CLIENT]}) == told
    for typ in ("logout+jwt", "LOGOUT+JWT", "application/logout+jwt", "JWT"):
        assert judged(GOOD, {"typ": typ}) == told


def test_clocks_may_be_apart_by_so_much_and_no_more() -> None:
    for now in (NOW - SKEW_S, NOW + 120 + SKEW_S - 1):
        assert judged(GOOD, now=now).jti == "t1"
    for now, name in ((NOW - SKEW_S - 1, "iat"), (NOW + 120 + SKEW_S, "exp")):
        with pytest.raises(RegionSignInFailed, match=name) as failed:
            judged(GOOD, now=now)
        assert failed.value.reason == "clock"


_odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("x" * 256),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just(EVENT), inner, max_size=3)
    ),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=120)
@given(st.dictionaries(st.sampled_from([*GOOD, "nonce", "azp"]), _odd, max_size=4), st.sets(st.sampled_from([*GOOD])))
def test_whatever_is_signed_is_a_logout_of_ours_or_refused(changed: dict[str, Any], gone: set[str]) -> None:
    claims = {name: value for name, value in (GOOD | changed).items() if name not in gone}
    try:
        logout = judged(claims)
    except RegionSignInFailed as failed:
        assert failed.reason in ("clock", "not_genuine")
        return
    assert "nonce" not in claims
    assert claims["iss"] == logout.issuer == ISSUER
    assert CLIENT in (claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]])
    assert (logout.subject, logout.sid) == (claims.get("sub"), claims.get("sid")) != (None, None)
    assert claims["iat"] <= NOW + SKEW_S
    assert NOW < logout.remembered_until == claims["exp"] + SKEW_S
    assert logout.jti.encode() == claims["jti"].encode() != b""


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_part = st.one_of(
    st.text(max_size=40), st.binary(max_size=40).map(_encoded),
    _odd.map(lambda one: _encoded(json.dumps(one).encode())),
    st.sampled_from(["[", '{"a":']).map(lambda one: _encoded(one.encode() * 6000)),
    st.fixed_dictionaries({"alg": _odd | st.sampled_from(["none", "ES256", "HS256"])}, optional={
        "kid": _odd, "crit": _odd, "b64": _odd, "jwk": _odd, "typ": _odd, "zip": _odd, "enc": _odd,
    }).map(lambda one: _encoded(json.dumps(one).encode())),
)  # fmt: skip


@settings(max_examples=120)
@given(st.lists(_part, min_size=1, max_size=6).map(".".join))
def test_whatever_is_sent_that_none_of_the_keys_has_signed_is_refused(token: str) -> None:
    with pytest.raises((RegionSignInFailed, UnknownKey)):
        signed(token, KEYS)


@settings(max_examples=25)
@given(st.dictionaries(st.text(max_size=5), _odd, max_size=3))
def test_what_a_key_has_signed_is_read_as_it_is(claims: dict[str, Any]) -> None:
    told = signed(KEY.sign(claims, typ="logout+jwt"), KEYS)
    assert told.header["typ"] == "logout+jwt"
    assert json.dumps(told.claims, sort_keys=True) == json.dumps(claims, sort_keys=True)
