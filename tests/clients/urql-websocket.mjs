import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import { authorization, done, fail, print, ready, socketUrl, subscription, url, variables } from "./common.mjs";

const sockets = createClient({
  url: socketUrl,
  connectionParams: { authorization },
  retryAttempts: 0,
  on: { connected: ready },
});
const client = new Client({
  url,
  preferGetMethod: false,
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

const watched = client.subscription(subscription, variables).subscribe(({ data, error }) => {
  if (error) fail(error);
  print(data);
  done();
  watched.unsubscribe();
  sockets.dispose();
});
