"""`station sound-test`: what a technician reads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from device.agent.sound_test import in_words, sound_test
from messaging.call import Devices
from messaging.health import SoundTest
from messaging.local import CALL_SOCKET, CallView, Message, Refusal, RunSoundTest, SoundTested, from_line, to_line

WELL: dict[str, Any] = {
    "at": 1.8e9, "speaker": "ok", "microphone": "ok", "echo": "station", "heard": True,
    "noise_db": -62.0, "delay_ms": 84.0, "echo_db": -12.0, "left_db": -41.0,
}  # fmt: skip


def test_all_is_well() -> None:
    lines, good = in_words(SoundTest(**WELL))
    assert good
    assert all(line.startswith("ok ") for line in lines)
    assert "84 ms" in "\n".join(lines)
    assert "-41 dB" in "\n".join(lines)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"speaker": "missing"}, "speaker: is not there"),
        ({"microphone": "fault"}, "microphone: is faulty"),
        ({"heard": False, "delay_ms": None, "echo_db": None, "left_db": None}, "did not hear the speaker"),
        ({"noise_db": -20.0}, "too loud"),
        ({"delay_ms": 700.0}, "too long for the echo"),
        ({"left_db": -6.0}, "may hear himself"),
        ({"echo": "failed", "left_db": 0.0}, "could not be loaded"),
        ({"echo_db": -50.0}, "faintly"),
        ({"echo_db": 20.0}, "gain"),
    ],
)
def test_what_is_not_well_is_said_with_what_to_do(changes: dict[str, Any], says: str) -> None:
    lines, good = in_words(SoundTest(**{**WELL, **changes}))
    assert not good
    assert says in "\n".join(line for line in lines if line.startswith("NO "))


def test_a_speakerphone_that_keeps_its_own_sound_out_is_no_fault() -> None:
    nothing = {"heard": False, "delay_ms": None, "echo_db": None, "left_db": None}
    lines, good = in_words(SoundTest(**{**WELL, **nothing, "echo": "device"}))
    assert good
    assert "listen" in lines[0]


def test_without_station_call_there_is_nobody_to_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sound_test(tmp_path) == 3
    assert "does not run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (SoundTested(SoundTest(**WELL)), 0, "84 ms"),
        (Refusal("in_call"), 1, "a call has the microphone"),
        (Refusal("cut_short"), 1, "the button was pressed"),
    ],
)
def test_the_station_is_asked_and_its_answer_told(
    answer: Message, code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with StationCall(tmp_path, answer) as station:
        assert sound_test(tmp_path) == code
    assert [type(asked) for asked in station.asked] == [RunSoundTest]
    said = capsys.readouterr()
    assert says in said.out + said.err
    assert "microphone is on" in said.out


class StationCall:
    """A station-call that says its view, and answers the first thing it is asked."""

    def __init__(self, runtime_dir: Path, answer: Message) -> None:
        import socket

        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(runtime_dir / CALL_SOCKET))
        self._listening.listen()
        self._answer = answer
        self.asked: list[Message] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> StationCall:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(5)
        self._listening.close()

    def _serve(self) -> None:
        client, _ = self._listening.accept()
        with client, client.makefile("rb") as lines:
            client.sendall(to_line(CallView("idle", "boot", 0.0, "ready", Devices())))
            self.asked.append(from_line(lines.readline()))
            client.sendall(to_line(self._answer))
