"""What station and region say to each other, and what the processes of one station say among themselves.

Everything here is data and rules about data: no I/O, save `messaging.link`, and the standard library only, save its
client of MQTT and the signatures of `messaging.signed`.

Errors::

    MessageError            something received is not a message we take; `code` is a stable word for counters
    ├── MalformedMessage    not JSON, or a field missing, of the wrong type, or out of bounds
    ├── OversizedMessage    larger than its limit
    ├── UnknownVersion      an envelope of a version we do not speak
    ├── StaleMessage        a replay, or older than what has been taken already
    ├── Unsigned            what has to be signed is not, or not in the one form that is taken
    ├── ForeignWord         signed for another station or purpose, or by nobody of this station's region
    ├── AlteredWord         what was sent is not what was signed
    └── ExpiredWord         its time has passed or has not come
"""
