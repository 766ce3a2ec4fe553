-- Whoever gets a blob back is the one that adds its nodes.
INSERT INTO code_blobs (blob, oid, skipped, facts, terms)
SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::text[], %b::bytea[], %b::bytea[])
    AS new (blob, oid, skipped, facts, terms)
ORDER BY blob
ON CONFLICT DO NOTHING
RETURNING blob
