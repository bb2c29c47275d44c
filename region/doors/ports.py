"""Ports: taken before anything else starts, so that one that is taken is one clear sentence and not a trace."""

from __future__ import annotations

import errno
import socket

from region.errors import PortTaken

_BACKLOG = 512


def take_port(host: str, port: int, what: str, option: str) -> socket.socket:
    """A socket that listens there; PortTaken naming the port, what it is for and which option moves it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise PortTaken(_sentence(error, host, port, what, option)) from error
    listener.setblocking(False)
    return listener


def check_port(host: str, port: int, what: str, option: str) -> None:
    """Whether a child of ours will be able to listen there; PortTaken if not."""
    take_port(host, port, what, option).close()


def _sentence(error: Exception, host: str, port: int, what: str, option: str) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} ({what}) is taken by another program: stop that, or choose another port with {option}"
    if number == errno.EACCES:
        return f"port {port} ({what}) is not for ordinary users: choose one above 1023 with {option}"
    if number == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine, so {what} cannot listen there: choose another with --host"
    return f"{what} cannot listen on {host}:{port}: {error}"
