// Mercurius on Fastify with its JIT, its loaders and `postgres`, as its documentation shows.

import { readFileSync } from "node:fs";
import Fastify from "fastify";
import mercurius from "mercurius";
import postgres from "postgres";
import { viewerOf } from "./auth.mjs";
import { decide } from "./policy.mjs";
import { connection, doneByTime, fields, hasRunningDispute, pageSize, refusal, standing, starsOf } from "./resolvers.mjs";
import { decodeCursor, decodeId } from "./words.mjs";

const DAY = 86_400_000;
const sql = postgres({ host: process.env.PGHOST, database: process.env.PGDATABASE, username: "postgres", max: 10 });

const mine = ({ id, role }) => (role === "SUPPLIER" ? sql`supplier_id = ${id}` : sql`buyer_id = ${id}`);
const columns = sql`id, number, kind, currency, total, amount_paid, items, buyer_id, supplier_id, placed_at,
  payment_submitted_at, paid_at, ship_by, shipped_at, completed_at, cancelled_at, feedback_left_at, feedback_replied_at,
  feedback_revised_at, cancellation_pending_since, cancellation_declined_at, dispute_open_since, dispute_lapses_at,
  dispute_settled_at, replacement_agreed_at, return_open_since, refund_due_at, refund_reportable_at,
  complaint_open_since`;
const amounts = sql`, payment_reversed_at, amount_refunded, amount_sent, amount_owed`; // what can be claimed

function beyond(column, after) {
  if (after == null) return sql``;
  const { at, key } = decodeCursor(after);
  return sql`AND ${sql(column)} <= ${at} AND (${sql(column)} < ${at} OR id < ${key})`;
}

function open(can, now) {
  if (can == null) return sql``;
  if (can !== "LEAVE_FEEDBACK") throw new Error("this peer filters by LEAVE_FEEDBACK alone");
  return sql`AND cancelled_at IS NULL AND completed_at IS NOT NULL AND feedback_left_at IS NULL AND (
    kind = 'TRADE_ASSURANCE' AND completed_at >= ${new Date(now - 60 * DAY)}
    OR kind = 'SECURE_PAYMENT' AND completed_at >= ${new Date(now - 30 * DAY)})`;
}

async function order(key, viewer) {
  const [row] = await sql`SELECT ${columns}${amounts} FROM orders WHERE id = ${key} AND ${mine(viewer)}`;
  return row ?? null;
}

async function leaveFeedback(_, { input: { orderId, ratings, comment = null } }, { viewer, now }) {
  const decoded = decodeId(orderId);
  const refused = (order, userErrors) => ({ order, feedback: null, userErrors });
  return sql.begin(async (tx) => {
    const [found] = await tx`SELECT ${columns} FROM orders WHERE id = ${decoded?.key ?? null} AND ${mine(viewer)} FOR NO KEY UPDATE`;
    if (!found) return refused(null, [refusal({ action: "LEAVE_FEEDBACK", reason: "NOT_FOUND", message: "There is nothing here under this id." })]);
    const decision = decide("LEAVE_FEEDBACK", found, viewer, now);
    if (!decision.allowed) return refused(found, [refusal(decision)]);
    const { stars, errors } = starsOf(found, ratings, comment);
    if (errors) return refused(found, errors);
    const at = new Date(now);
    const [feedback] = await tx`
      INSERT INTO feedback (id, order_id, overall, product_as_agreed, communication, shipping_time, comment)
      VALUES (uuidv7(), ${found.id}, ${stars[0]}, ${stars[1]}, ${stars[2]}, ${stars[3]}, ${comment}) RETURNING *`;
    await tx`INSERT INTO events (order_id, at, known_at, by_id, action, facts)
      VALUES (${found.id}, ${at}, ${at}, ${viewer.id}, 'LEAVE_FEEDBACK', ${sql.json({ feedback_left_at: at })})`;
    const [changed] = await tx`
      UPDATE orders SET feedback_left_at = ${at}, changed_at = ${at} WHERE id = ${found.id} RETURNING ${columns}`;
    return { order: changed, feedback: { ...feedback, feedback_left_at: at }, userErrors: [] };
  });
}

const resolvers = {
  ...fields,
  Query: {
    viewer: (_, __, { viewer }) => viewer,
    async node(_, { id }, { viewer }) {
      const decoded = decodeId(id);
      if (decoded?.type === "Order") return order(decoded.key, viewer);
      if (decoded?.type !== "Dispute") return null;
      const [row] = await sql`SELECT * FROM disputes WHERE id = ${decoded.key} AND ${mine(viewer)}`;
      return row ?? null;
    },
  },
  Viewer: {
    ...fields.Viewer,
    async orders(viewer, { first, after, filter }, { now }) {
      const size = pageSize(first);
      const rows = await sql`SELECT ${columns} FROM orders WHERE ${mine(viewer)} ${beyond("placed_at", after)}
        ${open(filter?.can, now)} ORDER BY placed_at DESC, id DESC LIMIT ${size + 1}`;
      return connection(rows, size, after, "placed_at");
    },
    async feedback(viewer, { first, after }) {
      const size = pageSize(first);
      const rows = await sql`SELECT ${columns} FROM orders WHERE ${mine(viewer)} AND feedback_left_at IS NOT NULL
        ${beyond("feedback_left_at", after)} ORDER BY feedback_left_at DESC, id DESC LIMIT ${size + 1}`;
      const found = await feedbackOf(rows);
      return connection(rows, size, after, "feedback_left_at", (row) => ({ ...found.get(row.id), order: row }));
    },
  },
  Mutation: { leaveFeedback },
};

