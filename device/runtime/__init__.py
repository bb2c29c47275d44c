"""What every process of a station stands on: config, the loop and the threads beside it, and how it runs as a service.

Errors::

    StationError        something the station cannot do; each package below draws its own branch
    ├── ConfigError     the station's configuration cannot be used
    └── BusError        the system's message bus:
        ├── BusAway         nobody answers
        ├── BusMalformed    what came is no message
        └── BusRefused      the service refuses
"""
