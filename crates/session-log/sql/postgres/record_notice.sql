-- Records an alert that belongs to no session; once each way.
INSERT INTO notices (alert_id, firing, kind, summary, account, key, at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (alert_id, firing) DO NOTHING
