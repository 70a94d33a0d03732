import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { authorization, done, fetchTold, mutation, print, query, url, variables } from "./common.mjs";

const link = new HttpLink({ uri: url, headers: { authorization }, fetch: fetchTold });
const client = new ApolloClient({ cache: new InMemoryCache(), link });

print((await client.query({ query: gql(query), variables })).data);
print((await client.mutate({ mutation: gql(mutation), variables })).data);
done();
