import { ApolloClient, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import { authorization, done, fail, print, ready, socketUrl, subscription, variables } from "./common.mjs";

const sockets = createClient({
  url: socketUrl,
  connectionParams: { authorization },
  retryAttempts: 0,
  on: { connected: ready },
});
const client = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(sockets) });

const watched = client.subscribe({ query: gql(subscription), variables }).subscribe({
  next({ data, error }) {
    if (error) fail(error);
    print(data);
    done();
    watched.unsubscribe();
    sockets.dispose();
  },
  error: fail,
});
