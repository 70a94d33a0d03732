-- $1: the buyer, $2: the size of the page plus one.
SELECT o.*, s.name AS supplier_name, f.id AS feedback_id, f.overall, f.product_as_agreed, f.communication,
  f.shipping_time, f.comment, f.reply, f.original
FROM (
  SELECT id, number, kind, supplier_id, placed_at, payment_submitted_at, paid_at, shipped_at, completed_at, cancelled_at,
    feedback_left_at, feedback_replied_at, feedback_revised_at
  FROM orders WHERE buyer_id = $1 AND feedback_left_at IS NOT NULL
  ORDER BY feedback_left_at DESC, id DESC LIMIT $2
) AS o JOIN accounts s ON s.id = o.supplier_id JOIN feedback f ON f.order_id = o.id
ORDER BY o.feedback_left_at DESC, o.id DESC
