COPY code_files (tree, path, blob, links) FROM STDIN (FORMAT binary)
