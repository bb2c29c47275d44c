"""The region's database: clinics, sites, stations, people, calls, audit. The only importer of SQLAlchemy.

Everything goes through one door::

    async with registry.begin() as t:              # one transaction; leaving it commits, an error rolls it back
        if await t.calls.claim(call, user, now):   # decide and
            await t.audit.add(...)                 # tell of it in the same commit
    async with registry.read() as t: ...           # looks, changes nothing

What comes out are the frozen records of `records.py`, never rows. Times are Unix seconds. Secrets (codes, session
tokens, sign-in links) are stored as SHA-256 only (`digest`). Nothing here is SQLite's alone save `engine.py`'s pragmas.

Errors::

    RegistryError           the registry could not do what was asked
    ├── NotFound            no such clinic, site, station, person or call
    ├── Conflict            there is one of that name already, or something still refers to it
    ├── Invalid             a value the registry does not take; the text says which and why
    │   └── Refused         a layer's document: the reasons by field
    └── Unavailable         the database cannot be reached, read or written
"""

from region.registry.engine import Registry, database_url
from region.registry.errors import Conflict, Invalid, NotFound, Refused, RegistryError, Unavailable
from region.registry.transaction import Transaction

__all__ = [
    "Conflict", "Invalid", "NotFound", "Refused", "Registry", "RegistryError", "Transaction", "Unavailable",
    "database_url",
]  # fmt: skip
