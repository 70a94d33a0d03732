// Finds the account of a token: RS256 with the issuer's published key, by fast-jwt, which caches verified tokens.

import { createPublicKey } from "node:crypto";
import { createVerifier } from "fast-jwt";

const { keys } = await (await fetch(process.env.JWKS_URL)).json();
const pem = createPublicKey({ key: keys[0], format: "jwk" }).export({ type: "spki", format: "pem" });
const verify = createVerifier({
  key: pem,
  algorithms: ["RS256"],
  allowedIss: process.env.ISSUER,
  allowedAud: process.env.AUDIENCE,
  cache: 10_000,
});

const accounts = new Map(); // accounts are never removed and keep their id

/** The account of an Authorization header. `find` reads it by subject and role, once. */
export async function viewerOf(authorization, find) {
  const claims = verify((authorization ?? "").replace(/^Bearer /i, ""));
  const key = `${claims.role} ${claims.sub}`;
  let account = accounts.get(key);
  if (account === undefined) accounts.set(key, (account = await find(claims.sub, claims.role)));
  return account;
}
