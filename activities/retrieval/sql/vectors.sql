SELECT digest, vector FROM code_vectors
WHERE model = %s
  AND digest IN (SELECT n.digest FROM code_files f JOIN code_nodes n USING (blob) WHERE f.tree = %s)
