-- The account's alerts of one kind which were raised and are not over.
SELECT n.alert_id, n.firing, n.kind, n.summary, n.account, n.key, n.at
FROM notices n
WHERE n.account = $1 AND n.kind = $2 AND n.firing
    AND NOT EXISTS (SELECT 1 FROM notices o WHERE o.alert_id = n.alert_id AND NOT o.firing)
ORDER BY n.ordinal
