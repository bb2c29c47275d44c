"""What station and region say to each other, and what the processes of one station say among themselves.

Everything here is data and rules about data: standard library only, no I/O, save `messaging.link`.

Errors::

    MessageError            something received is not a message we take; `code` is a stable word for counters
    ├── MalformedMessage    not JSON, or a field missing, of the wrong type, or out of bounds
    ├── OversizedMessage    larger than its limit
    ├── UnknownVersion      an envelope of a version we do not speak
    └── StaleMessage        a replay, or older than what has been taken already
"""
