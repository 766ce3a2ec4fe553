SELECT h.commit, h.tree, t.parser, h.skipped, h.indexed_at
FROM code_heads h JOIN code_trees t USING (tree)
WHERE h.repository = %s
