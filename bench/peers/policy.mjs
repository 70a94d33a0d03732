// The policy as a Node team would write it: the same rules and messages as resolvers/policy, for the actions on orders
// and disputes. Facts are the columns of a row. An instant is a Date or milliseconds; `now` is milliseconds.

const DAY = 86_400_000;
const MOMENT = 0.001; // a microsecond; doubles are precise enough for this

const notCancelled = ["ALREADY_CANCELLED", (o) => o.cancelled_at === null];
const complete = ["NOT_COMPLETED", (o) => o.completed_at !== null];
const notComplete = ["ALREADY_COMPLETED", (o) => o.completed_at === null];
const notPaid = ["ALREADY_PAID", (o) => o.paid_at === null];
const paidOrComplete = ["NOT_PAID", (o) => o.paid_at !== null || o.completed_at !== null];
const paying = (o) => o.payment_submitted_at !== null && o.paid_at === null;
const noPayment = ["PAYMENT_PROCESSING", (o) => !paying(o)];
const noPaymentUnlessComplete = ["PAYMENT_PROCESSING", (o) => !paying(o) || o.completed_at !== null];
const shipped = ["NOT_SHIPPED", (o) => o.shipped_at !== null];
const notShipped = ["ALREADY_SHIPPED", (o) => o.shipped_at === null];
const noFeedback = ["FEEDBACK_ALREADY_LEFT", (o) => o.feedback_left_at === null];
const feedbackLeft = ["NO_FEEDBACK", (o) => o.feedback_left_at !== null];
const replied = ["AWAITING_REPLY", (o) => o.feedback_replied_at !== null];
const notReplied = ["ALREADY_REPLIED", (o) => o.feedback_replied_at === null];
const notRevised = ["ALREADY_REVISED", (o) => o.feedback_revised_at === null];
const noRequest = ["CANCELLATION_PENDING", (o) => o.cancellation_pending_since === null];
const request = ["NO_CANCELLATION_PENDING", (o) => o.cancellation_pending_since !== null];
const noDispute = ["DISPUTE_OPEN", (o, now) => o.dispute_open_since === null || passed(o.dispute_lapses_at, now)];
const noneSettled = ["DISPUTE_SETTLED", (o) => o.dispute_settled_at === null];
const noComplaint = ["COMPLAINT_OPEN", (o) => o.complaint_open_since === null];
const isOpen = ["CASE_CLOSED", (d, now) => d.closed_at === null && !lapsed(d, now)];
const notInReview = ["ALREADY_UNDER_REVIEW", (d, now) => !inReview(d, now)];
const hasReview = ["NOT_UNDER_REVIEW", (d, now) => inReview(d, now)];
const nothingAwaited = ["NOT_UNDER_REVIEW", (d, now) => inReview(d, now) && !awaitsEvidence(d, now)];
const yourTurn = ["NOT_YOUR_TURN", (d, _now, role) => d.waits_for === role];
const proposalMade = ["NO_PROPOSAL", (d) => d.proposed_at !== null];

const passed = (instant, now) => instant !== null && now > +instant;
const awaitsEvidence = (d, now) => d.evidence_asked_at !== null && !passed(d.due_at, now);
const lapsed = (d, now) => d.evidence_asked_at !== null && d.waits_for === "BUYER" && passed(d.due_at, now);
const inReview = (d, now) => d.waits_for === "AGENT" || d.evidence_asked_at !== null || passed(d.due_at, now);

const [TA, SP, OFF, DISPUTE] = ["TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE", "DISPUTE"];
const [B, S, PARTIES, ALL, AGENT] = [["BUYER"], ["SUPPLIER"], ["BUYER", "SUPPLIER"], ["BUYER", "SUPPLIER", "AGENT"], ["AGENT"]];
const rate = [notCancelled, complete, noFeedback];
const revise = [feedbackLeft, replied, notRevised];
const answer = [request, notShipped, notComplete];
const onTurn = [isOpen, notInReview, yourTurn];
const after = (from, days, opensAfter = 0) => ({ from, days, opensAfter });

