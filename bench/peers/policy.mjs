// The policy as a Node team would write it: the same rules and messages as resolvers/policy, for the actions on orders
// and disputes. Facts are the columns of a row. An instant is a Date or milliseconds; `now` is milliseconds.

const DAY = 86_400_000;
const MOMENT = 0.001; // a microsecond; doubles are precise enough for this

// A condition is the reason against it and a predicate; conditions on orders also have a text, and the instant of the
// fact that decides that it holds.
const since = (fact) => (o) => o[fact];
const sincePayment = (o) => (o.payment_submitted_at === null ? null : (o.paid_at ?? o.completed_at));
function sinceShipment(o, now) {
  if (o.shipped_at !== null) return o.shipped_at;
  if (late(o, now)) return latest(o.paid_at, o.ship_by);
  if (notCancelledOnRequest(o, now)) return o.cancellation_declined_at ?? o.cancellation_pending_since;
  return latest(o.paid_at, o.cancelled_at);
}
const notCancelled = ["ALREADY_CANCELLED", (o) => o.cancelled_at === null, "the order is not cancelled", since("cancelled_at")];
const complete = ["NOT_COMPLETED", (o) => o.completed_at !== null, "the order is complete", since("completed_at")];
const notComplete = ["ALREADY_COMPLETED", (o) => o.completed_at === null, "the order is not complete", since("completed_at")];
const notPaid = ["ALREADY_PAID", (o) => o.paid_at === null, "the order is not paid", since("paid_at")];
const paidOrComplete = ["NOT_PAID", (o) => o.paid_at !== null || o.completed_at !== null, "the order is paid or complete", (o) => o.paid_at ?? o.completed_at];
const paying = (o) => o.payment_submitted_at !== null && o.paid_at === null;
const noPayment = ["PAYMENT_PROCESSING", (o) => !paying(o), "no payment is being processed", sincePayment];
const noPaymentUnlessComplete = ["PAYMENT_PROCESSING", (o) => !paying(o) || o.completed_at !== null, "no payment is being processed, unless the order is complete", sincePayment];
const shippedLateOrNotCancelled = ["NOT_SHIPPED", (o, now) => o.shipped_at !== null || late(o, now) || notCancelledOnRequest(o, now) || (o.paid_at !== null && o.cancelled_at !== null), "the order has shipped, or is paid and past its shipping date, or the supplier declined to cancel it or did not answer within 5 days, or it was paid and then cancelled", sinceShipment];
const notShipped = ["ALREADY_SHIPPED", (o) => o.shipped_at === null, "the order has not shipped", since("shipped_at")];
const noFeedback = ["FEEDBACK_ALREADY_LEFT", (o) => o.feedback_left_at === null, "no feedback has been left", since("feedback_left_at")];
const feedbackLeft = ["NO_FEEDBACK", (o) => o.feedback_left_at !== null, "feedback has been left", since("feedback_left_at")];
const replied = ["AWAITING_REPLY", (o) => o.feedback_replied_at !== null, "the supplier has replied", since("feedback_replied_at")];
const notReplied = ["ALREADY_REPLIED", (o) => o.feedback_replied_at === null, "the supplier has not replied", since("feedback_replied_at")];
const notRevised = ["ALREADY_REVISED", (o) => o.feedback_revised_at === null, "the feedback has not been revised", since("feedback_revised_at")];
const noRequest = ["CANCELLATION_PENDING", (o) => o.cancellation_pending_since === null, "no cancellation request is pending", since("cancellation_pending_since")];
const request = ["NO_CANCELLATION_PENDING", (o) => o.cancellation_pending_since !== null, "a cancellation request is pending", since("cancellation_pending_since")];
const noDispute = ["DISPUTE_OPEN", (o, now) => o.dispute_open_since === null || passed(o.dispute_lapses_at, now), "no dispute is open", (o) => (o.dispute_open_since === null ? null : o.dispute_lapses_at)];
const noneSettled = ["DISPUTE_SETTLED", (o, now) => o.dispute_settled_at === null || passed(o.replacement_agreed_at, now, 30), "no dispute has been settled or resolved, unless with a replacement more than 30 days ago", (o) => (o.dispute_settled_at === null ? null : o.replacement_agreed_at)];
const refundOverdue = ["NO_REFUND_OVERDUE", (o, now) => passed(o.refund_due_at, now), "a refund is overdue", since("refund_due_at")];
const notReported = ["ALREADY_REPORTED", (o, now) => passed(o.refund_reportable_at, now), "an overdue refund was not reported in the last 10 days", since("refund_reportable_at")];
const noComplaint = ["COMPLAINT_OPEN", (o) => o.complaint_open_since === null, "no complaint about the order is open", since("complaint_open_since")];
const isOpen = ["CASE_CLOSED", (d, now) => !isClosed(d, now)];
const notInReview = ["ALREADY_UNDER_REVIEW", (d, now) => !inReview(d, now)];
const hasReview = ["NOT_UNDER_REVIEW", (d, now) => inReview(d, now)];
const nothingAwaited = ["NOT_UNDER_REVIEW", (d, now) => inReview(d, now) && !awaitsEvidence(d, now)];
const yourTurn = ["NOT_YOUR_TURN", (d, _now, role) => d.waits_for === role];
const proposalMade = ["NO_PROPOSAL", (d) => d.proposed_at !== null];
const offerPossible = ["OFFER_NOT_POSSIBLE", (d) => claimableNow(d, d.offered, d.offered_currency)];
const claimPossible = ["OFFER_NOT_POSSIBLE", (d) => claimableNow(d, d.claim, d.currency)];
const notAnswered = ["ALREADY_ANSWERED", (d) => d.answered_at === null];
const decided = ["NOT_DECIDED", (d) => d.closed_as === "RESOLVED"];
const notAppealed = ["ALREADY_APPEALED", (d) => d.reopened_at === null];
const nothingPaidBack = ["REFUND_PAID", (d) => d.paid_back_at === null];
const notSentBack = ["RETURN_SHIPPED", (d) => d.return_shipped_at === null];
const sentBack = ["RETURN_NOT_SHIPPED", (d) => d.return_shipped_at !== null];
const hasReturn = ["NO_RETURN", (d) => d.return_began_at !== null];
const returnRuns = ["RETURN_CLOSED", (d, now) => returnMove(d, now) !== null];
const noAddress = ["RETURN_ADDRESS_GIVEN", (d) => d.return_addressed_at === null];
const addressGiven = ["NO_RETURN_ADDRESS", (d) => d.return_addressed_at !== null];

