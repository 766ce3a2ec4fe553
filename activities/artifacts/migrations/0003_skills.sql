-- How often draws of a model have passed at right places: counts by model, edit form and size of the place.
CREATE TABLE IF NOT EXISTS skills (
    model text NOT NULL,
    form text NOT NULL,
    long boolean NOT NULL,
    passed bigint NOT NULL DEFAULT 0,
    failed double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (model, form, long)
);

-- A retry adds nothing: whether the draws of a run are counted is kept with the run.
ALTER TABLE runs ADD COLUMN IF NOT EXISTS skills_recorded boolean NOT NULL DEFAULT false;
