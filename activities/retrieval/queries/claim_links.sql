INSERT INTO code_links (links)
SELECT * FROM unnest(%s::bytea[]) AS new (links) ORDER BY links
ON CONFLICT DO NOTHING
RETURNING links
