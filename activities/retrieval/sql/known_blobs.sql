SELECT blob FROM code_blobs WHERE blob = ANY(%b)
