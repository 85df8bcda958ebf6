-- People look for a session by the order number that the shop knows.

CREATE INDEX sessions_reference ON sessions (merchant_reference_id) WHERE merchant_reference_id IS NOT NULL;
