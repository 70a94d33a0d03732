import { createHash } from "node:crypto";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { authorization, done, print, query, url, variables } from "./common.mjs";

// Tells how each request went, and whether it held the document.
async function fetchCounted(address, asked) {
  const response = await fetch(address, asked);
  const sent = asked.body ? "query" in JSON.parse(asked.body) : new URL(address).searchParams.has("query");
  print({ method: asked.method, sent, status: response.status });
  return response;
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const link = new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(
  new HttpLink({ uri: url, headers: { authorization }, fetch: fetchCounted }),
);
const client = new ApolloClient({ cache: new InMemoryCache(), link });

// A document that nobody has sent before.
const asked = { query: gql(query.replace("query(", `query P${Date.now()}_${process.pid}(`)), variables };
for (let again = 0; again < 2; again += 1) {
  print((await client.query({ ...asked, fetchPolicy: "no-cache" })).data);
}
done();
