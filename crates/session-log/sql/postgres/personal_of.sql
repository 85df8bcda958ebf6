-- What the side table holds of one session; a row with an empty slot where it holds nothing.
SELECT s.erased_at IS NOT NULL AS erased, p.slot, p.format, p.content
FROM sessions s
LEFT JOIN personal p ON p.session_id = s.session_id
WHERE s.session_id = $1
ORDER BY p.slot
