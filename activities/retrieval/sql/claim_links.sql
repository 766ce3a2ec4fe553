INSERT INTO code_links (links)
SELECT * FROM unnest(%b::bytea[]) AS new (links) ORDER BY links
ON CONFLICT DO NOTHING
RETURNING links
