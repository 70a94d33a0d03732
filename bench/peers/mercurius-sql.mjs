// Mercurius on Fastify with its JIT, hand-tuned: one statement for each query, instants as numbers, no serialization of leaves.

import { readdirSync, readFileSync } from "node:fs";
import Fastify from "fastify";
import mercurius from "mercurius";
import postgres from "postgres";
import { viewerOf } from "./auth.mjs";
import { decide } from "./policy.mjs";
import { connection, doneByTime, fields, hasRunningDispute, pageSize, refusal, standing, starsOf } from "./resolvers.mjs";
import { decodeCursor, decodeId } from "./words.mjs";

const DAY = 86_400_000;
const number = (text, from, to) => +text.slice(from, to);

/** "2026-11-25 12:00:00.123+00" as milliseconds: the connections' time zone is UTC. */
function parseInstant(text) {
  const end = text.length - 3;
  const fraction = end > 19 ? +text.slice(19, end) * 1000 : 0;
  const day = [number(text, 0, 4), number(text, 5, 7) - 1, number(text, 8, 10)];
  return Date.UTC(...day, number(text, 11, 13), number(text, 14, 16), number(text, 17, 19)) + Math.round(fraction);
}

const sql = postgres({
  host: process.env.PGHOST,
  database: process.env.PGDATABASE,
  username: "postgres",
  max: 10,
  connection: { TimeZone: "UTC" },
  types: { date: { to: 1184, from: [1184], serialize: (at) => new Date(at).toISOString(), parse: parseInstant } },
});
const texts = new URL("sql/", import.meta.url);
const statements = Object.fromEntries(
  readdirSync(texts).map((name) => [name.replace(".sql", ""), readFileSync(new URL(name, texts), "utf8")]),
);
const run = (name, values) => sql.unsafe(statements[name], values, { prepare: true });

const milliseconds = (seconds) => Math.round(seconds * 1000);
const proposal = ([resolution, amount, currency, by, name, at, accepted, role]) => ({
  resolution, amount, currency, by: { id: by, name, role }, at: milliseconds(at), accepted,
});
const event = ([id, at, by, name, role, action, facts, refund_status]) => ({
  id, at: milliseconds(at), by: by && { id: by, name, role }, by_id: by, action, facts, refund_status,
});
const message = ([id, by, name, role, at, text]) => ({ id, by: { id: by, name, role }, at: milliseconds(at), text });

async function leaveFeedback(_, { input: { orderId, ratings, comment = null } }, { viewer, now }) {
  const decoded = decodeId(orderId);
  const refused = (order, userErrors) => ({ order, feedback: null, userErrors });
  return sql.begin(async (tx) => {
    const [found] = await tx`SELECT * FROM orders WHERE id = ${decoded?.key ?? null} AND buyer_id = ${viewer.id} FOR NO KEY UPDATE`;
    if (!found) return refused(null, [refusal({ action: "LEAVE_FEEDBACK", reason: "NOT_FOUND", message: "There is nothing here under this id." })]);
    const decision = decide("LEAVE_FEEDBACK", found, viewer, now);
    if (!decision.allowed) return refused(found, [refusal(decision)]);
    const { stars, errors } = starsOf(found, ratings, comment);
    if (errors) return refused(found, errors);
    const facts = sql.json({ feedback_left_at: new Date(now) });
    const [{ id }] = await tx`
      WITH left_now AS (
        INSERT INTO feedback (id, order_id, overall, product_as_agreed, communication, shipping_time, comment)
        VALUES (uuidv7(), ${found.id}, ${stars[0]}, ${stars[1]}, ${stars[2]}, ${stars[3]}, ${comment}) RETURNING id
      ), told AS (
        INSERT INTO events (order_id, at, known_at, by_id, action, facts)
        VALUES (${found.id}, ${now}, ${now}, ${viewer.id}, 'LEAVE_FEEDBACK', ${facts})
      ), folded AS (UPDATE orders SET feedback_left_at = ${now}, changed_at = ${now} WHERE id = ${found.id})
      SELECT id FROM left_now`;
    const [overall, product_as_agreed, communication, shipping_time] = stars;
    Object.assign(found, { feedback_left_at: now });
    const feedback = { ...found, id, overall, product_as_agreed, communication, shipping_time, comment };
    return { order: found, feedback, userErrors: [] };
  });
}