const RULES = [
  ["LEAVE_FEEDBACK", TA, B, "Feedback", rate, after("completed_at", 60)],
  ["LEAVE_FEEDBACK", SP, B, "Leave Feedback", rate, after("completed_at", 30)],
  ["REVISE_FEEDBACK", TA, B, "Revise Feedback", revise, after("feedback_replied_at", 30)],
  ["REVISE_FEEDBACK", SP, B, "Revise Feedback", revise, after("feedback_replied_at", 90)],
  ["REPLY_TO_FEEDBACK", TA, S, "Reply", [feedbackLeft, notReplied]],
  ["REPLY_TO_FEEDBACK", SP, S, "Reply", [feedbackLeft, notReplied]],
  ["CANCEL_ORDER", TA, B, "Cancel Order", [notCancelled, notPaid, noPayment, notComplete]],
  ["REQUEST_CANCELLATION", SP, B, "Cancel Order Request", [notCancelled, notShipped, notComplete, noRequest]],
  ["WITHDRAW_CANCELLATION", SP, B, "Withdraw Request", answer],
  ["ACCEPT_CANCELLATION", SP, S, "Accept", answer],
  ["DECLINE_CANCELLATION", SP, S, "Decline", answer],
  ["OPEN_DISPUTE", TA, B, "Open a dispute", [noPaymentUnlessComplete, paidOrComplete, noDispute, noneSettled]],
  ["OPEN_DISPUTE", SP, B, "Open Dispute", [notComplete, shipped, noDispute, noneSettled]],
  ["FILE_COMPLAINT", OFF, B, "Offline Trade Dispute", [noComplaint]],
  ["PROPOSE_RESOLUTION", DISPUTE, PARTIES, "Propose", onTurn],
  ["ACCEPT_PROPOSAL", DISPUTE, PARTIES, "Accept", [...onTurn, proposalMade]],
  ["REJECT_PROPOSAL", DISPUTE, PARTIES, "Reject", [...onTurn, proposalMade]],
  ["POST_DISPUTE_MESSAGE", DISPUTE, ALL, "Write", [isOpen]],
  ["ESCALATE_DISPUTE", DISPUTE, PARTIES, "Escalate", [isOpen, notInReview], after("opened_at", null, 3)],
  ["WITHDRAW_DISPUTE", DISPUTE, B, "Withdraw Dispute", [isOpen]],
  ["REQUEST_EVIDENCE", DISPUTE, AGENT, "Ask for evidence", [isOpen, nothingAwaited]],
  ["RESOLVE_DISPUTE", DISPUTE, AGENT, "Resolve", [isOpen, hasReview]],
].map(([action, subject, roles, label, conditions, window]) => ({ action, subject, roles, label, conditions, window }));

const byAction = new Map(RULES.map((rule) => [`${rule.subject} ${rule.action}`, rule]));
const byRole = new Map();
for (const rule of RULES)
  for (const role of rule.roles)
    byRole.set(`${rule.subject} ${role}`, [...(byRole.get(`${rule.subject} ${role}`) ?? []), rule]);
const NO_RULES = [];

const rulesFor = (facts, role) => byRole.get(`${facts.kind ?? DISPUTE} ${role}`) ?? NO_RULES;
const ruleOf = (action, facts) => byAction.get(`${facts.kind ?? DISPUTE} ${action}`);

function bounds(rule, facts) {
  const start = rule.window ? facts[rule.window.from] : null;
  if (start === null) return [null, null];
  const { days, opensAfter } = rule.window;
  return [+start + opensAfter * DAY, days === null ? null : +start + days * DAY];
}

function reasonAgainst(rule, facts, role, now, opens, closes) {
  if (!rule.roles.includes(role)) return "NOT_YOUR_ROLE";
  for (const [reason, holds] of rule.conditions) if (!holds(facts, now, role)) return reason;
  if (opens !== null && now < opens) return "WINDOW_NOT_OPEN";
  if (closes !== null && now > closes) return "WINDOW_CLOSED";
  return null;
}

