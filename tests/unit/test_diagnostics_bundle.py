"""What a station hands in: bounded, readable again, and nobody's name, number or secret in it."""

from __future__ import annotations

import gzip
import json
import sys
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.agent.diagnostics.bundle import with_lines
from device.agent.diagnostics.excerpt import journal, read_lines
from device.agent.diagnostics.redacting import nameless, names_in, redact
from messaging.call import Devices
from messaging.codec import decode, encode
from messaging.diagnostics import LONGEST_LINE, MOST_LINES, MOST_PACKED, MOST_UNPACKED, Bundle, Line, pack, unpack
from messaging.errors import MalformedMessage
from messaging.health import Health
from messaging.settings import Eap, Network, Proxy, Wifi, Wired
from messaging.twin import Config

NOW = 1_800_000_000.0
BUNDLE = Bundle(
    "st-k3m9q2x7", NOW, "ntp", "boot1", Health(5.0, "ntp", Devices(), {"call": "running"}, {"laegeknap": "0.4"}),
    {"ready": 1.0}, 3, Config(),
)  # fmt: skip
CONFIG = Config(
    clinic="Bakkens Klinik", phone="70123456", site="Solgården", station="Hr. Jensens stue", fallback="Vagtlægen",
    fallback_phone="+45 11 22 33 44",
    network=Network(
        wifi={
            "Solgaarden-Personale": Wifi(
                eap=Eap("peap", "ida@home.example", "nobody-at-home", "hunter2hunter2", "", "")
            ),
            "Gaester": Wifi(psk="correct horse"),
        },
        wired=Wired(Eap("tls", "st-wired-account")), proxy=Proxy("http://proxy.example:3128", "proxyuser", "proxypass"),
    ),
)  # fmt: skip
PRIVATE = (
    "Bakkens Klinik", "70123456", "Solgården", "Jensen", "Vagtlægen", "11 22 33 44", "Solgaarden-Personale",
    "ida@home.example", "nobody-at-home", "hunter2hunter2", "st-wired-account", "proxyuser", "proxypass",
    "Gaester", "correct horse",
)  # fmt: skip


def lines(count: int, text: str = "the link is up") -> list[Line]:
    return [Line(NOW + number, "laegeknap-agent", 6, text) for number in range(count)]


def test_what_was_packed_is_unpacked() -> None:
    whole = replace(BUNDLE, lines=tuple(lines(3)), left_out=7)
    assert unpack(pack(whole)) == whole


SPOILT = {
    "nothing": b"",
    "not packed": b"{}",
    "an empty object": gzip.compress(b"{}"),
    "deep nesting": gzip.compress(b"[" * 5000),
    "NaN": gzip.compress(b'{"station": NaN}'),
    "cut short": pack(BUNDLE)[:-4],
    "more behind it": pack(BUNDLE) + b"more",
    "too long unfolded": gzip.compress(b" " * (MOST_UNPACKED + 1)),
    "a word for a number": gzip.compress(json.dumps({**encode(BUNDLE), "figures": {"ready": "yes"}}).encode()),
    "too many lines": gzip.compress(
        json.dumps({**encode(BUNDLE), "lines": [encode(one) for one in lines(MOST_LINES + 1)]}).encode()
    ),
}


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
def test_what_is_none_of_ours_is_refused_however_far_it_would_unfold(spoilt: bytes) -> None:
    with pytest.raises(MalformedMessage):
        unpack(spoilt)


def test_a_bomb_takes_no_more_memory_than_a_bundle_may() -> None:
    bomb = gzip.compress(bytes(16 * MOST_UNPACKED))
    assert len(bomb) < MOST_PACKED
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage):
            unpack(bomb)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 * MOST_UNPACKED


def test_the_newest_lines_are_what_there_is_room_for() -> None:
    many = [Line(float(n), "laegeknap-call", 6, f"{n} " + "æ" * LONGEST_LINE) for n in range(6000)]
    packed = with_lines(BUNDLE, many, ())
    told = unpack(packed)
    assert len(packed) <= MOST_PACKED
    assert told.lines[-1].at == 5999.0
    assert told.left_out == 6000 - len(told.lines)
    assert len(told.lines) > 500


