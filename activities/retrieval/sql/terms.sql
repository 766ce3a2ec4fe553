SELECT b.terms FROM code_files f JOIN code_blobs b USING (blob) WHERE f.tree = %s ORDER BY f.path