const SENTENCES = {
  NOT_OFFERED: "This action is not available here.",
  NOT_YOUR_ROLE: "Only another party can do this.",
  NOT_COMPLETED: "The order is not complete yet.",
  NOT_PAID: "The order has not been paid yet.",
  NOT_SHIPPED: "The order has not shipped yet.",
  ALREADY_PAID: "The order has already been paid.",
  PAYMENT_PROCESSING: "A payment is being processed. Try again when it has been received.",
  ALREADY_SHIPPED: "The order has already shipped.",
  ALREADY_COMPLETED: "The order is already complete.",
  ALREADY_CANCELLED: "The order is already cancelled.",
  FEEDBACK_ALREADY_LEFT: "Feedback has already been left for this order.",
  NO_FEEDBACK: "No feedback has been left for this order yet.",
  AWAITING_REPLY: "The supplier has not replied to the feedback yet.",
  ALREADY_REPLIED: "The supplier has already replied to this feedback.",
  ALREADY_REVISED: "The feedback has already been revised. It can be revised only once.",
  WINDOW_NOT_OPEN: "This is possible from {opens}.",
  WINDOW_CLOSED: "This was possible until {closes}.",
  CANCELLATION_PENDING: "A cancellation request is already waiting for the supplier's answer.",
  NO_CANCELLATION_PENDING: "No cancellation request is pending.",
  DISPUTE_OPEN: "A dispute about this order is already open.",
  DISPUTE_SETTLED: "A dispute about this order has already been settled or decided.",
  COMPLAINT_OPEN: "A complaint about this order is already open.",
  CASE_CLOSED: "The case is closed.",
  NO_PROPOSAL: "There is no proposal to answer.",
  NOT_YOUR_TURN: "The case is waiting for the other party.",
  ALREADY_UNDER_REVIEW: "An agent is already handling the case.",
  NOT_UNDER_REVIEW: "The case is not waiting for an agent.",
  "LEAVE_FEEDBACK WINDOW_CLOSED": "Feedback could be left until {closes}.",
  "REVISE_FEEDBACK WINDOW_CLOSED": "The feedback could be revised until {closes}.",
  "OPEN_DISPUTE ALREADY_COMPLETED": "A dispute cannot be opened after the order is complete.",
  "FILE_COMPLAINT NOT_OFFERED": "Complaints are only for offline trades. For this order, open a dispute instead.",
};
const MONTHS = "January February March April May June July August September October November December".split(" ");

