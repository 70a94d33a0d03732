// Resolvers that all Node peers share: fields computed from the columns of a row, and from the policy.

import {
  allows, availableActions, checks, deadline, decide, disputeStatus, endedAt, isFinal, nextChangeAt, orderStatus, respondBy,
  returnStatus, viewerState,
} from "./policy.mjs";
import { formOf } from "./forms.mjs";
import { areas, cursor, happened, id, instant, money, rating } from "./words.mjs";

const actionable = {
  availableActions: (row, _, { viewer, now }) => availableActions(row, viewer, now),
  decision: (row, { action }, { viewer, now }) => decide(action, row, viewer, now),
  nextChangeAt: (row, _, { viewer, now }) => nextChangeAt(row, viewer, now),
};

export const fields = {
  Node: { resolveType: (row) => ("due_at" in row ? "Dispute" : "Order") },
  Viewer: { id: (viewer) => id("Viewer", viewer.id), account: (viewer) => viewer },
  Account: { id: (row) => id("Account", row.id) },
  Decision: { checks: (decision, _, { now }) => checks(decision, now), form: (decision) => formOf(decision) },
  Order: {
    id: (row) => id("Order", row.id),
    status: (row) => orderStatus(row),
    total: (row) => money(row.total, row.currency),
    amountPaid: (row) => money(row.amount_paid, row.currency),
    items: (row) =>
      row.items.map(([title, quantity, price, decimals = null]) => ({
        title, quantity, unitPrice: money(price, row.currency, decimals),
      })),
    placedAt: (row) => instant(row.placed_at),
    paidAt: (row) => instant(row.paid_at),
    shippedAt: (row) => instant(row.shipped_at),
    completedAt: (row) => instant(row.completed_at),
    cancelledAt: (row) => instant(row.cancelled_at),
    canLeaveFeedback: (row, _, { viewer, now }) => allows("LEAVE_FEEDBACK", row, viewer, now),
    feedbackDeadline: (row, _, { now }) => deadline("LEAVE_FEEDBACK", row, now),
    revisionDeadline: (row, _, { now }) => deadline("REVISE_FEEDBACK", row, now),
    ...actionable,
  },
  Feedback: {
    id: (row) => id("Feedback", row.id),
    rating,
    areas,
    leftAt: (row) => instant(row.feedback_left_at),
    repliedAt: (row) => instant(row.feedback_replied_at),
    revisedAt: (row) => instant(row.feedback_revised_at),
    original: (row) => row.original && { ...row.original, feedback_left_at: row.feedback_left_at },
  },
  FeedbackVersion: { rating, areas, leftAt: (row) => instant(row.feedback_left_at) },
  Dispute: {
    id: (row) => id("Dispute", row.id),
    status: (row, _, { now }) => disputeStatus(row, now),
    claim: (row) => money(row.claim, row.currency),
    openedAt: (row) => instant(row.opened_at),
    closedAt: (row, _, { now }) => instant(endedAt(row, now)),
    isFinal: (row, _, { now }) => isFinal(row, now),
    viewerState: (row, _, { viewer, now }) => viewerState(row, viewer, now),
    respondBy: (row, _, { now }) => respondBy(row, now),
    ...actionable,
  },
  Proposal: { amount: (row) => money(row.amount, row.currency), at: (row) => instant(row.at) },
  Message: { id: (row) => id("Message", row.id), at: (row) => instant(row.at) },
  TimelineEntry: { at: (row) => instant(row.at), text: happened },
};

/** The proposal on the table, or the one that settled it. */
export function standing(proposals, dispute, now) {
  const settled = dispute.closed_as === "SETTLED" ? true : null;
  if (settled === null && endedAt(dispute, now) !== null) return null;
  return proposals.findLast((each) => each.accepted === settled) ?? null;
}

/** A page of rows that were read by one more than `first`. */
export function connection(rows, first, after, column, node = (row) => row) {
  const edges = rows.slice(0, first).map((row) => ({ cursor: cursor(row[column], row.id), node: node(row) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: after != null,
      startCursor: edges.length ? edges[0].cursor : null,
      endCursor: edges.length ? edges.at(-1).cursor : null,
    },
  };
}

export const pageSize = (first) => Math.min(first ?? 20, 100);

/** The mistakes that a client could make in its ratings. */
export function starsOf(order, ratings, comment) {
  const { overall = null, areas: given = null } = ratings;
  const wrong = (field, code, message) => ({ errors: [{ code: "INVALID_INPUT", problem: code, field: ["ratings", field], message }] });
  if (given !== null && order.kind !== "SECURE_PAYMENT") return wrong("areas", "WRONG_FORM", "This kind of order has one overall rating; send `overall` instead of `areas`.");
  if (given === null && order.kind === "SECURE_PAYMENT") return wrong("overall", "WRONG_FORM", "This kind of order is rated in three areas; send `areas` instead of `overall`.");
  const stars = [overall, given?.productAsAgreed ?? null, given?.communication ?? null, given?.shippingTime ?? null];
  if (stars.some((each) => each !== null && (each < 1 || each > 5))) return wrong("overall", "OUT_OF_RANGE", "Stars are 1 to 5.");
  if (comment != null && comment.length > 4000) return wrong("comment", "TOO_LONG", "At most 4,000 characters.");
  return { stars };
}

export const refusal = (decision) => ({
  code: decision.reason,
  message: decision.message,
  problem: null,
  field: null,
  decision,
});

const LAST = "9223372036854775807"; // larger than any stored id

/** A dispute is open, or the end of its return is not written down. */
export const hasRunningDispute = (order) => order.dispute_open_since !== null || order.return_open_since !== null;

const RETURN_ENDS = { RECEIVED: "return_received_at", EXPIRED: "return_expired_at", WAIVED: "return_waived_at" };

/** What time has done to a dispute that nobody has written down yet, as an event; null where that is nothing. */
export function doneByTime(dispute, now) {
  if (dispute?.due_at == null) return null;
  const facts = factsByTime(dispute, now);
  return facts && { id: LAST, at: dispute.due_at, by_id: null, by: null, action: null, facts };
}

function factsByTime(dispute, now) {
  if (dispute.closed_at === null) {
    if (endedAt(dispute, now) !== null) return { closed_as: "LAPSED" };
    return dispute.waits_for !== "AGENT" && now > +dispute.due_at ? { waits_for: "AGENT" } : null;
  }
  const end = RETURN_ENDS[returnStatus(dispute, now)];
  return end !== undefined && dispute[end] === null ? { [end]: dispute.due_at } : null;
}
