// What the mutations take about an order: the constant parts of forms.json, and what depends on the order.

import { readFileSync } from "node:fs";
import { id, money } from "./words.mjs";

const stored = JSON.parse(readFileSync(new URL("forms.json", import.meta.url), "utf8"));
const EMPTY = {
  hint: null, maxLength: null, oneLine: null, min: null, max: null, maxAmount: null, atMostItemsAt: null,
  maxCount: null, maxBytes: null, contentTypes: null, fileKinds: null, choices: null, onlyWith: [],
};
const FILES = {
  maxCount: stored.files.maxCount,
  maxBytes: Math.max(...stored.files.kinds.map(([, maxBytes]) => maxBytes)),
  contentTypes: stored.files.kinds.map(([contentType]) => contentType),
  fileKinds: stored.files.kinds.map(([contentType, maxBytes, maxCount]) => ({ contentType, maxBytes, maxCount })),
};

const choice = ([value, label]) => ({ value, label, onlyWith: [], maxQuantity: null, price: null });

const field = ({ choices, ...rest }) => ({
  ...EMPTY,
  ...rest,
  ...(rest.kind === "FILES" ? FILES : {}),
  choices: choices ? Object.entries(choices).map(choice) : null,
});

const FORMS = new Map(
  Object.entries(stored.forms).map(([name, { fields, groups }]) => [name, { fields: fields.map(field), groups }]),
);
const DISPUTE = Object.fromEntries(FORMS.get("OPEN_DISPUTE").fields.map((each) => [each.path.join("."), each]));
const REASONS = DISPUTE.reason.choices.map(({ value }) => value);
const OWED = "REFUND_NOT_RECEIVED"; // the reason with a limit of its own
const OTHERS = REASONS.filter((reason) => reason !== OWED);
const WITHOUT_GOODS = new Set(["NOT_RECEIVED", "NOT_SHIPPED"]);

const onlyWith = (reasons) => (reasons.length < REASONS.length ? [{ path: ["reason"], values: reasons }] : []);

function reasonsFor(wish, pays, paysOwed) {
  if (wish === "REPLACEMENT") return REASONS;
  const paying = REASONS.filter((reason) => (reason === OWED ? paysOwed : pays));
  return wish === "RETURN_AND_REFUND" ? paying.filter((reason) => !WITHOUT_GOODS.has(reason)) : paying;
}

function wanted(pays, paysOwed) {
  const choices = DISPUTE.wanted.choices
    .map((each) => ({ each, reasons: reasonsFor(each.value, pays, paysOwed) }))
    .filter(({ reasons }) => reasons.length)
    .map(({ each, reasons }) => ({ ...each, onlyWith: onlyWith(reasons) }));
  return { ...DISPUTE.wanted, choices };
}

const WANTED = [false, true].map((pays) => [false, true].map((paysOwed) => wanted(pays, paysOwed)));
const claim = (reasons) => ({ ...DISPUTE.claim, onlyWith: [...DISPUTE.claim.onlyWith, ...onlyWith(reasons)] });
const [CLAIM, CLAIM_PAID, CLAIM_OWED] = [REASONS, OTHERS, [OWED]].map(claim);
const LINES = ["lines"];

/** What can be claimed, with the fields for it. Amounts are texts in some rows. */
function limits(o) {
  const owed = +o.amount_owed;
  const most =
    o.paid_at !== null ? +o.amount_paid - +o.amount_refunded - +o.amount_sent - owed
    : o.payment_reversed_at === null ? +o.total
    : 0;
  const claims = most === owed ? [[most, CLAIM]] : [[most, CLAIM_PAID], [owed, CLAIM_OWED]];
  return { pays: most > 0, paysOwed: owed > 0, claims: claims.filter(([amount]) => amount > 0) };
}

function lines(o) {
  const found = [];
  for (const [place, [title, quantity, price, decimals = null]] of o.items.entries())
    if (price >= 0) // no discount
      found.push({
        value: `${id("Line", o.id)}_${place}`,
        label: title,
        onlyWith: [],
        maxQuantity: quantity,
        price: money(price, o.currency, decimals),
      });
  return found;
}

function disputeForm(o) {
  const choices = lines(o);
  const { pays, paysOwed, claims } = limits(o);
  const fields = [DISPUTE.reason, DISPUTE.description];
  if (choices.length) fields.push({ ...DISPUTE.lines, choices, maxCount: choices.length });
  fields.push(WANTED[+pays][+paysOwed]);
  const atMostItemsAt = choices.length ? LINES : null;
  for (const [amount, made] of claims) fields.push({ ...made, maxAmount: money(amount, o.currency), atMostItemsAt });
  fields.push(DISPUTE.evidence);
  return { fields, groups: [] };
}

/** The form of an allowed action on an order. */
export function formOf({ action, facts }) {
  return action === "OPEN_DISPUTE" ? disputeForm(facts) : (FORMS.get(action) ?? FORMS.get(`${action} ${facts.kind}`));
}