function date(ms) {
  if (ms === null) return "";
  const d = new Date(ms);
  return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}, ${d.toISOString().slice(11, 16)} UTC`;
}

function sentence(action, reason, opens, closes) {
  const text = SENTENCES[`${action} ${reason}`] ?? SENTENCES[reason];
  return text.includes("{") ? text.replace("{opens}", date(opens)).replace("{closes}", date(closes)) : text;
}

const inWords = (action) => action[0] + action.slice(1).toLowerCase().replaceAll("_", " ");

export function decide(action, facts, viewer, now) {
  const rule = ruleOf(action, facts);
  if (rule === undefined) {
    const message = sentence(action, "NOT_OFFERED", null, null);
    return { action, allowed: false, label: inWords(action), reason: "NOT_OFFERED", message, opensAt: null, closesAt: null };
  }
  const [opens, closes] = bounds(rule, facts);
  const reason = reasonAgainst(rule, facts, viewer.role, now, opens, closes);
  return decision(rule, reason, opens, closes);
}

const decision = (rule, reason, opens, closes) => ({
  action: rule.action,
  allowed: reason === null,
  label: rule.label,
  reason,
  message: reason === null ? null : sentence(rule.action, reason, opens, closes),
  opensAt: opens === null ? null : spell(opens),
  closesAt: closes === null ? null : spell(closes),
});

export function availableActions(facts, viewer, now) {
  const allowed = [];
  for (const rule of rulesFor(facts, viewer.role)) {
    const [opens, closes] = bounds(rule, facts);
    if (reasonAgainst(rule, facts, viewer.role, now, opens, closes) === null) allowed.push(decision(rule, null, opens, closes));
  }
  return allowed;
}

export function allows(action, facts, viewer, now) {
  const rule = ruleOf(action, facts);
  return rule !== undefined && reasonAgainst(rule, facts, viewer.role, now, ...bounds(rule, facts)) === null;
}

export function nextChangeAt(facts, viewer, now) {
  const rules = rulesFor(facts, viewer.role);
  const edges = [];
  const edge = (instant) => instant > now && edges.push(instant);
  for (const rule of rules) {
    const [opens, closes] = bounds(rule, facts);
    if (rule.window?.opensAfter && opens !== null) edge(opens);
    if (closes !== null) edge(closes + MOMENT);
  }
  for (const limit of [facts.dispute_lapses_at, facts.due_at]) if (limit != null) edge(+limit + MOMENT);
  if (edges.length === 0) return null;
  const holdAt = (rule, at) => reasonAgainst(rule, facts, viewer.role, at, ...bounds(rule, facts)) === null;
  const today = rules.map((rule) => holdAt(rule, now));
  const found = edges.sort((a, b) => a - b).find((at) => rules.some((rule, place) => holdAt(rule, at) !== today[place]));
  return found === undefined ? null : spell(found);
}

export function deadline(action, facts, now) {
  const rule = ruleOf(action, facts);
  if (!rule?.window || !rule.conditions.every(([, holds]) => holds(facts, now, rule.roles[0]))) return null;
  const closes = bounds(rule, facts)[1];
  return closes === null ? null : spell(closes);
}

export const orderStatus = (o) =>
  o.cancelled_at !== null ? "CANCELLED"
  : o.completed_at !== null ? "COMPLETED"
  : o.shipped_at !== null ? "SHIPPED"
  : o.paid_at !== null ? "PAID"
  : o.payment_submitted_at !== null ? "PAYMENT_PROCESSING"
  : "AWAITING_PAYMENT";

export function disputeStatus(d, now) {
  if (d.closed_as !== null) return d.closed_as;
  if (lapsed(d, now)) return "LAPSED";
  if (awaitsEvidence(d, now)) return "EVIDENCE_REQUESTED";
  if (inReview(d, now)) return "UNDER_REVIEW";
  return d.waits_for === "SUPPLIER" ? "AWAITING_SUPPLIER" : "AWAITING_BUYER";
}

const OF_A_PARTY = new Set(["AWAITING_SUPPLIER", "AWAITING_BUYER", "EVIDENCE_REQUESTED"]);

export const respondBy = (d, now) => (OF_A_PARTY.has(disputeStatus(d, now)) ? spell(d.due_at) : null);

export const endedAt = (d, now) => (d.closed_at === null && lapsed(d, now) ? d.due_at : d.closed_at);

export function viewerState(d, viewer, now) {
  const status = disputeStatus(d, now);
  const mover = OF_A_PARTY.has(status) ? d.waits_for : status === "UNDER_REVIEW" ? "AGENT" : null;
  if (mover === null) return "CLOSED";
  if (mover === viewer.role) return "ACTION_REQUIRED";
  return mover === "AGENT" ? "UNDER_REVIEW" : "WAITING_FOR_OTHER_PARTY";
}

/** RFC 3339 with six digits; the fraction of a millisecond is the one that MOMENT brings. */
export function spell(instant) {
  const ms = Math.floor(+instant);
  const moment = Math.round((+instant - ms) * 1000);
  return `${new Date(ms).toISOString().slice(0, 23)}${moment === 0 ? "000" : String(moment).padStart(3, "0")}Z`;
}
