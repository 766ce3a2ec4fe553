SELECT count(*) FROM code_files f JOIN code_nodes n USING (blob) WHERE f.tree = %s
