COPY code_edges (links, place, kind, source, target, line, resolution, confidence) FROM STDIN (FORMAT binary)
