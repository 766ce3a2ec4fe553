-- One place for each content that has no vector yet, wherever else it stands; file by file.
SELECT digest, oid, first, last FROM (
    SELECT DISTINCT ON (n.digest) n.digest, b.oid, n.first, n.last
    FROM code_files f JOIN code_blobs b USING (blob) JOIN code_nodes n USING (blob)
    WHERE f.tree = %s
      AND NOT EXISTS (SELECT FROM code_vectors v WHERE v.model = %s AND v.digest = n.digest)
    ORDER BY n.digest, b.oid, n.first
) AS missing
ORDER BY oid, first
