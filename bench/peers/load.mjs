// Generates load with autocannon. Each job is a line of JSON on standard input, its result a line on standard output.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import autocannon from "autocannon";

const prepared = new Map();

function requestsOf(file) {
  if (!prepared.has(file)) prepared.set(file, JSON.parse(readFileSync(file, "utf8")));
  return prepared.get(file);
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

async function run({ url, requests: file, connections, seconds, once }) {
  const requests = requestsOf(file);
  const share = Math.floor(requests.length / connections);
  let place = 0;
  const latencies = [];
  const began = performance.now();
  let ended = began;
  const running = autocannon({
    url,
    connections,
    sampleInt: 100,
    // Each connection has its own share of the requests. A request that succeeds only once is sent at most once.
    ...(once ? { amount: Math.min(share, Math.ceil(seconds * 16)) * connections } : { duration: seconds }),
    verifyBody: (body) => !body.includes('"errors"') && !body.includes('"userErrors":[{'),
    setupClient(client) {
      const mine = place++ * share;
      client.setRequests(requests.slice(mine, mine + share));
    },
  });
  running.on("response", (_client, _status, _bytes, milliseconds) => {
    latencies.push(milliseconds);
    ended = performance.now();
  });
  const result = await running;
  latencies.sort((a, b) => a - b);
  return {
    requests: latencies.length,
    sent: result.requests.sent,
    seconds: (ended - began) / 1000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    failed: result.errors + result.non2xx + result.mismatches + result.timeouts,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}
