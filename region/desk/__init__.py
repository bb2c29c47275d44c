"""The call desk: who calls whom. Pages where a clinic sees who is waiting, answers, and calls a station.

`room` says what a call is and what can happen to it, `routing` decides what follows (pure), `service` carries it out:
the registry first, then the station over MQTT and the browser over server-sent events.

Errors::

    DeskError               what a browser asked cannot be done; `code` is a stable word the page has words for
    ├── NoSuchCall          no running call of this id that this user may touch
    ├── Taken               another clinician was first; `by` is that person's name
    ├── NotNow              the call or the station is in a state in which this cannot be done
    ├── TooMany             a limit on calls, or on messages of one call
    └── StationUnreachable  the broker, or the station, is away
"""
