SELECT blob, skipped FROM code_blobs WHERE blob = ANY(%b) AND skipped <> ''
