COPY code_nodes (blob, place, name, kind, first, last, signature, docstring, digest) FROM STDIN (FORMAT binary)