const resolvers = {
  ...fields,
  Query: {
    viewer: (_, __, { viewer }) => viewer,
    async node(_, { id }, { viewer }, { operation }) {
      const decoded = decodeId(id);
      const name = { Order: operation.name.value === "OrderForms" ? "forms" : "order", Dispute: "dispute" }[decoded?.type];
      return name ? ((await run(name, [decoded.key, viewer.id]))[0] ?? null) : null;
    },
  },
  Node: { resolveType: (row) => ("order_number" in row ? "Dispute" : "Order") },
  Viewer: {
    ...fields.Viewer,
    async orders(viewer, { first, after, filter }, { now }) {
      const size = pageSize(first);
      if (filter?.can != null) {
        const rows = await run("can", [viewer.id, now - 60 * DAY, now - 30 * DAY, size + 1]);
        return connection(rows, size, after, "placed_at");
      }
      const { at, key } = after == null ? { at: null, key: null } : decodeCursor(after);
      return connection(await run("orders", [viewer.id, at, key, size + 1]), size, after, "placed_at");
    },
    async feedback(viewer, { first, after }) {
      const size = pageSize(first);
      const rows = await run("feedback", [viewer.id, size + 1]);
      return connection(rows, size, after, "feedback_left_at", (row) => ({ ...row, id: row.feedback_id, order: row }));
    },
  },
  Order: {
    ...fields.Order,
    buyer: (row) => ({ id: row.buyer_id, name: row.buyer_name }),
    supplier: (row) => ({ id: row.supplier_id, name: row.supplier_name, role: "SUPPLIER" }),
    feedback: (row) => (row.feedback_id === null ? null : { ...row, id: row.feedback_id }),
    dispute: (row) =>
      row.dispute_id === null ? null : { ...row, id: row.dispute_id, number: row.dispute_number, currency: row.dispute_currency },
    timeline: (row, { first }, { now }) => {
      const late = hasRunningDispute(row) ? doneByTime(row, now) : null;
      const events = (row.events ?? []).map(event);
      return connection(late ? [...events, late].sort((a, b) => a.at - b.at) : events, pageSize(first), null, "at");
    },
  },
  Dispute: {
    ...fields.Dispute,
    order: (row) => ({ ...row, id: row.order_id, number: row.order_number }),
    proposals: (row) => (row.proposals ?? []).map(proposal),
    proposal: (row, _, { now }) => standing((row.proposals ?? []).map(proposal), row, now),
    outcome: (row) =>
      row.outcome_resolution && {
        resolution: row.outcome_resolution,
        amount: row.outcome_amount,
        currency: row.outcome_currency,
        by: { id: row.outcome_by_id, name: row.outcome_by_name, role: row.outcome_by_role },
        at: row.closed_at,
        note: row.outcome_note,
      },
    messages: (row, { first }) => connection((row.messages ?? []).map(message), pageSize(first), null, "at"),
  },
  Outcome: fields.Proposal, // an amount and an instant
  Mutation: { leaveFeedback },
};

const find = async (subject, role) =>
  (await sql`SELECT id, name, role FROM accounts WHERE subject = ${subject} AND role = ${role}`)[0];

const app = Fastify();
app.register(mercurius, {
  schema: readFileSync(process.env.SCHEMA, "utf8"),
  resolvers,
  jit: 1,
  compilerOptions: { disableLeafSerialization: true, disablingCapturingStackErrors: true },
  context: async (request) => ({ viewer: await viewerOf(request.headers.authorization, find), now: Date.now() }),
});
console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