const latest = (one, other) => (+one > +other ? one : other);
const passed = (instant, now, days = 0) => instant !== null && now > +instant + days * DAY;
const late = (o, now) => o.paid_at !== null && passed(o.ship_by, now);
const notCancelledOnRequest = (o, now) =>
  o.cancelled_at === null && (o.cancellation_declined_at !== null || passed(o.cancellation_pending_since, now, 5));
const claimableNow = (d, amount, currency) =>
  amount === null || d.claimable === null || (currency === d.claimable_currency && +amount <= +d.claimable);
const awaitsEvidence = (d, now) => d.evidence_asked_at !== null && !passed(d.due_at, now);
const lapsed = (d, now) =>
  d.evidence_asked_at !== null && d.waits_for === "BUYER" && passed(d.due_at, now) && d.reopened_at === null;
const isClosed = (d, now) => d.closed_at !== null || lapsed(d, now);
const inReview = (d, now) => d.waits_for === "AGENT" || d.evidence_asked_at !== null || passed(d.due_at, now);

const [TA, SP, OFF, DISPUTE] = ["TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE", "DISPUTE"];
const [B, S, PARTIES, ALL, AGENT] = [["BUYER"], ["SUPPLIER"], ["BUYER", "SUPPLIER"], ["BUYER", "SUPPLIER", "AGENT"], ["AGENT"]];
const rate = [notCancelled, complete, noFeedback];
const revise = [feedbackLeft, replied, notRevised];
const answer = [request, notShipped, notComplete];
const onTurn = [isOpen, notInReview, yourTurn];
const after = (from, days, opensAfter = 0) => ({ from, days, opensAfter });
// What changes with time besides the window: one moment after this many days from a fact.
const dispute = [["dispute_lapses_at", 0], ["replacement_agreed_at", 30]];
const unshipped = [["ship_by", 0], ["cancellation_pending_since", 5]];
const refund = [["refund_due_at", 0], ["refund_reportable_at", 0]];
const due = [["due_at", 0]];

