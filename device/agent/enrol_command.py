"""`station enrol`: enrol with a code file, now, and say how it went.

Where the agent runs, it does the work: the file is put where the agent looks, and this command watches. Where it does
not run, the command enrols by itself, as the user that the state directory belongs to; the code file is erased when
the agent first connects.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from device.agent.asking import Conversation
from device.runtime.config import StationConfig
from messaging.enrolment import CodeFile, read_code_file
from messaging.errors import MessageError
from messaging.local import AGENT_SOCKET, AgentView
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import ProvisioningError
from provisioning.station.files import write_whole
from provisioning.station.keystore import Keystore

DONE, FAILED = 0, 1
_AGENT_WITHIN_S = 60.0


def enrol(config: StationConfig, code_file: Path, agent_within_s: float = _AGENT_WITHIN_S) -> int:
    """Enrol this station; 0 done, 1 not done (the reason is printed; a code is never)."""
    try:
        content = _read(code_file)
        place = Path(config.station.code_file)
        if not place.exists() or not place.samefile(code_file):
            write_whole(place, code_file.read_bytes(), mode=None)
            _hand_over(place, config.state_dir)
        os.utime(place)  # an agent that has given this very file up looks again
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}")
    except (MessageError, UnicodeDecodeError):
        return _fail(f"{code_file} is not a code file of ours")
    try:
        conversation = Conversation(config.runtime_dir / AGENT_SOCKET, agent_within_s)
    except OSError:
        return _enrol_here(config, place)
    with conversation:
        return _watch(conversation, place, content)


def _read(code_file: Path) -> CodeFile:
    return read_code_file(code_file.read_bytes().decode("utf-8-sig"))


def _watch(conversation: Conversation, place: Path, content: CodeFile) -> int:
    print(f"station-agent enrols this station as {content.station} ...")
    trying, connected = False, False
    for message in conversation.messages():
        if isinstance(message, AgentView):
            if trying and message.enrolment_error:
                return _fail(f"not enrolled: {message.enrolment_error}")
            trying = trying or not message.enrolment_error  # what it complained of before was another file
            connected = message.enrolled and message.station == content.station and message.link == "up"
        if connected and not place.exists():  # erased once the broker has taken the birth
            return _succeed(content.station)
    if connected:
        return _fail(f"{content.station} is connected, but its code file is still there (see `station status`)")
    return _fail("no result yet; station-agent goes on trying (see `station status`)")


def _enrol_here(config: StationConfig, code_file: Path) -> int:
    _become_owner(config.state_dir)
    try:
        identity = asyncio.run(Enrolment(Keystore(config.state_dir), code_file).enrol())
    except ProvisioningError as error:
        return _fail(f"not enrolled ({error.code}): {error}")
    return _succeed(identity.station)


def _hand_over(path: Path, state_dir: Path) -> None:
    """Root puts the file there; the agent must be able to read and erase it. FAT has no owners and refuses."""
    if os.geteuid() == 0 and state_dir.exists():
        owner = state_dir.stat()
        try:
            os.chown(path, owner.st_uid, owner.st_gid)
        except PermissionError:
            return


def _become_owner(state_dir: Path) -> None:
    """What root wrote there the agent could not read: give root up first."""
    if os.geteuid() == 0 and state_dir.exists():
        owner = state_dir.stat()
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def _succeed(station: str) -> int:
    print(f"Enrolled as {station}.")
    return DONE


def _fail(why: str) -> int:
    print(f"station: {why}", file=sys.stderr)
    return FAILED
