"""What RabbitMQ is told: a station its own branch and sessions, the region its tree, anybody else nothing."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.client_ids import client_id
from messaging.topics import agent_subscriptions, call_subscriptions, down, region_subscriptions, up
from region.broker import access_rules, shut_out_by, write_access
from region.broker_access import QUESTIONS, allows, build_access

STATION, OTHER = "st-k3m9q2x7", "st-k3m9q2x7-agent"  # the second begins like the first, as its client ids do
AGENT, STRANGER = client_id(STATION, "agent", b"key"), client_id(OTHER, "call", b"another key")
NAMES = st.from_regex(r"[a-z0-9-]{8,40}", fullmatch=True)


def as_rabbit(topic: str) -> str:
    """MQTT's topic as RabbitMQ asks of it."""
    return topic.replace("/", ".").replace("+", "*")


def topic(name: str, permission: str, filter_: str) -> bool:
    asked = {"username": name, "resource": "topic", "name": "amq.topic", "permission": permission}
    return allows("topic", {**asked, "routing_key": as_rabbit(filter_)}, ())


def resource(kind: str, name: str, permission: str = "write") -> bool:
    return allows("resource", {"username": STATION, "resource": kind, "name": name, "permission": permission}, ())


def test_a_station_says_and_hears_all_that_it_must() -> None:
    assert all(topic(STATION, "read", one) for one in (*agent_subscriptions(STATION), *call_subscriptions(STATION)))
    said = [up(STATION, "conn", "agent"), up(STATION, "birth"), up(STATION, "reported"), up(STATION, "call", "c1")]
    assert all(topic(STATION, "write", one) for one in said)


@pytest.mark.parametrize(
    ("permission", "text"),
    [
        ("read", up(STATION, "birth")),
        ("write", down(STATION, "desired")),
        ("read", down(OTHER, "desired")),
        ("write", up(OTHER, "birth")),
        ("read", "#"),
        ("read", "vs/1/d/#"),
        ("read", "vs/1/d/+/dn/#"),
        ("read", f"vs/1/d/{STATION}/#"),
        ("write", f"vs/1/d/{STATION}/up"),
        ("write", f"vs/1/d/{STATION}/up/m/made-up"),
        ("write", f"vs/1/d/{STATION}/up/conn/agent/more"),
        ("write", f"vs/1/d/{STATION}/up/#"),
        ("configure", up(STATION, "birth")),
    ],
)
def test_a_station_s_branch_ends_where_another_s_or_the_region_s_begins(permission: str, text: str) -> None:
    assert not topic(STATION, permission, text)


@given(NAMES, st.sampled_from(("read", "write")), st.text(alphabet="vs1d.upn*#-k3m9q2x7t", max_size=60))
def test_whatever_a_station_asks_for_is_below_its_own_name(name: str, permission: str, key: str) -> None:
    asked = {"username": name, "permission": permission, "routing_key": key}
    if allows("topic", asked, ()):
        assert key.split(".")[:4] == ["vs", "1", "d", name]


def test_the_region_has_the_whole_tree_and_nothing_beside_it() -> None:
    assert topic("region", "read", region_subscriptions()[0])
    assert topic("region", "write", down(STATION, "desired"))
    assert not topic("region", "read", "#")
    assert not topic("region", "write", "other/tree")
    taking_over = {"username": "region", "client_id": AGENT}
    assert allows("user", taking_over, ()), "it cuts stations off by their client ids"


@pytest.mark.parametrize("name", ["", "guest", "st-", "ST-K3M9Q2X7", "st-k3m9q2x7/dn/cmd", "st-+abcdefg", "x" * 41])
@pytest.mark.parametrize("question", QUESTIONS)
def test_who_has_no_station_s_name_may_do_nothing(question: str, name: str) -> None:
    asked = {
        "username": name, "client_id": AGENT, "resource": "exchange", "name": "amq.topic", "permission": "write",
        "routing_key": f"vs.1.d.{name}.up.birth",
    }  # fmt: skip
    assert not allows(question, asked, ())


def test_a_station_comes_under_client_ids_of_its_own_only() -> None:
    for process in ("agent", "call", "trial"):
        assert allows("user", {"username": STATION, "client_id": client_id(STATION, process, b"key")}, ())
    for foreign in (STRANGER, "region-" + "a" * 32, STATION, f"{STATION}-agent-", f"{AGENT}x", ""):
        assert not allows("user", {"username": STATION, "client_id": foreign}, ()), foreign


def test_a_station_has_its_own_sessions_and_wills() -> None:
    assert resource("queue", f"mqtt-subscription-{AGENT}qos1", "configure")
    assert resource("queue", f"mqtt-will-{AGENT}", "configure")
    assert resource("exchange", "amq.topic")
    assert resource("exchange", "amq.default"), "a Will that is delayed goes through it"
    for foreign in (f"mqtt-subscription-{STRANGER}qos1", f"mqtt-will-{STRANGER}", AGENT, f"mqtt-subscription-{AGENT}"):
        assert not resource("queue", foreign), foreign
    assert not resource("exchange", "amq.fanout")
    assert not resource("exchange", "amq.topic", "configure")
    assert not resource("policy", "amq.topic")


@pytest.mark.parametrize("question", QUESTIONS)
def test_who_is_shut_out_may_do_nothing(question: str) -> None:
    asked = {
        "username": STATION, "client_id": AGENT, "resource": "exchange", "name": "amq.topic", "permission": "write",
        "routing_key": as_rabbit(up(STATION, "birth")),
    }  # fmt: skip
    assert allows(question, asked, {OTHER})
    assert not allows(question, asked, {STATION})


def test_a_question_that_rabbitmq_does_not_have_is_denied() -> None:
    assert not allows("all", {"username": STATION}, ())


@given(st.frozensets(NAMES, max_size=5))
def test_whom_the_list_shuts_out_is_read_back_from_it(names: frozenset[str]) -> None:
    assert shut_out_by(access_rules(names)) == names


@pytest.fixture
def acl(tmp_path: Path) -> Path:
    write_access(tmp_path, (), None)
    return tmp_path / "acl"


async def ask(acl: Path, question: str, **asked: str) -> tuple[int, str]:
    transport = httpx.ASGITransport(build_access(acl))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8404") as rabbit:
        answer = await rabbit.post(f"/{question}", content=urlencode(asked))
    return answer.status_code, answer.text


async def test_it_is_answered_by_the_list_as_it_is_now(acl: Path) -> None:
    asked = {"username": STATION, "vhost": "/", "client_id": AGENT}
    assert await ask(acl, "user", **asked) == (200, "allow")
    write_access(acl.parent, [STATION], None)
    assert await ask(acl, "user", **asked) == (200, "deny")


async def test_nobody_is_let_in_while_the_list_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = tmp_path / "gone"
    assert await ask(gone, "user", username=STATION, client_id=AGENT) == (503, "deny")
    assert str(gone) in caplog.text


async def test_what_is_no_question_gets_no_answer(acl: Path) -> None:
    assert (await ask(acl, "everything", username="region"))[0] == 404
    assert (await ask(acl, "user", username="region", client_id="x" * 70_000))[0] == 413
