SELECT path, blob, links FROM code_files WHERE tree = %s ORDER BY path
