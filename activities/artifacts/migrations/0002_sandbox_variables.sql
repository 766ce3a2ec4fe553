-- The values of sandbox.env, sealed, from before their run starts until it has ended.
CREATE TABLE IF NOT EXISTS sandbox_variables (
    reference  text PRIMARY KEY,
    run_id     text NOT NULL,
    key        bytea NOT NULL,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS sandbox_variables_by_run ON sandbox_variables (run_id);
