// The formats of values: ids, money, ratings, cursors, and the sentences of a timeline.

import { spell } from "./policy.mjs";

const EXPONENTS = { USD: 2, EUR: 2, JPY: 0 };
const PREFIXES = { Account: "acc", Viewer: "viw", Order: "ord", Feedback: "fbk", Dispute: "dsp", Message: "msg", Line: "lin" };
const TYPES = Object.fromEntries(Object.entries(PREFIXES).map(([name, prefix]) => [prefix, name]));

export const id = (type, key) => `${PREFIXES[type]}_${key.replaceAll("-", "")}`;

export function decodeId(text) {
  const match = /^([a-z]{3})_([0-9a-f]{32})$/.exec(text);
  if (!match || !(match[1] in TYPES)) return null;
  const hex = match[2];
  const key = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return { type: TYPES[match[1]], key };
}

function amount(minor, decimals) {
  if (decimals === 0) return String(minor);
  const digits = String(minor).padStart(decimals + 1, "0");
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** A unit price may have more decimals than its currency. */
export const money = (minor, currency, decimals = null) =>
  minor === null ? null : { amount: amount(minor, decimals ?? EXPONENTS[currency]), currencyCode: currency };

export function rating(row) {
  if (row.overall !== null) return `${row.overall}.0`;
  const tenths = Math.floor(((row.product_as_agreed + row.communication + row.shipping_time) * 20 + 3) / 6);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}

export const areas = (row) =>
  row.product_as_agreed === null
    ? null
    : { productAsAgreed: row.product_as_agreed, communication: row.communication, shippingTime: row.shipping_time };

export const cursor = (at, key) =>
  Buffer.from(`${+at * 1000}.${String(key).replaceAll("-", "")}`).toString("base64url");

export function decodeCursor(text) {
  const [micros, hex] = Buffer.from(text, "base64url").toString().split(".");
  return { at: new Date(micros / 1000), key: hex };
}

export const instant = (value) => (value === null ? null : spell(value));

const DONE = {
  LEAVE_FEEDBACK: "The buyer left feedback.",
  REVISE_FEEDBACK: "The buyer revised the feedback.",
  REPLY_TO_FEEDBACK: "The supplier replied to the feedback.",
  CANCEL_ORDER: "The buyer cancelled the order.",
  REQUEST_CANCELLATION: "The buyer asked the supplier to cancel the order.",
  WITHDRAW_CANCELLATION: "The buyer withdrew the cancellation request.",
  ACCEPT_CANCELLATION: "The supplier accepted the cancellation request; the order is cancelled.",
  DECLINE_CANCELLATION: "The supplier declined the cancellation request.",
  OPEN_DISPUTE: "The buyer opened a dispute.",
  PROPOSE_RESOLUTION: "A resolution was proposed.",
  ACCEPT_PROPOSAL: "The proposal was accepted; the dispute is settled.",
  REJECT_PROPOSAL: "The proposal was rejected.",
  POST_DISPUTE_MESSAGE: "A message was written.",
  ESCALATE_DISPUTE: "The dispute was handed to an agent.",
  WITHDRAW_DISPUTE: "The buyer withdrew the dispute.",
  REQUEST_EVIDENCE: "An agent asked for evidence.",
  RESOLVE_DISPUTE: "An agent decided the dispute.",
  CONCEDE_DISPUTE: "The supplier accepted the claim; the dispute is settled.",
  REVISE_CLAIM: "The buyer changed the claim.",
  APPEAL_DECISION: "The decision was appealed.",
  PROVIDE_RETURN_ADDRESS: "The supplier gave the address for the return.",
  CONFIRM_RETURN_SHIPPED: "The buyer sent the goods back.",
  CONFIRM_RETURN_RECEIVED: "The supplier received the goods.",
  REFUSE_RETURN: "The supplier refused the returned goods; an agent decides anew.",
  REPORT_MISSING_REFUND: "The buyer reported that a refund has not arrived.",
  FILE_COMPLAINT: "The buyer filed a complaint with the Complaint Center.",
  POST_COMPLAINT_MESSAGE: "A message was written.",
  WITHDRAW_COMPLAINT: "The buyer withdrew the complaint.",
  TAKE_UP_COMPLAINT: "An agent took up the complaint.",
  RESOLVE_COMPLAINT: "An agent decided the complaint.",
  REJECT_COMPLAINT: "An agent rejected the complaint.",
};
const REFUNDS = {
  DUE: "A refund is owed.",
  VOID: "A refund is no longer owed.",
  SENT: "A refund is on its way.",
  SUCCEEDED: "A refund has arrived.",
  FAILED: "A refund did not go through.",
};
const STANDS_AGAIN = "The buyer withdrew the dispute; the earlier outcome stands again.";
const CHANGED = "The order's details were changed.";
const DETERMINED = "What follows from earlier agreements and decisions was determined.";
const HAPPENED = [
  ["placed_at", "The order was placed.", CHANGED],
  ["paid_at", "The payment was received.", "The payment was taken back."],
  ["payment_submitted_at", "The buyer submitted a payment.", "The payment did not go through."],
  ["shipped_at", "The order was shipped.", "The shipment was taken back."],
  ["delivered_at", "The order was delivered.", "The delivery was taken back."],
  ["completed_at", "The order was completed.", "The completion was taken back."],
  ["cancelled_at", "The order was cancelled.", "The cancellation was taken back."],
  ["cancellation_pending_since", CHANGED, "The cancellation request was superseded by a change of the order."],
  ["return_waived_at", "No return address came in time; the refund is owed without a return.", CHANGED],
  ["return_expired_at", "The goods were not sent back in time; no refund is owed.", CHANGED],
  ["return_received_at", "The supplier did not answer in time; the goods count as received.", CHANGED],
  ["closed_as", "The requested evidence did not arrive in time; the dispute lapsed.", CHANGED],
  ["waits_for", "Nobody answered in time; an agent reviews the dispute.", CHANGED],
  ["return_began_at", DETERMINED, DETERMINED],
  ["replacement_agreed_at", DETERMINED, DETERMINED],
  ["cancellation_declined_at", DETERMINED, DETERMINED],
  ["answered_at", DETERMINED, DETERMINED],
  ["due_at", DETERMINED, DETERMINED],
  ["claimable", "The amount that can be claimed for the order changed.", CHANGED],
];

const standsAgain = ({ action, facts, case_facts }) =>
  action === "WITHDRAW_DISPUTE" && { ...facts, ...case_facts }.closed_as !== "WITHDRAWN";

export function happened(event) {
  if (event.action !== null) return standsAgain(event) ? STANDS_AGAIN : DONE[event.action];
  if (event.by_id !== null) return CHANGED;
  if (event.refund_status != null) return REFUNDS[event.refund_status];
  const facts = { ...event.facts, ...event.case_facts };
  for (const [fact, came, went] of HAPPENED) if (fact in facts) return facts[fact] === null ? went : came;
  return CHANGED;
}
