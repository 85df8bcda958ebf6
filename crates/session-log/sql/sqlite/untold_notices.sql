-- Notices that are not told yet.
SELECT alert_id, firing, kind, summary, account, key, at FROM notices WHERE NOT told ORDER BY ordinal LIMIT $1
