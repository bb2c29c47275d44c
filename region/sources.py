"""Whom tries are counted against: one line of the internet, whatever address of it is used."""

from __future__ import annotations

import ipaddress

UNKNOWN = "unknown"


def source_of(address: str) -> str:
    """An IPv4 address; of IPv6 the network that one customer has, /64, where each try could have another address."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
