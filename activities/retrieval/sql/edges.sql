SELECT f.path, e.kind, e.source, e.target, e.line, e.resolution, e.confidence
FROM code_files f JOIN code_edges e USING (links)
WHERE f.tree = %s
