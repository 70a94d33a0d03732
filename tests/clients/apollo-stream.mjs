import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { authorization, done, fail, fetchUntilAnswered, print, subscription, url, variables } from "./common.mjs";

const link = new HttpLink({ uri: url, headers: { authorization }, fetch: fetchUntilAnswered });
const client = new ApolloClient({ cache: new InMemoryCache(), link });

const watched = client.subscribe({ query: gql(subscription), variables }).subscribe({
  next({ data, error }) {
    if (error) fail(error);
    print(data);
    done();
    watched.unsubscribe();
  },
  error: fail,
});
