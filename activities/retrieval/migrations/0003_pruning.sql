-- When a part of the graph was last added or relied on; what nothing refers to is pruned a day after that.
ALTER TABLE code_sources ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE code_blobs ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE code_links ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE code_trees ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
