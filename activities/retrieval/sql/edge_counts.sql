SELECT e.kind, e.resolution, count(*)
FROM code_files f JOIN code_edges e USING (links)
WHERE f.tree = %s
GROUP BY e.kind, e.resolution
