-- In the order of their keys, as everywhere here: two indexers that insert the same rows wait, but never for each other.
INSERT INTO code_sources (oid, source)
SELECT * FROM unnest(%b::bytea[], %b::bytea[]) AS new (oid, source) ORDER BY oid
ON CONFLICT DO NOTHING