const unique = (queries, column) => [...new Set(queries.map(({ obj }) => obj[column]))];
const byId = (rows) => new Map(rows.map((row) => [row.id, row]));
const loader = (load) => ({ loader: load, opts: { cache: false } }); // no page loads a row twice

const account = (column) =>
  loader(async (queries) => {
    const found = byId(await sql`SELECT id, name, role FROM accounts WHERE id = ANY(${unique(queries, column)}::uuid[])`);
    return queries.map(({ obj }) => found.get(obj[column]) ?? null);
  });

async function feedbackOf(orders) {
  const rows = await sql`SELECT * FROM feedback WHERE order_id = ANY(${orders.map(({ id }) => id)}::uuid[])`;
  const found = new Map(rows.map((row) => [row.order_id, row]));
  for (const { id, feedback_left_at, feedback_replied_at, feedback_revised_at } of orders)
    if (found.has(id)) Object.assign(found.get(id), { feedback_left_at, feedback_replied_at, feedback_revised_at });
  return found;
}

async function proposalsOf(queries) {
  const rows = await sql`SELECT * FROM proposals WHERE dispute_id = ANY(${unique(queries, "id")}::uuid[]) ORDER BY id`;
  const found = new Map(queries.map(({ obj }) => [obj.id, []]));
  for (const row of rows) found.get(row.dispute_id).push(row);
  return queries.map(({ obj }) => found.get(obj.id));
}

async function disputesOf(orders) {
  const rows = await sql`SELECT DISTINCT ON (order_id) * FROM disputes
    WHERE order_id = ANY(${orders}::uuid[]) ORDER BY order_id, opened_at DESC, id DESC`;
  return new Map(rows.map((row) => [row.order_id, row]));
}

const pages = (read, column) =>
  loader((queries, context) =>
    // A page for each row. Operations select it for one row only, so it is one statement.
    Promise.all(queries.map(async ({ obj, params: { first } }) => {
      const size = pageSize(first);
      return connection(await read(obj, size + 1, context), size, null, column);
    })),
  );

const loaders = {
  Order: {
    buyer: account("buyer_id"),
    supplier: account("supplier_id"),
    feedback: loader(async (queries) => {
      const left = queries.map(({ obj }) => obj).filter((row) => row.feedback_left_at !== null);
      const found = left.length ? await feedbackOf(left) : new Map();
      return queries.map(({ obj }) => found.get(obj.id) ?? null);
    }),
    dispute: loader(async (queries) => {
      const found = await disputesOf(unique(queries, "id"));
      return queries.map(({ obj }) => found.get(obj.id) ?? null);
    }),
    timeline: pages(async (row, limit, { now }) => {
      const { id } = row;
      const rows = await sql`SELECT * FROM events WHERE order_id = ${id} ORDER BY at, id LIMIT ${limit}`;
      const late = hasRunningDispute(row) ? doneByTime((await disputesOf([id])).get(id), now) : null;
      return late ? [...rows, late].sort((a, b) => a.at - b.at) : rows;
    }, "at"),
  },
  Dispute: {
    order: loader(async (queries, { viewer }) => {
      const found = byId(await sql`SELECT ${columns} FROM orders WHERE id = ANY(${unique(queries, "order_id")}::uuid[]) AND ${mine(viewer)}`);
      return queries.map(({ obj }) => found.get(obj.order_id) ?? null);
    }),
    proposals: loader(proposalsOf),
    proposal: loader(async (queries, { now }) => {
      const found = await proposalsOf(queries);
      return queries.map(({ obj }, place) => standing(found[place], obj, now));
    }),
    outcome: loader(async (queries) => {
      const found = byId(await sql`SELECT id, name, role FROM accounts WHERE id = ANY(${unique(queries, "outcome_by_id")}::uuid[])`);
      return queries.map(({ obj }) => outcome(obj, found.get(obj.outcome_by_id)));
    }),
    messages: pages(({ id }, limit) => sql`SELECT * FROM messages WHERE case_id = ${id} ORDER BY at DESC, id DESC LIMIT ${limit}`, "at"),
  },
  Proposal: { by: account("by_id") },
  Message: { by: account("by_id") },
  TimelineEntry: { by: account("by_id") },
};

const outcome = (row, by) =>
  row.outcome_resolution && {
    resolution: row.outcome_resolution,
    amount: row.outcome_amount,
    currency: row.outcome_currency,
    by: by ?? null,
    at: row.closed_at,
    note: row.outcome_note,
  };
resolvers.Outcome = fields.Proposal; // an amount and an instant

const find = async (subject, role) =>
  (await sql`SELECT id, name, role FROM accounts WHERE subject = ${subject} AND role = ${role}`)[0];

const app = Fastify();
app.register(mercurius, {
  schema: readFileSync(process.env.SCHEMA, "utf8"),
  resolvers,
  loaders,
  jit: 1,
  context: async (request) => ({ viewer: await viewerOf(request.headers.authorization, find), now: Date.now() }),
});
console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
