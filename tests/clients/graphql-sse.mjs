import { createClient } from "graphql-sse";
import { authorization, done, fail, fetchUntilAnswered, print, subscription, url, variables } from "./common.mjs";

const client = createClient({ url, headers: { authorization }, fetchFn: fetchUntilAnswered, retryAttempts: 0 });

for await (const result of client.iterate({ query: subscription, variables })) {
  if (result.errors) fail(result.errors);
  print(result.data);
  done();
  break;
}
client.dispose();
