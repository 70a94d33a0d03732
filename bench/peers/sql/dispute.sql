-- $1: the dispute, $2: the buyer.
SELECT d.*, b.name AS outcome_by_name, b.role AS outcome_by_role, o.number AS order_number, o.payment_submitted_at,
  o.paid_at, o.shipped_at, o.completed_at, o.cancelled_at, s.name AS supplier_name,
  (SELECT json_agg(json_build_array(p.resolution, p.amount, p.currency, p.by_id, a.name,
      extract(epoch FROM p.at)::float8, p.accepted, a.role) ORDER BY p.id)
    FROM proposals p JOIN accounts a ON a.id = p.by_id WHERE p.dispute_id = d.id) AS proposals,
  (SELECT json_agg(json_build_array(m.id, m.by_id, a.name, a.role, extract(epoch FROM m.at)::float8, m.text)
      ORDER BY m.at DESC, m.id DESC)
    FROM (SELECT * FROM messages WHERE case_id = d.id ORDER BY at DESC, id DESC LIMIT 11) AS m
    JOIN accounts a ON a.id = m.by_id) AS messages
FROM disputes d JOIN orders o ON o.id = d.order_id JOIN accounts s ON s.id = o.supplier_id
  LEFT JOIN accounts b ON b.id = d.outcome_by_id
WHERE d.id = $1 AND d.buyer_id = $2
