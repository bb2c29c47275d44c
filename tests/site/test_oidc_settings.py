"""What the file of `--oidc` may say, what groups make of somebody, and what a browser's try is known by."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.errors import MalformedMessage
from region.cli import main
from region.errors import Usage
from region.registry.records import Role
from region.serving.options import ServeOptions
from region.web.errors import RegionSignInFailed
from region.web.oidc.attempt import Attempt, unpacked
from region.web.oidc.fetch import HttpsFetch
from region.web.oidc.mapping import granted, identity_of
from region.web.oidc.settings import Grant, is_safe, read_settings, settings_of
from tests.kits.region.oidc import GRANTS, ISSUER, oidc_settings

FILE = """
issuer = "https://login.region.example/realms/staff"
client_id = "laegeknap"
client_secret_file = "secret"
label = "Region Nord"

[[grant]]
group = "laegeknap-it"
role = "it_admin"

[[grant]]
group = "solgaarden"
role = "site_staff"
sites = ["Solgården"]
"""


def test_the_file_is_read_with_the_secret_beside_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" very secret \n")
    (tmp_path / "oidc.toml").write_text(FILE)
    options = ServeOptions(tmp_path, oidc=tmp_path / "oidc.toml")
    options.check()
    read = options.provider()
    assert read is not None
    assert (read.label, read.client_secret) == ("Region Nord", "very secret")
    assert read.grant[1] == Grant("solgaarden", "site_staff", sites=("Solgården",))
    assert ServeOptions(tmp_path).provider() is None


@pytest.mark.parametrize(("file", "words"), [
    (FILE.replace('"secret"', '"elsewhere"'), "client_secret_file: cannot be read"),
    (FILE.replace("client_secret_file", "client_secret"), "a file of its own"),
    (FILE.replace("https:", "http:"), "issuer: expected an address that begins with https"),
    (FILE.replace('"it_admin"', '"root"'), "role: expected one of"),
    (FILE.replace('"it_admin"', '"clinician"'), "grant 1 (laegeknap-it): clinic"),
    (FILE.replace('sites = ["Solgården"]', ""), "grant 2 (solgaarden): site"),
    (FILE.replace("sites", "site"), "grant 2: site: there is no such setting"),
    (FILE.replace("client_id", "clientid"), "clientid: there is no such setting"),
    (FILE.replace("label", "scopes = ['profile']\\nlabel"), "openid is missing"),
    (FILE.split("[[")[0], "nobody is let in"),
    ("issuer = ", "cannot be read"),
    (FILE.replace('"it_admin"', "7"), "role"),
])  # fmt: skip
def test_what_is_wrong_in_the_file_is_said_before_the_region_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, words: str
) -> None:
    (tmp_path / "secret").write_text("very secret")
    (tmp_path / "oidc.toml").write_text(file.replace("\\n", "\n"))
    with pytest.raises(Usage, match=r"--oidc .*people\.md"):
        ServeOptions(tmp_path, oidc=tmp_path / "oidc.toml").check()
    assert main(["serve", "--data", str(tmp_path), "--oidc", str(tmp_path / "oidc.toml")]) == 2
    assert words in capsys.readouterr().err


def test_an_empty_secret_and_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    (tmp_path / "oidc.toml").write_text(FILE)
    for path in (tmp_path / "oidc.toml", tmp_path / "nowhere.toml"):
        with pytest.raises(MalformedMessage):
            read_settings(path)


@pytest.mark.parametrize(("address", "safe"), [
    ("https://a.example/x", True), ("http://127.0.0.1:8/x", True), ("http://[::1]:8/", True),
    ("http://a.example", False), ("https://", False), ("file:///etc/passwd", False), ("", False), ("https://[", False),
    ("http://127.0.0.1.evil.test/", False),
])  # fmt: skip
def test_secrets_go_by_https_or_stay_on_this_machine(address: str, safe: bool) -> None:
    assert is_safe(address) == safe


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=8,
)  # fmt: skip
_fields = st.sampled_from(["issuer", "client_id", "label", "scopes", "grant", "trusted_amr", "always_ask", "else"])


@settings(max_examples=60)
@given(st.dictionaries(_fields, _json))
def test_whatever_the_file_says_is_taken_or_refused_in_words(changes: dict[str, Any]) -> None:
    document = {"issuer": ISSUER, "client_id": "x", "label": "y", "grant": GRANTS, **changes}
    try:
        taken = settings_of(document)
    except MalformedMessage as error:
        assert str(error)
    else:
        assert is_safe(taken.issuer)
        assert taken.grant


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["sub", "preferred_username", "name", "groups", "amr", "acr"]), _json))
def test_whatever_the_provider_says_makes_somebody_with_no_more_than_was_granted(claims: dict[str, Any]) -> None:
    known = oidc_settings(trusted_amr=["mfa"])
    identity = identity_of(claims, known)
    assert identity.display_name.isprintable()
    assert len(identity.display_name) <= 80
    assert identity.name == identity.name.strip().lower()
    may = granted(known.grant, identity.groups)
    assert (may is not None) == any(grant.group in identity.groups for grant in known.grant)


_roles: list[Role] = ["it_admin", "evaluator", "site_staff"]
_grants = st.lists(
    st.builds(Grant, st.sampled_from("abcd"), st.sampled_from(_roles), st.just(""),
              st.lists(st.sampled_from(["S1", "S2", "S3"]), max_size=2).map(tuple)),
    max_size=6,
)  # fmt: skip


@given(_grants, st.frozensets(st.sampled_from("abcdx")))
def test_the_first_grant_decides_the_role_and_all_of_that_role_the_places(
    grants: list[Grant], groups: frozenset[str]
) -> None:
    may, fitting = granted(grants, groups), [grant for grant in grants if grant.group in groups]
    if may is None:
        assert fitting == []
        return
    assert may.role == fitting[0].role
    same = [set(grant.sites) for grant in fitting if grant.role == may.role]
    free = may.role == "evaluator" and set() in same
    assert set(may.sites) == (set() if free else set().union(*same))
    assert len(may.sites) == len(set(may.sites))


@given(st.text(max_size=60))
def test_a_try_comes_out_of_its_cookie_as_it_went_in(path: str) -> None:
    path = path.encode("utf-8", "replace").decode()
    attempt = Attempt.new(path)
    again = unpacked(attempt.packed())
    assert again == attempt
    assert again is not None
    assert (again.state, again.nonce, again.verifier) == (attempt.state, attempt.nonce, attempt.verifier)
    hashed = hashlib.sha256(attempt.verifier.encode()).digest()
    assert base64.urlsafe_b64decode(attempt.challenge + "=") == hashed
    assert len({attempt.state, attempt.nonce, attempt.verifier, attempt.secret}) == 4
    assert 43 <= len(attempt.verifier) <= 128  # RFC 7636, 4.1


@given(st.text(max_size=80))
def test_any_other_cookie_is_no_try(cookie: str) -> None:
    attempt = unpacked(cookie)
    assert attempt is None or len(attempt.secret) >= 32


class _Answers(http.server.BaseHTTPRequestHandler):
    """A server that answers as the path says."""

    def do_GET(self) -> None:
        """/json, /html, /huge, /moved, /refused."""
        kind = self.path.strip("/")
        self.send_response({"moved": 302, "refused": 400}.get(kind, 200))
        self.send_header("Location", "/json")
        self.end_headers()
        body = {"html": b"<html>", "huge": b'"' + b"x" * 600_000 + b'"', "deep": b"[" * 100_000}.get(kind)
        self.wfile.write(body or json.dumps({"kind": kind, "sent": self.headers["x-sent"]}).encode())

    def do_POST(self) -> None:
        """Gives back the form."""
        form = self.rfile.read(int(self.headers["content-length"])).decode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"form": form}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


async def test_json_comes_back_whatever_else_comes_does_not_and_nothing_is_followed(server: str) -> None:
    fetch = HttpsFetch()
    assert (await fetch(f"{server}/json", headers={"X-Sent": "x"})).content == {"kind": "json", "sent": "x"}
    assert (await fetch(f"{server}/", form={"a": "b c", "d": "é"})).content == {"form": "a=b+c&d=%C3%A9"}
    for path, status, content in (("html", 200, None), ("huge", 200, None), ("deep", 200, None)):
        answer = await fetch(f"{server}/{path}")
        assert (answer.status, answer.content) == (status, content), path
    for path, status in (("moved", 302), ("refused", 400)):
        assert (await fetch(f"{server}/{path}")).status == status


@pytest.mark.parametrize(("url", "reason"), [
    ("http://127.0.0.1:1/", "unreachable"), ("https://127.0.0.1:1/", "unreachable"), ("http://a.example/", "provider"),
    ("file:///etc/passwd", "provider"),
])  # fmt: skip
async def test_what_cannot_be_reached_or_may_not_be_is_told(url: str, reason: str) -> None:
    with pytest.raises(RegionSignInFailed) as failed:
        await HttpsFetch()(url)
    assert failed.value.reason == reason


def test_a_local_account_is_bound_on_the_command_line_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    for name in ("ivan", "eva"):
        main(["user", "add", name, "--role", "evaluator", *data])
    bind = ["user", "bind", "ivan", "248289761001", "--issuer", ISSUER, *data]
    assert (main(bind), main(bind)) == (0, 1)
    assert main(["user", "bind", "eva", "248289761001", "--issuer", ISSUER, *data]) == 1
    assert "somebody's already" in capsys.readouterr().err
    main(["audit", "list", *data])
    assert capsys.readouterr().out.count("user.bind") == 1
