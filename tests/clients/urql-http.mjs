import { Client, fetchExchange } from "@urql/core";
import { authorization, done, fail, fetchTold, mutation, print, query, url, variables } from "./common.mjs";

const client = new Client({
  url,
  preferGetMethod: false,
  fetch: fetchTold,
  fetchOptions: { headers: { authorization } },
  exchanges: [fetchExchange],
});

for (const asked of [client.query(query, variables), client.mutation(mutation, variables)]) {
  const { data, error } = await asked.toPromise();
  if (error) fail(error);
  print(data);
}
done();
