"""The region's own sign-in by OpenID Connect: whoever its provider vouches for, in the role that their groups give.

`settings` reads the file of `region serve --oidc`; `attempt` is what one browser's try is known by; `provider` speaks
to the provider (by `fetch`), `id_token` judges what it says, `mapping` makes a role of groups, `admitting` finds or
makes the person, and `pages` are the routes. `back_channel` is where the provider says that somebody is signed out
there, by a `logout_token`. Local accounts go on beside it: by them IT gets in while it is down.

Sources: OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0, Back-Channel Logout 1.0; RFC 7636 (PKCE),
RFC 9207 (`iss` in the answer), RFC 9700 (security of OAuth 2.0).
"""
