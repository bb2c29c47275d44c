"""`station sound-test`: the acoustic self-test, asked for by a hand at the station, and told in plain words."""

from __future__ import annotations

import sys
from pathlib import Path

from device.agent.asking import Conversation
from messaging.health import SoundTest
from messaging.local import CALL_SOCKET, CallView, Refusal, RunSoundTest, SoundTested

GOOD, NOT_GOOD, NOT_RUNNING = 0, 1, 3
_WITHIN_S = 20.0
_REFUSED = {
    "in_call": "a call has the microphone now; try again when it is over",
    "cut_short": "the button was pressed, so the test has ended",
}
# What a technician can act on, in dB and ms.
FAINT_DB = -35.0  # the chirp came back so faintly that the speaker is hardly heard in the room
LOUD_DB = 10.0  # it came back louder than it was played: the microphone is set far too high
NOISY_DB = -35.0
LONGEST_MS = 450.0  # an echo later than that is not cancelled
ECHO_LEFT_DB = -25.0  # the clinician hears himself above this


def sound_test(runtime_dir: Path) -> int:
    """Run the test and print what it told; 0 all is well, 1 it is not or was refused, 3 station-call does not run."""
    try:
        with Conversation(runtime_dir / CALL_SOCKET, _WITHIN_S) as conversation:
            return _run(conversation)
    except OSError:
        print("station: station-call does not run", file=sys.stderr)
        return NOT_RUNNING


def _run(conversation: Conversation) -> int:
    asked = False
    for message in conversation.messages():
        if isinstance(message, CallView) and not asked:
            print(
                "Two chirps and a soft brush will sound. The microphone is on meanwhile; no sound is kept.", flush=True
            )
            conversation.send(RunSoundTest())
            asked = True
        elif isinstance(message, Refusal):
            print(f"station: no test: {_REFUSED.get(message.code, message.code)}", file=sys.stderr)
            return NOT_GOOD
        elif isinstance(message, SoundTested):
            told, good = in_words(message.result)
            print("\n".join(told))
            return GOOD if good else NOT_GOOD
    print("station: station-call does not answer", file=sys.stderr)
    return NOT_RUNNING


def in_words(result: SoundTest) -> tuple[list[str], bool]:
    """The result, a line for each thing, and whether all is well."""
    broken = [
        (name, state)
        for name, state in (("speaker", result.speaker), ("microphone", result.microphone))
        if state != "ok"
    ]
    if broken:
        return [f"NO  {name}: {'is not there' if state == 'missing' else 'is faulty'}" for name, state in broken], False
    rows = [_heard(result), _noise(result.noise_db)]
    if result.heard:
        rows += [_delay(result.delay_ms), _echo(result)]
    lines = [f"{'ok ' if good else 'NO '} {text}" for good, text in filter(None, rows)]
    return lines, all(good for good, _ in filter(None, rows))


Row = tuple[bool, str] | None


def _heard(result: SoundTest) -> Row:
    if not result.heard and result.echo == "device":
        return True, "the speakerphone keeps its own sound out of its microphone: listen whether the chirps were clear"
    if not result.heard:
        return False, "the microphone did not hear the speaker: is one of them muted, covered, or turned down?"
    loudness = result.echo_db
    if loudness is not None and loudness < FAINT_DB:
        return False, f"the microphone hears the speaker only faintly ({loudness:.0f} dB)"
    if loudness is not None and loudness > LOUD_DB:
        return False, f"the microphone hears the speaker far too loudly ({loudness:+.0f} dB): turn its gain down"
    return True, f"the microphone hears the speaker ({loudness:.0f} dB)" if loudness is not None else "heard"


def _noise(noise_db: float | None) -> Row:
    if noise_db is None:
        return None
    return noise_db <= NOISY_DB, f"the room's own noise is at {noise_db:.0f} dBFS" + (
        "" if noise_db <= NOISY_DB else ": too loud for a good call"
    )


def _delay(delay_ms: float | None) -> Row:
    if delay_ms is None:
        return None
    return delay_ms <= LONGEST_MS, f"from speaker to microphone it takes {delay_ms:.0f} ms" + (
        "" if delay_ms <= LONGEST_MS else ": too long for the echo to be cancelled"
    )


def _echo(result: SoundTest) -> Row:
    if result.echo == "failed":
        return False, "the echo canceller could not be loaded: the clinician hears himself"
    if result.left_db is None:
        return None
    good = result.left_db <= ECHO_LEFT_DB or result.echo == "device"
    return good, f"of the echo is left {result.left_db:.0f} dB" + ("" if good else ": the clinician may hear himself")
