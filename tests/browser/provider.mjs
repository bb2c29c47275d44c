// A real provider of OpenID Connect for tests, with a key made now. Its one argument is JSON:
//
//   {"port": 9, "client": "laegeknap", "secret": "...", "back": "http://...", "after": "http://...",
//    "told": "http://...", "skew": 0, "people": {"sara": {"name": "Sara Holm", "groups": ["solgaarden"]}}}
//
// Anybody of `people` signs in with any password. It says to `told` that somebody is signed out. `skew`: seconds by which
// its clock is wrong. "ready" when it listens.

import { generateKeyPairSync } from "node:crypto";

const settings = JSON.parse(process.argv[2]);
const { now } = Date;
Date.now = () => now() + settings.skew * 1000;
const { default: Provider } = await import("oidc-provider");

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const provider = new Provider(`http://127.0.0.1:${settings.port}`, {
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
  clients: [{
    client_id: settings.client,
    client_secret: settings.secret,
    redirect_uris: [settings.back],
    post_logout_redirect_uris: [settings.after],
    backchannel_logout_uri: settings.told,
    backchannel_logout_session_required: true,
    grant_types: ["authorization_code"],
    response_types: ["code"],
  }],
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"] },
  findAccount: (_, id) => settings.people[id] && {
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, ...settings.people[id] }),
  },
  features: { backchannelLogout: { enabled: true } },
  cookies: { keys: ["of a test"] },
});
provider.listen(settings.port, "127.0.0.1", () => console.log("ready"));
