SELECT v.model, count(*)
FROM code_vectors v
WHERE v.digest IN (SELECT n.digest FROM code_files f JOIN code_nodes n USING (blob) WHERE f.tree = %s)
GROUP BY v.model
