"""What the subjects of the region share: sign-in, pages, words, live updates, security.

A subject (`desk`, `stations`, `fleet` ...) is a package with one function::

    def subject(region: Region) -> Subject        # region.web.context.Region, region.web.subject.Subject

`region.serving.app` calls it once and mounts what it gives:

* `router`: a FastAPI router. Each handler says who may call it by the type of a parameter: `session: ItAdmin`,
  `Clinician`, `SiteStaff`, `FiguresReader`, `SignedIn`, or `Visitor` for anybody (`region.web.auth`; the rights stand
  in `region.web.rights`, and with a route that states none the region does not start). Below `/api` a script may come
  with a token of its own (`region.web.bearer`), save where the right is one of people (`ItInPerson`). What a person
  may see of what the route gives: `rights.scope_of(session.person)`; a station outside of it is NotFound. Unsafe
  methods need the CSRF token already: `X-CSRF-Token` header (page scripts read it from `<meta name="csrf-token">`,
  htmx sends it by itself) or the form field `csrf` (`{{ csrf_field() }}` in a form). `region_of(request)` gives the
  Region.
* `folder`: the package's folder. `templates/` in it is the subject's: `region.pages.page(request, "desk/index.html",
  session, calls=...)`; a page begins `{% extends "web/layout.html" %}` and fills `title`, `head`, `main`. `static/`
  in it is served below `/static/<name>/`: `{{ static("desk/call.js") }}`. No inline script or style: the
  Content-Security-Policy forbids both. Data for a script goes into `data-` attributes or a `<script
  type="application/json">`.
* `words`: `{"en": {...}, "da": {...}}`, keys beginning with the subject's name: `{{ t("desk.answer", name=...) }}` in
  a template, `region.pages.translator(request, session)("desk.answer")` in Python. Both languages have the same keys
  (a test holds that).
* `nav`: its entries in the page's head, each with the role that sees it.
* `up`: what takes messages of a branch of the stations' topics (`"call"`, `"birth"`, `"m"` ...), after the envelope
  has been opened and its order judged. The broker is told only when the handler has returned: persist first. A
  MessageError it raises is counted and acknowledged; a RegistryError is not acknowledged, so the message comes again.
* `presence`: told of each process of a station that comes, goes or restarts (`PresenceChange`), after it has been
  stored.
* `examples`: one instance of each type that its routes below `/api` take or give; the API's document
  (`region.web.openapi`) shows them. A handler's docstring there is what the document says it does.
* `run`: goes on as long as the region does (timers of the desk, publishing of config ...).

Live updates: `region.hub.publish("clinic:3", "calls", {...})`, and in a handler `return live(request, session,
["clinic:3", "person:7"], first=[encode_event("calls", {...})])` (`region.web.auth.live`,
`region.web.events.encode_event`). The data is JSON (or text, as it is). A page that is too slow gets `resync` instead
of what it missed: fetch everything again. `signed_out` comes before the stream ends because the session has; `lost=`
is called when it was ended. Who ends sessions says so (`region.web.auth.session_ended`), else it is seen within 15 s.

To a station: `await region.downlink.send(down(station, "call", call), message, expiry_s=30)`; LinkDown when there is
no broker.

Errors::

    WebError                `status` and `code` (a stable word, also the key of its words: `web.error.<code>`)
    ├── NotSignedIn         401: to the sign-in page, for a browser
    ├── SecondStepNeeded    401: to the page of the second step, for a browser
    ├── TokenRefused        401: an API token that opens nothing
    ├── ForPeople           403: an API token, where people do what they do themselves
    ├── ReadsOnly           403: an API token that may change nothing
    ├── NotAllowed          403: another role's page
    ├── BadToken            403: the CSRF token or the Origin is not ours
    ├── LinkSpent           410: a one-time link that is unknown, used or late
    ├── TooManyTries        429: `retry_after_s`
    ├── RegionSignInFailed  403: told on the page of sign-in (`region.web.oidc`)
    └── LogoutRefused       400: a logout token that ends nothing (`region.web.oidc`)
"""
