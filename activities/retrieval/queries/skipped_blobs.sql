SELECT blob, skipped FROM code_blobs WHERE blob = ANY(%s) AND skipped <> ''