const RULES = [
  ["LEAVE_FEEDBACK", TA, B, "Feedback", rate, after("completed_at", 60)],
  ["LEAVE_FEEDBACK", SP, B, "Leave Feedback", rate, after("completed_at", 30)],
  ["REVISE_FEEDBACK", TA, B, "Revise Feedback", revise, after("feedback_replied_at", 30)],
  ["REVISE_FEEDBACK", SP, B, "Revise Feedback", revise, after("feedback_replied_at", 90)],
  ["REPLY_TO_FEEDBACK", TA, S, "Reply", [feedbackLeft, notReplied], after("feedback_left_at", 30)],
  ["REPLY_TO_FEEDBACK", SP, S, "Reply", [feedbackLeft, notReplied], after("feedback_left_at", 30)],
  ["CANCEL_ORDER", TA, B, "Cancel Order", [notCancelled, notPaid, noPayment, notComplete]],
  ["REQUEST_CANCELLATION", SP, B, "Cancel Order Request", [notCancelled, notShipped, notComplete, noRequest]],
  ["WITHDRAW_CANCELLATION", SP, B, "Withdraw Request", answer],
  ["ACCEPT_CANCELLATION", SP, S, "Accept", answer],
  ["DECLINE_CANCELLATION", SP, S, "Decline", answer],
  ["OPEN_DISPUTE", TA, B, "Open a dispute", [noPaymentUnlessComplete, paidOrComplete, noDispute, noneSettled], null, dispute],
  ["OPEN_DISPUTE", SP, B, "Open Dispute", [notComplete, shippedLateOrNotCancelled, noDispute, noneSettled], null, [...unshipped, ...dispute]],
  ["REPORT_MISSING_REFUND", TA, B, "Report missing refund", [refundOverdue, notReported], null, refund],
  ["REPORT_MISSING_REFUND", SP, B, "Report missing refund", [refundOverdue, notReported], null, refund],
  ["FILE_COMPLAINT", OFF, B, "Offline Trade Dispute", [noComplaint]],
  ["PROPOSE_RESOLUTION", DISPUTE, PARTIES, "Propose", onTurn, null, due],
  ["ACCEPT_PROPOSAL", DISPUTE, PARTIES, "Accept", [...onTurn, proposalMade, offerPossible], null, due],
  ["REJECT_PROPOSAL", DISPUTE, PARTIES, "Reject", [...onTurn, proposalMade], null, due],
  ["POST_DISPUTE_MESSAGE", DISPUTE, ALL, "Write", [isOpen], null, due],
  ["ESCALATE_DISPUTE", DISPUTE, PARTIES, "Escalate", [isOpen, notInReview], after("opened_at", null, 3), due],
  ["WITHDRAW_DISPUTE", DISPUTE, B, "Withdraw Dispute", [isOpen], null, due],
  ["REQUEST_EVIDENCE", DISPUTE, AGENT, "Ask for evidence", [isOpen, nothingAwaited], null, due],
  ["RESOLVE_DISPUTE", DISPUTE, AGENT, "Resolve", [isOpen, hasReview], null, due],
  ["CONCEDE_DISPUTE", DISPUTE, S, "Accept the claim", [isOpen, claimPossible], null, due],
  ["REVISE_CLAIM", DISPUTE, B, "Edit claim", [isOpen, notInReview, notAnswered], null, due],
  ["APPEAL_DECISION", DISPUTE, PARTIES, "Appeal", [decided, notAppealed, nothingPaidBack, notSentBack], after("closed_at", 30)],
  ["PROVIDE_RETURN_ADDRESS", DISPUTE, S, "Give return address", [hasReturn, returnRuns, noAddress], after("return_began_at", 5)],
  ["CONFIRM_RETURN_SHIPPED", DISPUTE, B, "I have sent it back", [hasReturn, returnRuns, addressGiven, notSentBack], after("return_addressed_at", 10)],
  ["CONFIRM_RETURN_RECEIVED", DISPUTE, S, "Received", [hasReturn, returnRuns, sentBack], after("return_shipped_at", 20)],
  ["REFUSE_RETURN", DISPUTE, S, "Not as agreed", [hasReturn, returnRuns, sentBack], after("return_shipped_at", 20)],
].map(([action, subject, roles, label, conditions, window = null, limits = []]) => ({ action, subject, roles, label, conditions, window, limits }));

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
  NOT_COMPLETED: "The order is not complete yet. Feedback can be left once it is.",
  NOT_PAID: "The order has not been paid yet. A dispute can be opened once the payment has been received.",
  NOT_SHIPPED: "The order has not shipped yet.",
  ALREADY_PAID: "The order has already been paid.",
  PAYMENT_PROCESSING: "A payment is being processed. Try again when it has been received.",
  ALREADY_SHIPPED: "The order has already shipped.",
  ALREADY_COMPLETED: "The order is already complete.",
  ALREADY_CANCELLED: "The order is already cancelled.",
  FEEDBACK_ALREADY_LEFT: "Feedback has already been left for this order.",
  NO_FEEDBACK: "No feedback has been left for this order yet.",
  AWAITING_REPLY: "The supplier has not replied to the feedback yet. It can be revised after the reply.",
  ALREADY_REPLIED: "The supplier has already replied to this feedback.",
  ALREADY_REVISED: "The feedback has already been revised. It can be revised only once.",
  WINDOW_NOT_OPEN: "This is possible from {opens}.",
  WINDOW_CLOSED: "This was possible until {closes}.",
  CANCELLATION_PENDING: "A cancellation request is already waiting for the supplier's answer. Withdraw it to make another.",
  NO_CANCELLATION_PENDING: "No cancellation request is pending.",
  DISPUTE_OPEN: "A dispute about this order is already open. Only one can be open at a time.",
  DISPUTE_SETTLED: "A dispute about this order has already been settled or decided.",
  COMPLAINT_OPEN: "A complaint about this order is already open. Write a message there instead.",
  CASE_CLOSED: "The case is closed.",
  NO_PROPOSAL: "There is no proposal to answer. Propose a resolution instead.",
  OFFER_NOT_POSSIBLE: "The order has changed, and this offer is no longer possible. Reject it, or propose another.",
  NOT_YOUR_TURN: "The case is waiting for the other party. Wait for the answer.",
  ALREADY_UNDER_REVIEW: "An agent is already handling the case.",
  NOT_UNDER_REVIEW: "The case is not waiting for an agent.",
  NO_REFUND_OVERDUE: "No refund for this order is overdue.",
  ALREADY_REPORTED: "You have already reported the missing refund. The marketplace is looking into it.",
  ALREADY_ANSWERED: "The supplier has already answered. Propose another resolution instead.",
  NOT_DECIDED: "There is no decision of an agent to appeal.",
  ALREADY_APPEALED: "This dispute has already been reviewed again. The decision is final.",
  REFUND_PAID: "A refund for this decision has already been sent. It can no longer be appealed.",
  NO_RETURN: "Nothing has to be sent back in this dispute.",
  RETURN_ADDRESS_GIVEN: "The return address has already been given. Wait for the goods.",
  NO_RETURN_ADDRESS: "The supplier has not given the return address yet. If none comes in time, the refund is owed without a return.",
  RETURN_SHIPPED: "The goods have already been sent back. Wait for the supplier's answer.",
  RETURN_NOT_SHIPPED: "The goods have not been sent back yet. Wait until the buyer has sent them.",
  RETURN_CLOSED: "The return is over. The dispute shows how it ended.",
  "LEAVE_FEEDBACK WINDOW_CLOSED": "Feedback could be left until {closes}.",
  "REVISE_FEEDBACK WINDOW_CLOSED": "The feedback could be revised until {closes}.",
  "REPLY_TO_FEEDBACK WINDOW_CLOSED": "The feedback could be answered until {closes}.",
  "APPEAL_DECISION WINDOW_CLOSED": "The decision could be appealed until {closes}.",
  "CONCEDE_DISPUTE OFFER_NOT_POSSIBLE": "The order has changed, and the claim is no longer possible. Propose another resolution, or wait for the decision of an agent.",
  "CANCEL_ORDER ALREADY_PAID": "The order has already been paid. If something is wrong, open a dispute instead.",
  "REQUEST_CANCELLATION ALREADY_SHIPPED": "The order has already shipped. If something is wrong, open a dispute instead.",
  "APPEAL_DECISION RETURN_SHIPPED": "The goods have already been sent back. The decision can no longer be appealed.",
  "OPEN_DISPUTE NOT_SHIPPED": "The order has not shipped yet. A dispute can be opened once it has shipped, is late, or the supplier has not agreed to cancel it.",
  "OPEN_DISPUTE ALREADY_COMPLETED": "A dispute cannot be opened after the order is complete.",
  "FILE_COMPLAINT NOT_OFFERED": "Complaints are only for offline trades. For this order, open a dispute instead.",
};
const MONTHS = "January February March April May June July August September October November December".split(" ");

