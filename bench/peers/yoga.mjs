// GraphQL Yoga on Node's HTTP server, with `pg` and DataLoader, as its documentation shows.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import DataLoader from "dataloader";
import { createSchema, createYoga } from "graphql-yoga";
import pg from "pg";
import { viewerOf } from "./auth.mjs";
import { decide } from "./policy.mjs";
import { connection, doneByTime, fields, hasRunningDispute, pageSize, refusal, standing, starsOf } from "./resolvers.mjs";
import { decodeCursor, decodeId } from "./words.mjs";

const DAY = 86_400_000;
const pool = new pg.Pool({ host: process.env.PGHOST, database: process.env.PGDATABASE, user: "postgres", max: 10 });

/** Prepared once a connection, under its name. */
async function rows(name, text, values, client = pool) {
  return (await client.query({ name, text, values })).rows;
}

const mine = ({ role }) => (role === "SUPPLIER" ? "supplier_id" : "buyer_id");
const COLUMNS = `id, number, kind, currency, total, amount_paid, items, buyer_id, supplier_id, placed_at,
  payment_submitted_at, paid_at, ship_by, shipped_at, completed_at, cancelled_at, feedback_left_at, feedback_replied_at,
  feedback_revised_at, cancellation_pending_since, cancellation_declined_at, dispute_open_since, dispute_lapses_at,
  dispute_settled_at, replacement_agreed_at, return_open_since, refund_due_at, refund_reportable_at,
  complaint_open_since`;
const AMOUNTS = "payment_reversed_at, amount_refunded, amount_sent, amount_owed"; // what can be claimed

/** Loads what `column` names, one row for each key. */
function oneBy(name, text, column) {
  return new DataLoader(async (keys) => {
    const found = new Map((await rows(name, text, [keys])).map((row) => [row[column], row]));
    return keys.map((key) => found.get(key) ?? null);
  });
}

const loaders = (viewer) => ({
  accounts: oneBy("accounts", "SELECT id, name, role FROM accounts WHERE id = ANY($1)", "id"),
  feedback: oneBy("feedback", "SELECT * FROM feedback WHERE order_id = ANY($1)", "order_id"),
  disputes: oneBy(
    "disputes",
    "SELECT DISTINCT ON (order_id) * FROM disputes WHERE order_id = ANY($1) ORDER BY order_id, opened_at DESC, id DESC",
    "order_id",
  ),
  orders: new DataLoader(async (keys) => {
    const text = `SELECT ${COLUMNS}, ${AMOUNTS} FROM orders WHERE id = ANY($1) AND ${mine(viewer)} = $2`;
    const found = new Map((await rows(`orders of ${viewer.role}`, text, [keys, viewer.id])).map((row) => [row.id, row]));
    return keys.map((key) => found.get(key) ?? null);
  }),
  proposals: new DataLoader(async (keys) => {
    const found = new Map(keys.map((key) => [key, []]));
    const text = "SELECT * FROM proposals WHERE dispute_id = ANY($1) ORDER BY id";
    for (const row of await rows("proposals", text, [keys])) found.get(row.dispute_id).push(row);
    return keys.map((key) => found.get(key));
  }),
});

const said = (order, feedback) =>
  feedback && {
    ...feedback,
    feedback_left_at: order.feedback_left_at,
    feedback_replied_at: order.feedback_replied_at,
    feedback_revised_at: order.feedback_revised_at,
  };

const by = (column) => (row, _, { load }) => (row[column] === null ? null : load.accounts.load(row[column]));

