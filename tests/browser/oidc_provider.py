"""A real provider of OpenID Connect (npm's `oidc-provider`, a certified one), as a process; see `provider.mjs`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from region.web.guard import LOGOUTS

HERE = Path(__file__).parent
CLIENT, SECRET = "laegeknap", "a secret of the client + its signs: /&%"
PEOPLE = {
    "anna": {"name": "Anna Holm", "groups": ["bakken"]},
    "sara": {"name": "Sara Holm", "groups": ["solgaarden"]},
    "eva": {"name": "Eva Lund", "groups": ["laegeknap-figures", "football"]},
    "ivan": {"name": "Ivan Berg", "groups": ["laegeknap-it"]},
    "nils": {"name": "Nils Bohr", "groups": ["football"]},
}
STARTS_S = 30.0  # generous: the machine may be busy


@asynccontextmanager
async def provider(port: int, public_url: str, *, skew: int = 0) -> AsyncIterator[None]:
    """It runs, with a new key, for the region at `public_url`; its clock is `skew` seconds wrong."""
    settings = {
        "port": port, "client": CLIENT, "secret": SECRET, "back": f"{public_url}/sign-in/region/back",
        "after": f"{public_url}/sign-in", "told": f"{public_url}{LOGOUTS}", "people": PEOPLE, "skew": skew,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / "provider.mjs"), json.dumps(settings), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STARTS_S):
            assert await process.stdout.readline() == b"ready\n", "the provider does not start"
        yield
    finally:
        process.terminate()
        await process.communicate()


def settings_file(folder: Path, port: int) -> Path:
    """What `region serve --oidc` reads, with the client's secret beside it."""
    (folder / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    file = folder / "oidc.toml"
    file.write_text(
        f'issuer = "http://127.0.0.1:{port}"\nclient_id = "{CLIENT}"\nclient_secret_file = "secret"\n'
        'label = "Region Nord"\n'
        '[[grant]]\ngroup = "laegeknap-it"\nrole = "it_admin"\n'
        '[[grant]]\ngroup = "laegeknap-figures"\nrole = "evaluator"\n'
        '[[grant]]\ngroup = "bakken"\nrole = "clinician"\nclinic = "Bakkens Klinik"\n'
        '[[grant]]\ngroup = "solgaarden"\nrole = "site_staff"\nsites = ["Solgården"]\n',
        encoding="utf-8",
    )
    return file
