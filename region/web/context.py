"""What every handler can reach: the Region, from `region_of(request)`."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from messaging.clock import Clock
from messaging.twin import Language
from region.registry import Registry
from region.sources import source_of
from region.web.events import Hub
from region.web.limits import Limits
from region.web.oidc.provider import Provider
from region.web.pages import Pages
from region.web.passwords import Passwords
from region.web.security_txt import SecurityTxt
from region.web.subject import Downlink
from region.web.turn import TurnSettings


@dataclass(frozen=True)
class WebSettings:
    """How the region is reached and speaks. `public_url` has no trailing slash.

    `language` is for those who have chosen none: None follows the browser. `second_step`: IT has to give it; whoever
    has set it up is asked for it in any case.
    """

    public_url: str
    language: Language | None = None
    turn: TurnSettings | None = None
    second_step: bool = True
    security: SecurityTxt | None = None

    @property
    def secure(self) -> bool:
        """Whether browsers come by HTTPS: cookies are Secure then."""
        return self.public_url.startswith("https://")


@dataclass(frozen=True)
class Region:
    """The region's shared parts."""

    settings: WebSettings
    registry: Registry
    clock: Clock
    hub: Hub
    pages: Pages
    downlink: Downlink
    passwords: Passwords
    limits: Limits
    provider: Provider | None = None  # of the region's own sign-in


def region_of(request: HTTPConnection) -> Region:
    """The Region the request came to."""
    region: Region = request.app.state.region
    return region


def client_address(request: HTTPConnection) -> str:
    """Whom to count tries against. Behind a proxy uvicorn has put the client's address here."""
    return source_of(request.client.host if request.client else "")
