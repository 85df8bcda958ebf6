-- Adds a setting of an account's condition, if the one that was seen is still the newest; none was seen where it has none.
INSERT INTO account_conditions (account, condition, since, said_by, reason)
SELECT $1, $2, $3, $4, $5
WHERE (SELECT max(n.ordinal) FROM account_conditions n WHERE n.account = $1) IS (
    SELECT s.ordinal FROM account_conditions s
    WHERE s.account = $1 AND s.condition = $6 AND s.since = $7 AND s.said_by = $8
)
ON CONFLICT (account, since, condition, said_by) DO NOTHING
