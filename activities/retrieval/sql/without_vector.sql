-- One place for each content that has no vector yet, wherever else it stands; file by file.
--
-- A tree that was added just now is not in the statistics yet. What is known of vectors is fetched apart, for else it
-- would be looked up node by node.
WITH known AS MATERIALIZED (SELECT digest FROM code_vectors WHERE model = %s)
SELECT digest, oid, first, last FROM (
    SELECT DISTINCT ON (n.digest) n.digest, b.oid, n.first, n.last
    FROM code_files f JOIN code_blobs b USING (blob) JOIN code_nodes n USING (blob)
    WHERE f.tree = %s
      AND NOT EXISTS (SELECT FROM known WHERE known.digest = n.digest)
    ORDER BY n.digest, b.oid, n.first
) AS missing
ORDER BY oid, first
