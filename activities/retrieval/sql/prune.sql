-- Whoever relies on a row that is here makes its used_at recent first, and then looks whether it still is: what is seen
-- after that cannot go for a day. Rows that somebody is about to rely on are locked, and left for another time. One
-- prunes at a time: of two, each would keep the vectors of what the other removes.
SELECT pg_advisory_xact_lock(4861003);

-- The planner expects hardly any row to be a day old, and would look through all files for each.
SET LOCAL enable_nestloop = off;

WITH gone AS (
    DELETE FROM code_trees WHERE tree IN (
        SELECT tree FROM code_trees t
        WHERE used_at < now() - interval '1 day'
          AND NOT EXISTS (SELECT FROM code_heads h WHERE h.tree = t.tree)
        FOR UPDATE SKIP LOCKED
    ) RETURNING tree
)
DELETE FROM code_files f USING gone WHERE f.tree = gone.tree;

WITH gone AS (
    DELETE FROM code_links WHERE links IN (
        SELECT links FROM code_links l
        WHERE used_at < now() - interval '1 day'
          AND NOT EXISTS (SELECT FROM code_files f WHERE f.links = l.links)
        FOR UPDATE SKIP LOCKED
    ) RETURNING links
)
DELETE FROM code_edges e USING gone WHERE e.links = gone.links;

WITH gone AS (
    DELETE FROM code_blobs WHERE blob IN (
        SELECT blob FROM code_blobs b
        WHERE used_at < now() - interval '1 day'
          AND NOT EXISTS (SELECT FROM code_files f WHERE f.blob = b.blob)
        FOR UPDATE SKIP LOCKED
    ) RETURNING blob
), nodes AS (
    DELETE FROM code_nodes n USING gone WHERE n.blob = gone.blob RETURNING n.blob, n.digest
)
DELETE FROM code_vectors v
WHERE v.digest IN (SELECT digest FROM nodes)
  AND NOT EXISTS (
    SELECT FROM code_nodes n WHERE n.digest = v.digest AND n.blob NOT IN (SELECT blob FROM nodes)
  );

DELETE FROM code_sources WHERE oid IN (
    SELECT oid FROM code_sources s
    WHERE used_at < now() - interval '1 day'
      AND NOT EXISTS (SELECT FROM code_blobs b WHERE b.oid = s.oid)
    FOR UPDATE SKIP LOCKED
);
