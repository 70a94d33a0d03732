import { Client, fetchExchange } from "@urql/core";
import { authorization, done, fail, fetchUntilAnswered, print, subscription, url, variables } from "./common.mjs";

const client = new Client({
  url,
  preferGetMethod: false,
  fetch: fetchUntilAnswered,
  fetchOptions: { headers: { authorization } },
  fetchSubscriptions: true,
  exchanges: [fetchExchange],
});

const watched = client.subscription(subscription, variables).subscribe(({ data, error }) => {
  if (error) fail(error);
  print(data);
  done();
  // While it is handing over a result, urql lets the end of its own request escape as an unhandled rejection.
  setImmediate(watched.unsubscribe);
});
