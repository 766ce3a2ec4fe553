SELECT blob, facts FROM code_blobs WHERE blob = ANY(%b) AND skipped = ''
