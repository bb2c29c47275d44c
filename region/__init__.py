"""The region's server: registry, enrolment authority, call desk, fleet, web pages, and the broker if it is given none.

Errors::

    RegionError             the region cannot start, or a command cannot be carried out; the text says what to do
    ├── PortTaken           something else listens on a port that is needed
    ├── AlreadyServed       another process serves what only one may
    ├── BrokerUnusable      mosquitto is not there, or does not start
    ├── BrokenLog           the log of what was done is not as it was written
    └── Usage               what was asked on the command line does not fit together
"""
