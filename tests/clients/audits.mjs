// The audits of GraphQL over HTTP, by the library that the specification's working group keeps.
import { serverAudits } from "graphql-http";
import { authorization, done, print, url } from "./common.mjs";

function fetchFn(url, { headers, ...asked } = {}) {
  return fetch(url, { ...asked, headers: { ...headers, authorization } });
}

for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  print({ id, name, status, reason });
}
done();
