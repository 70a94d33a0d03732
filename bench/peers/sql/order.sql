-- $1: the order, $2: the buyer.
SELECT o.id, o.number, o.kind, o.currency, o.total, o.amount_paid, o.items, o.buyer_id, o.supplier_id, o.placed_at,
  o.payment_submitted_at, o.paid_at, o.ship_by, o.shipped_at, o.completed_at, o.cancelled_at, o.feedback_left_at,
  o.feedback_replied_at, o.feedback_revised_at, o.cancellation_pending_since, o.cancellation_declined_at,
  o.dispute_open_since, o.dispute_lapses_at, o.dispute_settled_at, o.replacement_agreed_at, o.return_open_since,
  o.refund_due_at, o.refund_reportable_at, o.complaint_open_since, b.name AS buyer_name, s.name AS supplier_name,
  f.id AS feedback_id, f.overall, f.product_as_agreed, f.communication, f.shipping_time, f.comment, f.reply, f.original,
  d.id AS dispute_id, d.number AS dispute_number, d.reason, d.wanted, d.currency AS dispute_currency, d.claim,
  d.opened_at, d.waits_for, d.due_at, d.evidence_asked_at, d.reopened_at, d.paid_back_at, d.return_began_at,
  d.return_addressed_at, d.return_shipped_at, d.return_received_at, d.return_refused_at, d.return_waived_at,
  d.return_expired_at, d.closed_at, d.closed_as,
  CASE WHEN d.id IS NOT NULL THEN (
    SELECT json_agg(json_build_array(p.resolution, p.amount, p.currency, p.by_id, a.name,
      extract(epoch FROM p.at)::float8, p.accepted) ORDER BY p.id)
    FROM proposals p JOIN accounts a ON a.id = p.by_id WHERE p.dispute_id = d.id) END AS proposals,
  (SELECT json_agg(json_build_array(e.id, extract(epoch FROM e.at)::float8, e.by_id, a.name, a.role, e.action,
      CASE WHEN e.action IS NULL OR e.action = 'WITHDRAW_DISPUTE' THEN e.facts || coalesce(e.case_facts, '{}') END,
      e.refund_status) ORDER BY e.at, e.id)
    FROM (SELECT * FROM events WHERE order_id = o.id ORDER BY at, id LIMIT 11) AS e
    LEFT JOIN accounts a ON a.id = e.by_id) AS events
FROM orders o JOIN accounts b ON b.id = o.buyer_id JOIN accounts s ON s.id = o.supplier_id
  LEFT JOIN feedback f ON f.order_id = o.id
  LEFT JOIN LATERAL (SELECT * FROM disputes WHERE order_id = o.id ORDER BY opened_at DESC, id DESC LIMIT 1) AS d ON TRUE
WHERE o.id = $1 AND o.buyer_id = $2
