SELECT f.path, n.name, n.kind, n.first, n.last, n.signature, n.docstring, n.digest
FROM code_files f JOIN code_nodes n USING (blob)
WHERE f.tree = %s
ORDER BY f.path, n.place
