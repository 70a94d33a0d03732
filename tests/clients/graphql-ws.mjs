import { createClient } from "graphql-ws";
import { authorization, done, fail, print, ready, socketUrl, subscription, variables } from "./common.mjs";

const client = createClient({
  url: socketUrl,
  connectionParams: { authorization },
  retryAttempts: 0,
  on: { connected: ready },
});

for await (const result of client.iterate({ query: subscription, variables })) {
  if (result.errors) fail(result.errors);
  print(result.data);
  done();
  break;
}
await client.dispose();