async function leaveFeedback(_, { input: { orderId, ratings, comment = null } }, { viewer, now }) {
  const refused = (order, userErrors) => ({ order, feedback: null, userErrors });
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const lock = `SELECT ${COLUMNS} FROM orders WHERE id = $1 AND ${mine(viewer)} = $2 FOR NO KEY UPDATE`;
    const [found] = await rows(`lock for ${viewer.role}`, lock, [decodeId(orderId)?.key ?? null, viewer.id], client);
    const decision = found ? decide("LEAVE_FEEDBACK", found, viewer, now) : { allowed: false, reason: "NOT_FOUND", message: "There is nothing here under this id." };
    const { stars, errors } = decision.allowed ? starsOf(found, ratings, comment) : { errors: [refusal(decision)] };
    if (errors) {
      await client.query("ROLLBACK");
      return refused(found ?? null, errors);
    }
    const at = new Date(now);
    const [feedback] = await rows(
      "rate",
      `INSERT INTO feedback (id, order_id, overall, product_as_agreed, communication, shipping_time, comment)
       VALUES (uuidv7(), $1, $2, $3, $4, $5, $6) RETURNING *`,
      [found.id, ...stars, comment],
      client,
    );
    const tell = `INSERT INTO events (order_id, at, known_at, by_id, action, facts) VALUES ($1, $2, $2, $3, 'LEAVE_FEEDBACK', $4)`;
    await rows("tell", tell, [found.id, at, viewer.id, { feedback_left_at: at }], client);
    const fold = `UPDATE orders SET feedback_left_at = $2, changed_at = $2 WHERE id = $1 RETURNING ${COLUMNS}`;
    const [changed] = await rows("fold", fold, [found.id, at], client);
    await client.query("COMMIT");
    return { order: changed, feedback: said(changed, feedback), userErrors: [] };
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

async function page(viewer, column, condition, more, { first, after }, node) {
  const size = pageSize(first);
  const values = [viewer.id, size + 1, ...more];
  let text = `SELECT ${COLUMNS} FROM orders WHERE ${mine(viewer)} = $1 AND ${condition}`;
  if (after != null) {
    const { at, key } = decodeCursor(after);
    const place = `$${values.push(at)}`;
    text += ` AND ${column} <= ${place} AND (${column} < ${place} OR id < $${values.push(key)})`;
  }
  text += ` ORDER BY ${column} DESC, id DESC LIMIT $2`;
  const found = await rows(`${mine(viewer)} ${column} ${condition.length} ${after != null}`, text, values);
  return connection(found, size, after, column, node);
}

const CAN = `cancelled_at IS NULL AND completed_at IS NOT NULL AND feedback_left_at IS NULL AND (
  kind = 'TRADE_ASSURANCE' AND completed_at >= $3 OR kind = 'SECURE_PAYMENT' AND completed_at >= $4)`;

const resolvers = {
  ...fields,
  Node: { __resolveType: fields.Node.resolveType },
  Query: {
    viewer: (_, __, { viewer }) => viewer,
    async node(_, { id }, { viewer, load }) {
      const decoded = decodeId(id);
      if (decoded?.type === "Order") return load.orders.load(decoded.key);
      if (decoded?.type !== "Dispute") return null;
      const text = `SELECT * FROM disputes WHERE id = $1 AND ${mine(viewer)} = $2`;
      return (await rows(`dispute of ${viewer.role}`, text, [decoded.key, viewer.id]))[0] ?? null;
    },
  },
  Viewer: {
    ...fields.Viewer,
    orders(viewer, args, { now }) {
      if (args.filter?.can == null) return page(viewer, "placed_at", "TRUE", [], args);
      return page(viewer, "placed_at", CAN, [new Date(now - 60 * DAY), new Date(now - 30 * DAY)], args);
    },
    feedback: (viewer, args, { load }) =>
      page(viewer, "feedback_left_at", "feedback_left_at IS NOT NULL", [], args, async (order) => ({
        ...said(order, await load.feedback.load(order.id)),
        order,
      })),
  },
  Order: {
    ...fields.Order,
    buyer: by("buyer_id"),
    supplier: by("supplier_id"),
    feedback: async (row, _, { load }) =>
      row.feedback_left_at === null ? null : said(row, await load.feedback.load(row.id)),
    dispute: (row, _, { load }) => load.disputes.load(row.id),
    async timeline(row, { first }, { load, now }) {
      const size = pageSize(first);
      const text = "SELECT * FROM events WHERE order_id = $1 ORDER BY at, id LIMIT $2";
      const events = await rows("timeline", text, [row.id, size + 1]);
      const late = hasRunningDispute(row) ? doneByTime(await load.disputes.load(row.id), now) : null;
      return connection(late ? [...events, late].sort((a, b) => a.at - b.at) : events, size, null, "at");
    },
  },
  Dispute: {
    ...fields.Dispute,
    order: (row, _, { load }) => load.orders.load(row.order_id),
    proposals: (row, _, { load }) => load.proposals.load(row.id),
    proposal: async (row, _, { load, now }) => standing(await load.proposals.load(row.id), row, now),
    outcome: (row) =>
      row.outcome_resolution && {
        resolution: row.outcome_resolution,
        amount: row.outcome_amount,
        currency: row.outcome_currency,
        by_id: row.outcome_by_id,
        at: row.closed_at,
        note: row.outcome_note,
      },
    async messages(row, { first }) {
      const size = pageSize(first);
      const text = "SELECT * FROM messages WHERE case_id = $1 ORDER BY at DESC, id DESC LIMIT $2";
      return connection(await rows("messages", text, [row.id, size + 1]), size, null, "at");
    },
  },
  Proposal: { ...fields.Proposal, by: by("by_id") },
  Outcome: { ...fields.Proposal, by: by("by_id") },
  Message: { ...fields.Message, by: by("by_id") },
  TimelineEntry: { ...fields.TimelineEntry, by: by("by_id") },
  Mutation: { leaveFeedback },
};

const find = async (subject, role) =>
  (await rows("account", "SELECT id, name, role FROM accounts WHERE subject = $1 AND role = $2", [subject, role]))[0];

const yoga = createYoga({
  schema: createSchema({ typeDefs: readFileSync(process.env.SCHEMA, "utf8"), resolvers }),
  graphiql: false,
  logging: false,
  async context({ request }) {
    const viewer = await viewerOf(request.headers.get("authorization"), find);
    return { viewer, now: Date.now(), load: loaders(viewer) };
  },
});
const server = createServer(yoga);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
