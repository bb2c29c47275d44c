"""Who may do what at a RabbitMQ: its questions over HTTP, answered by the list that the region writes for a mosquitto.

RabbitMQ asks (`rabbitmq_auth_backend_http`) when somebody connects and when they use a queue or a topic for the first
time; an open connection that is shut out is cut off by the region (`region.stations.gate`). What it asks of is named as
AMQP has it: `.` parts a topic, `*` is MQTT's `+`, a session is the queue `mqtt-subscription-<client id>qos1`. One thing
is held to here that mosquitto cannot: a station comes under client ids of its own.

Source: RabbitMQ 4.0, rabbitmq_auth_backend_http and rabbitmq_mqtt.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from messaging.client_ids import is_one_of
from messaging.topics import ROOT, STATION_ID, may_write
from region.broker import REGION_USER, shut_out_by

_log = logging.getLogger(__name__)
QUESTIONS = ("user", "vhost", "resource", "topic")
_MOST_BYTES = 64 * 1024  # MQTT's longest topic and client id, beside what else is asked with
_TOPICS = "amq.topic"  # the exchange of MQTT
_WILLS = "amq.default"  # by which RabbitMQ lays a Will aside for its delay; over MQTT nobody can name it


def allows(question: str, asked: Mapping[str, str], shut_out: Container[str]) -> bool:
    """Whether RabbitMQ is to let somebody do this. `question` is one of QUESTIONS, `asked` its fields."""
    name = asked.get("username", "")
    if name == REGION_USER:
        return question != "topic" or asked.get("routing_key", "").startswith(f"{_dotted(ROOT)}.")
    if not STATION_ID.fullmatch(name) or name in shut_out:
        return False
    if question == "user":
        return is_one_of(name, asked.get("client_id", ""))
    if question == "resource":
        return _is_its_own(name, asked)
    if question == "topic":
        return _is_its_topic(name, asked.get("permission", ""), asked.get("routing_key", ""))
    return question == "vhost"


def build_access(rules: Path) -> Starlette:
    """What answers RabbitMQ. `rules` is read at each question; while it cannot be read, nobody is let in."""

    async def answer(request: Request) -> Response:
        body = b""
        async for some in request.stream():
            body += some
            if len(body) > _MOST_BYTES:
                return PlainTextResponse("too much", 413)
        shut_out = _shut_out(rules)
        if shut_out is None:
            return PlainTextResponse("deny", 503)
        asked = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        question = request.path_params["question"]
        if question not in QUESTIONS:
            return PlainTextResponse("no question of RabbitMQ's", 404)
        return PlainTextResponse("allow" if allows(question, asked, shut_out) else "deny")

    return Starlette(routes=[Route("/{question}", answer, methods=["POST"])])


def _shut_out(rules: Path) -> frozenset[str] | None:
    try:
        return shut_out_by(rules.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        _log.error("nobody is let in, for %s cannot be read: %s", rules, error)
        return None


def _is_its_own(name: str, asked: Mapping[str, str]) -> bool:
    """A station's sessions and Wills, and the exchanges that what it says and hears goes through."""
    resource = asked.get("name", "")
    if asked.get("resource") == "exchange":
        return resource in (_TOPICS, _WILLS) and asked.get("permission") != "configure"
    if asked.get("resource") != "queue":
        return False
    will, session = resource.removeprefix("mqtt-will-"), resource.removeprefix("mqtt-subscription-")
    if will != resource:
        return is_one_of(name, will)
    return session != resource and session[-4:-1] == "qos" and is_one_of(name, session[:-4])


def _is_its_topic(name: str, permission: str, key: str) -> bool:
    if permission == "write":
        return "/" not in key and may_write(name, key.replace(".", "/"))
    return permission == "read" and key.startswith(f"{_dotted(ROOT)}.{name}.dn.")


def _dotted(topic: str) -> str:
    return topic.replace("/", ".")
