// What every client is given, and what it prints: one JSON line for each thing that it has to tell.

const { RECOURSE_URL, RECOURSE_TOKEN, RECOURSE_ORDER } = process.env;

export const url = `${RECOURSE_URL}/graphql`;
export const socketUrl = url.replace(/^http/, "ws");
export const authorization = `Bearer ${RECOURSE_TOKEN}`;
export const variables = { id: RECOURSE_ORDER };

export const subscription =
  "subscription($id: ID!) { orderChanged(orderId: $id) { id canLeaveFeedback feedback { rating } } }";
export const query = "query($id: ID!) { node(id: $id) { id ... on Order { canLeaveFeedback } } }";
export const mutation = `mutation($id: ID!) {
  leaveFeedback(input: { orderId: $id, ratings: { overall: 4 } }) { order { id canLeaveFeedback } userErrors { code } }
}`;

// Node has one of its own from version 22 on.
globalThis.WebSocket ??= (await import("ws")).WebSocket;

// Apollo asks for __typename everywhere.
const shown = (name, value) => (name === "__typename" ? undefined : value);

export const print = (line) => console.log(JSON.stringify(line, shown));
export const ready = () => print({ ready: true });

export function fail(error) {
  const [{ code, reason, message, stack }] = [error].flat();
  console.error(JSON.stringify({ code, reason, message, stack }));
  process.exit(1);
}

process.on("unhandledRejection", fail);
process.on("uncaughtException", fail);

// A client that ends by itself before it has got what it is there for has failed, too.
process.exitCode = 1;
setTimeout(() => fail(new Error("nothing came in time")), 20_000).unref();

// The client must end by itself from here on: everything that it opened has to be closed.
export function done() {
  process.exitCode = 0;
}

// Tells that the server has begun to answer, which for a stream is as much as a client can know.
export async function fetchUntilAnswered(...request) {
  const response = await fetch(...request);
  if (response.ok) ready();
  return response;
}

// Tells what was asked for and what came.
export async function fetchTold(...request) {
  const response = await fetch(...request);
  print({ accept: new Headers(request[1].headers).get("accept"), contentType: response.headers.get("content-type") });
  return response;
}
