-- Per account: the next deadline that is still to be met, and how many sessions are due.
SELECT
    account,
    min(CASE WHEN deadline > $1 AND state <> 'payment-pending' THEN deadline END) AS next_deadline,
    sum(CASE WHEN due_at <= $1 THEN 1 ELSE 0 END) AS backlog
FROM sessions
WHERE NOT settled
GROUP BY account
ORDER BY account
