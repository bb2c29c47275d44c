"""Which servers a peer connection asks, and how long an offer waits for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media.ice_plan import (
    DEAD_S,
    GRACE_S,
    MOST_S,
    MOST_STUN,
    MOST_TURN,
    IcePlan,
    Patience,
    Reachability,
    Server,
    StunServer,
    TurnServer,
    read_plan,
)
from messaging.call import IceServer
from tests.kits.clock import ManualClock

STUN = StunServer("stun.example.org", 3478)
UDP = TurnServer("turn.example.org", 3478, "udp", "someone", "secret")
TCP = TurnServer("turn.example.org", 3478, "tcp", "someone", "secret")
TLS = TurnServer("turn.example.org", 443, "tls", "someone", "secret")
ITS_STUN = StunServer("turn.example.org", 3478)
PLAN = IcePlan((STUN,), (UDP, TCP, TLS))


def urls(*texts: str) -> list[IceServer]:
    return [IceServer(texts, "someone", "secret")]


def test_relays_are_preferred_by_udp_then_tcp_then_tls_however_they_are_given() -> None:
    given_urls = urls(
        "turns:turn.example.org:443?transport=tcp",
        "turn:turn.example.org?transport=tcp",
        "stun:stun.example.org",
        "turn:turn.example.org",
    )
    assert read_plan(given_urls) == IcePlan((STUN, ITS_STUN), (UDP, TCP, TLS))


def test_a_relay_by_udp_is_asked_for_our_address_too_and_so_no_other_server_is_needed() -> None:
    assert read_plan(urls("turn:turn.example.org")) == IcePlan((ITS_STUN,), (UDP,))
    assert read_plan(urls("turn:turn.example.org?transport=tcp")) == IcePlan((), (TCP,))


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("stun:192.0.2.1", StunServer("192.0.2.1", 3478)),
        ("stun:[2001:db8::1]:19302", StunServer("2001:db8::1", 19302)),
        ("turn:relay:80?transport=tcp", TurnServer("relay", 80, "tcp", "someone", "secret")),
        ("turn:[2001:db8::1]", TurnServer("2001:db8::1", 3478, "udp", "someone", "secret")),
        ("turns:relay", TurnServer("relay", 5349, "tls", "someone", "secret")),
    ],
)
def test_a_url_as_browsers_take_it_is_read(url: str, server: Server) -> None:
    plan = read_plan(urls(url))
    assert server in (*plan.stun, *plan.turn)


@pytest.mark.parametrize(
    "url",
    [
        "", "turn:", "turn", "http://relay", "turn:relay:0", "turn:relay:65536", "turn:relay:port", "turn:a b",
        "turns:relay?transport=udp", "stun:relay?transport=udp", "turn:relay?transport=sctp", "turn:user@relay",
        "turn://relay", "stuns:relay", "turn:[::1", "turn:relay\n",
    ],
)  # fmt: skip
def test_what_is_no_server_of_ours_is_left_out_and_said_without_its_secrets(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_plan([*urls(url), *urls("stun:stun.example.org")]) == IcePlan((STUN,))
    assert "left out" in caplog.text
    assert "secret" not in caplog.text


def test_a_server_given_twice_is_asked_once() -> None:
    assert read_plan([*urls("turn:relay", "turn:relay"), *urls("turn:relay:3478?transport=udp")]).turn == (
        TurnServer("relay", 3478, "udp", "someone", "secret"),
    )


def test_more_servers_than_are_of_use_are_not_asked() -> None:
    plan = read_plan(urls(*(f"stun:s{i}" for i in range(99)), *(f"turn:t{i}" for i in range(99))))
    assert (len(plan.stun), len(plan.turn)) == (MOST_STUN, MOST_TURN)


def test_by_relays_only_nobody_is_asked_for_our_own_address() -> None:
    assert read_plan(urls("stun:stun.example.org", "turn:turn.example.org"), relay_only=True) == IcePlan(
        (), (UDP,), True
    )


def test_the_credential_is_in_no_text_of_a_plan() -> None:
    assert "secret" not in repr(PLAN)
    assert "someone" not in repr(PLAN)


@given(st.text(max_size=60))
def test_any_text_for_a_url_gives_a_plan(text: str) -> None:
    plan = read_plan(urls(text))
    assert len(plan.stun) <= 1
    assert len(plan.turn) <= 1


class TestReachability:
    def test_a_server_that_was_silent_is_not_waited_for_again_for_a_minute(self) -> None:
        clock = ManualClock()
        known = Reachability(clock.monotonic)
        assert known.awaited(PLAN) == {STUN, UDP, TCP, TLS}

        known.silent(UDP)
        assert known.awaited(PLAN) == {STUN, TCP, TLS}

    async def test_after_that_it_gets_another_chance(self) -> None:
        clock = ManualClock()
        known = Reachability(clock.monotonic)
        known.silent(UDP)
        await clock.advance(DEAD_S)
        assert UDP in known.awaited(PLAN)

    def test_one_that_answers_late_is_waited_for_the_next_time(self) -> None:
        known = Reachability(ManualClock().monotonic)
        known.silent(TCP)
        known.answered(TCP)
        assert TCP in known.awaited(PLAN)

    def test_new_credentials_do_not_make_a_dead_server_alive(self) -> None:
        known = Reachability(ManualClock().monotonic)
        known.silent(UDP)
        again = TurnServer(UDP.host, UDP.port, "udp", "another", "password")
        assert known.awaited(IcePlan(turn=(again,))) == frozenset()

    def test_on_another_network_all_is_forgotten(self) -> None:
        known = Reachability(ManualClock().monotonic)
        known.silent(UDP)
        known.forget()
        assert UDP in known.awaited(PLAN)

    def test_by_relays_only_a_dead_relay_is_waited_for_when_there_is_no_other(self) -> None:
        known = Reachability(ManualClock().monotonic)
        known.silent(UDP)
        known.silent(TCP)
        assert known.awaited(IcePlan(turn=(UDP, TCP), relay_only=True)) == {UDP, TCP}
        assert known.awaited(IcePlan(turn=(UDP, TLS), relay_only=True)) == {TLS}


class TestPatience:
    def test_with_nobody_to_wait_for_the_offer_goes_at_once(self) -> None:
        assert Patience(frozenset(), 10.0).over

    def test_when_all_have_answered_or_failed_the_offer_goes(self) -> None:
        patience = Patience(frozenset({STUN, UDP}), 10.0)
        patience.heard(STUN, False, 10.1)
        assert not patience.over
        patience.heard(UDP, True, 10.2)
        assert patience.over

    def test_one_answer_of_each_kind_is_enough_save_for_a_short_grace(self) -> None:
        patience = Patience(frozenset({STUN, UDP, TCP}), 10.0)
        patience.heard(TCP, True, 10.05)
        assert patience.until == 10.0 + MOST_S
        patience.heard(STUN, True, 10.2)
        assert patience.until == pytest.approx(10.2 + GRACE_S)

    def test_a_failure_is_no_answer(self) -> None:
        patience = Patience(frozenset({UDP, TCP}), 10.0)
        patience.heard(UDP, False, 10.0)
        assert patience.until == 10.0 + MOST_S

    @given(
        st.lists(st.tuples(st.sampled_from([STUN, UDP, TCP, TLS]), st.booleans(), st.floats(0, 5)), max_size=12),
    )
    def test_it_never_waits_longer_than_it_may_and_never_longer_than_before(
        self, news: list[tuple[Server, bool, float]]
    ) -> None:
        patience = Patience(frozenset({STUN, UDP, TCP, TLS}), 0.0)
        before = patience.until
        for server, answered, at in sorted(news, key=lambda one: one[2]):
            patience.heard(server, answered, at)
            assert patience.until <= before <= MOST_S
            before = patience.until
        assert patience.over == ({STUN, UDP, TCP, TLS} == {server for server, _, _ in news})