@given(st.lists(st.text(max_size=900), max_size=60))
def test_whatever_the_journal_holds_the_region_takes_it(texts: list[str]) -> None:
    told = unpack(with_lines(BUNDLE, [Line(NOW, "laegeknap-call", 6, text) for text in texts], ()))
    assert told.left_out + len(told.lines) == len(texts)


SECRETS = (
    "010203-1234", "0102031234", "70 12 34 56", "+45 70123456", "anna.holm@klinik.example", "hunter2hunter2",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg", "https://region.example/r/AbC-123?pin=44",
)  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "the code is 010203-1234 for", "cpr 0102031234", "phoned 70 12 34 56 today", "phoned +45 70123456",
        "mail to <anna.holm@klinik.example>", "password=hunter2hunter2", 'psk: "hunter2hunter2"',
        "key MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg loaded", "GET https://region.example/r/AbC-123?pin=44",
    ],
)  # fmt: skip
def test_what_could_be_somebodys_does_not_travel(line: str) -> None:
    told = redact(line)
    assert [secret for secret in SECRETS if secret in told] == []
    assert told.split()[0] == line.split()[0].split("=")[0] or "[secret]" in told


@given(st.text(max_size=60), st.sampled_from(SECRETS[:5]), st.text(max_size=60))
def test_wherever_in_a_line_it_stands(before: str, secret: str, after: str) -> None:
    assert secret not in redact(f"{before} {secret} {after}")


@given(st.text(max_size=500))
def test_a_redacted_line_is_short_plain_and_stays_what_it_is(text: str) -> None:
    told = redact(text, ("Solgården",))
    assert len(told) <= LONGEST_LINE
    assert told.isprintable()
    assert "solgården" not in told.casefold()


def test_a_line_that_tells_what_went_wrong_is_still_told() -> None:
    for line in (
        "command 0123456789abcdef: failed no_sign", "the link is down: [Errno 111] Connection refused",
        "idle, after Pressed: calling", "config version 12 is in force", "ICE: 3 candidates in 0.214 s",
    ):  # fmt: skip
        assert redact(line, names_in(CONFIG)) == line


def test_no_name_of_the_config_is_in_a_line_or_in_the_config_itself() -> None:
    said = redact(f"called {CONFIG.clinic} from HR. JENSENS STUE by Solgaarden-Personale", names_in(CONFIG))
    assert said == "called [name] from [name] by [name]"
    told = json.dumps(encode(nameless(CONFIG)), ensure_ascii=False)
    assert [one for one in PRIVATE if one in told] == []
    kept = decode(Config, encode(nameless(CONFIG)))
    assert (kept.volume, kept.language, len(kept.network.wifi)) == (CONFIG.volume, CONFIG.language, 2)
    assert kept.network.wired.eap.method == "tls", "what is needed to find the fault"


def entry(**differs: Any) -> str:
    told = {"MESSAGE": "idle", "_SYSTEMD_UNIT": "laegeknap-call.service", "PRIORITY": "6",
            "__REALTIME_TIMESTAMP": "1800000000123456"}  # fmt: skip
    return json.dumps({**told, **differs})


def test_the_journal_is_read_as_journalctl_tells_it() -> None:
    told = [
        entry(), entry(MESSAGE=[104, 105]), "", "{", "[]", "null", entry(PRIORITY="9"), entry(__REALTIME_TIMESTAMP="x"),
        entry(_SYSTEMD_UNIT="init.scope", UNIT="laegeknap-call.service", MESSAGE="Started"),
    ]  # fmt: skip
    assert list(read_lines(told)) == [
        Line(1800000000.123456, "laegeknap-call", 6, "idle"), Line(1800000000.123456, "laegeknap-call", 6, "Started"),
    ]  # fmt: skip


@given(st.lists(st.text(max_size=40)))
def test_whatever_journalctl_prints_is_read(told: list[str]) -> None:
    assert all(isinstance(line, Line) for line in read_lines(told))


async def test_a_machine_without_a_journal_has_no_lines() -> None:
    assert await journal(("/no/such/program",)) == []
    assert await journal((sys.executable, "-c", "raise SystemExit(1)")) == []
    told = await journal((sys.executable, "-c", f"print({entry()!r})"))
    assert [line.text for line in told] == ["idle"]


async def test_a_journal_without_end_is_read_no_further_than_it_may_be() -> None:
    endless = "while True: print('x' * 1000)"
    assert await journal((sys.executable, "-c", endless)) == []
