"""`region demo-fleet`: a whole fleet of simulated stations, from its first card to a stolen one, in some minutes.

A real region with TLS at all its doors and its own broker, and one real agent process for each station, as `station
agent` runs it. Half of the stations have a card with a code; the others know only where their region is, and are let in
by the digits on their screen. IT works as it does anywhere, by the API over HTTPS and by `region ...`. What is told at
the end has been seen at both ends: at the station, and at the region.

Exit codes: 0 everything was as it must be, 1 something was not, 2 it could not start.
"""

from region.demo.fleet.command import add_arguments, main

__all__ = ["add_arguments", "main"]
