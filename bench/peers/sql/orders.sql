-- $1: the buyer, $2 and $3: the position after which the page begins, or null, $4: the size of the page plus one.
SELECT o.*, s.name AS supplier_name, f.id AS feedback_id, f.overall, f.product_as_agreed, f.communication,
  f.shipping_time, f.comment, f.reply
FROM (
  SELECT id, number, kind, currency, total, items, supplier_id, placed_at, payment_submitted_at, paid_at, ship_by,
    shipped_at, completed_at, cancelled_at, feedback_left_at, feedback_replied_at, feedback_revised_at,
    cancellation_pending_since, cancellation_declined_at, dispute_open_since, dispute_lapses_at, dispute_settled_at,
    replacement_agreed_at, refund_due_at, refund_reportable_at, complaint_open_since
  FROM orders
  WHERE buyer_id = $1
    AND ($2::timestamptz IS NULL OR placed_at <= $2 AND (placed_at < $2 OR id < $3::uuid))
  ORDER BY placed_at DESC, id DESC LIMIT $4
) AS o JOIN accounts s ON s.id = o.supplier_id LEFT JOIN feedback f ON f.order_id = o.id
ORDER BY o.placed_at DESC, o.id DESC
