"""station-agent: who this station is, what it works by and how it is. It never loads a media library.

Errors::

    StationError                (device.runtime.errors)
    └── AgentError              something the agent cannot do
        └── OutboxUnusable      the outbox cannot be written: disk full, read-only, or damaged beyond a new start
"""
