-- $1: the order, $2: the buyer.
SELECT id, number, kind, currency, total, amount_paid, amount_refunded, amount_sent, amount_owed, items, placed_at,
  payment_submitted_at, payment_reversed_at, paid_at, ship_by, shipped_at, completed_at, cancelled_at, feedback_left_at,
  feedback_replied_at, feedback_revised_at, cancellation_pending_since, cancellation_declined_at, dispute_open_since,
  dispute_lapses_at, dispute_settled_at, replacement_agreed_at, refund_due_at, refund_reportable_at,
  complaint_open_since
FROM orders WHERE id = $1 AND buyer_id = $2
