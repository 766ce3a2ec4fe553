SELECT blob, facts FROM code_blobs WHERE blob = ANY(%s) AND skipped = ''
