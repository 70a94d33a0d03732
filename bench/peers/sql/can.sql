-- $1: the buyer, $2 and $3: the earliest completion of orders that can be rated now, $4: the size of the page plus one.
SELECT o.*, s.name AS supplier_name, NULL::uuid AS feedback_id
FROM (
  SELECT id, number, kind, currency, total, items, supplier_id, placed_at, payment_submitted_at, paid_at, ship_by,
    shipped_at, completed_at, cancelled_at, feedback_left_at, feedback_replied_at, feedback_revised_at,
    cancellation_pending_since, cancellation_declined_at, dispute_open_since, dispute_lapses_at, dispute_settled_at,
    replacement_agreed_at, refund_due_at, refund_reportable_at, complaint_open_since
  FROM orders
  WHERE buyer_id = $1 AND cancelled_at IS NULL AND completed_at IS NOT NULL AND feedback_left_at IS NULL
    AND (kind = 'TRADE_ASSURANCE' AND completed_at >= $2 OR kind = 'SECURE_PAYMENT' AND completed_at >= $3)
  ORDER BY placed_at DESC, id DESC LIMIT $4
) AS o JOIN accounts s ON s.id = o.supplier_id
ORDER BY o.placed_at DESC, o.id DESC
