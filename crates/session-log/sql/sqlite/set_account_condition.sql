-- Adds a setting of an account's condition.
INSERT INTO account_conditions (account, condition, since, said_by, reason)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account, since, condition, said_by) DO NOTHING