function date(ms) {
  if (ms === null) return "";
  const d = new Date(ms);
  return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}, ${d.toISOString().slice(11, 16)} UTC`;
}

function sentence(action, reason, opens, closes, byTime = false) {
  let text = SENTENCES[`${action} ${reason}`] ?? SENTENCES[reason];
  if (byTime) text += " This will be possible from {opens}.";
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
  if (reason === null || rule.window !== null || !rule.roles.includes(viewer.role)) return decision(rule, reason, opens, closes);
  const byTime = opensByTime(rule, facts, viewer.role, now);
  return decision(rule, reason, byTime, null, byTime !== null);
}

const decision = (rule, reason, opens, closes, byTime = false, facts = null) => ({
  rule,
  facts, // for the checks and the form of an available action
  action: rule.action,
  allowed: reason === null,
  label: rule.label,
  reason,
  message: reason === null ? null : sentence(rule.action, reason, opens, closes, byTime),
  opensAt: opens === null ? null : spell(opens),
  closesAt: closes === null ? null : spell(closes),
});

export function availableActions(facts, viewer, now) {
  const allowed = [];
  for (const rule of rulesFor(facts, viewer.role)) {
    const [opens, closes] = bounds(rule, facts);
    if (reasonAgainst(rule, facts, viewer.role, now, opens, closes) === null) allowed.push(decision(rule, null, opens, closes, false, facts));
  }
  return allowed;
}

const STARTS = { completed_at: "the order's completion", feedback_replied_at: "the supplier's reply", feedback_left_at: "the feedback" };

/** The conditions of an available action on an order. All of them hold. */
export function checks({ rule, facts }, now) {
  const held = (text, instant) => ({ text, holds: true, reason: null, since: instant === null ? null : spell(instant) });
  const made = rule.conditions.map(([, , text, decidedSince]) => held(text, decidedSince(facts, now)));
  if (rule.window === null) return made;
  const { days, from } = rule.window;
  return [...made, held(`no more than ${days} days have passed since ${STARTS[from]}`, facts[from])];
}

export function allows(action, facts, viewer, now) {
  const rule = ruleOf(action, facts);
  return rule !== undefined && reasonAgainst(rule, facts, viewer.role, now, ...bounds(rule, facts)) === null;
}

const isOpenAt = (rule, facts, role, at) => reasonAgainst(rule, facts, role, at, ...bounds(rule, facts)) === null;

/** The instants after `now` at which time alone may change whether a rule holds, with the rule. */
function addEdges(edges, rule, facts, now) {
  const [opens, closes] = bounds(rule, facts);
  if (rule.window?.opensAfter && opens > now) edges.push({ at: opens, rule });
  if (closes !== null && closes + MOMENT > now) edges.push({ at: closes + MOMENT, rule });
  for (const [fact, days] of rule.limits) {
    const start = facts[fact];
    if (start !== null && +start + days * DAY + MOMENT > now) edges.push({ at: +start + days * DAY + MOMENT, rule });
  }
}

function opensByTime(rule, facts, role, now) {
  const edges = [];
  addEdges(edges, rule, facts, now);
  return edges.sort((a, b) => a.at - b.at).find(({ at }) => isOpenAt(rule, facts, role, at))?.at ?? null;
}

export function nextChangeAt(facts, { role }, now) {
  const edges = [];
  for (const rule of rulesFor(facts, role)) addEdges(edges, rule, facts, now);
  const found = edges
    .sort((a, b) => a.at - b.at)
    .find(({ at, rule }) => isOpenAt(rule, facts, role, at) !== isOpenAt(rule, facts, role, now));
  return found === undefined ? null : spell(found.at);
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

export function returnStatus(d, now) {
  if (d.return_began_at === null) return null;
  if (d.return_refused_at !== null) return "REFUSED";
  if (d.return_received_at !== null || passed(d.return_shipped_at, now, 20)) return "RECEIVED";
  if (d.return_shipped_at !== null) return "SHIPPED";
  if (d.return_expired_at !== null || passed(d.return_addressed_at, now, 10)) return "EXPIRED";
  if (d.return_addressed_at !== null) return "AWAITING_SHIPMENT";
  if (d.return_waived_at !== null || passed(d.return_began_at, now, 5)) return "WAIVED";
  return "AWAITING_ADDRESS";
}

const RETURN_MOVES = { AWAITING_ADDRESS: "SUPPLIER", AWAITING_SHIPMENT: "BUYER", SHIPPED: "SUPPLIER" };

const returnMove = (d, now) => RETURN_MOVES[returnStatus(d, now)] ?? null;

const isAppealable = (d, now) =>
  d.closed_as === "RESOLVED" && d.reopened_at === null && d.paid_back_at === null && d.return_shipped_at === null &&
  !passed(d.closed_at, now, 30);

export const isFinal = (d, now) => isClosed(d, now) && returnMove(d, now) === null && !isAppealable(d, now);

function nextToAct(d, now) {
  const returning = returnMove(d, now);
  if (returning !== null) return returning;
  const status = disputeStatus(d, now);
  return OF_A_PARTY.has(status) ? d.waits_for : status === "UNDER_REVIEW" ? "AGENT" : null;
}

export function viewerState(d, viewer, now) {
  const mover = nextToAct(d, now);
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
