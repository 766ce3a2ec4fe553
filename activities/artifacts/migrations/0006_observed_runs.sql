-- What a dashboard shows of runs: the state of open ones while somebody observes, and views of this and of the records.
-- The views are all that who observes may read, and neither issues, prompts nor patches are among their columns.

CREATE TABLE run_snapshots (
    run_id     text PRIMARY KEY,
    started_at timestamptz NOT NULL,
    genealogy  jsonb,
    seen_at    timestamptz NOT NULL DEFAULT now()
);

-- A record with a verdict is the last word; until then what was seen last is. Both parts are found by their keys.
CREATE VIEW run_states AS
SELECT r.run_id,
       least(s.started_at, r.started_at) AS started_at,
       greatest(r.updated_at, s.seen_at) AS updated_at,
       live.is_live,
       CASE WHEN live.is_live THEN s.genealogy ELSE r.genealogy END AS genealogy
FROM runs r
LEFT JOIN run_snapshots s ON s.run_id = r.run_id
CROSS JOIN LATERAL (SELECT s.genealogy IS NOT NULL AND r.verdict IS NULL AS is_live) AS live
UNION ALL
SELECT s.run_id, s.started_at, s.seen_at, true, s.genealogy
FROM run_snapshots s
WHERE s.genealogy IS NOT NULL AND NOT EXISTS (SELECT FROM runs r WHERE r.run_id = s.run_id);

CREATE VIEW branch_states AS
SELECT s.run_id, s.started_at, (s.genealogy->>'threshold')::float AS threshold, b.branch
FROM run_states s
CROSS JOIN LATERAL (
    SELECT r.branch FROM branches r WHERE r.run_id = s.run_id AND NOT s.is_live
    UNION ALL
    SELECT jsonb_array_elements(s.genealogy->'branches') WHERE s.is_live
) AS b;

CREATE VIEW observed_runs AS
SELECT run_id, started_at, updated_at,
       genealogy->>'repository_name' AS repository,
       genealogy->>'title' AS issue,
       genealogy->>'model' AS model,
       genealogy->>'state' AS state,
       genealogy->>'verdict' AS verdict,
       genealogy->>'reason' AS reason,
       (genealogy->>'threshold')::float AS threshold,
       (genealogy->'usage'->>'prompt_tokens')::bigint + (genealogy->'usage'->>'output_tokens')::bigint AS tokens,
       (genealogy->'budget'->>'tokens')::bigint AS token_budget,
       (genealogy->'budget'->>'attempts')::bigint AS attempt_budget,
       (genealogy->>'seconds')::float AS seconds
FROM run_states;

CREATE VIEW observed_branches AS
SELECT run_id,
       (branch->>'number')::int AS number,
       branch->'strategy'->>'title' AS strategy,
       branch->'strategy'->>'kind' AS kind,
       branch->>'ending' AS ending,
       branch->>'reason' AS reason,
       jsonb_array_length(branch->'attempts') AS attempts,
       (SELECT coalesce(max((a->'score'->>'value')::float), 0)
        FROM jsonb_array_elements(branch->'attempts') AS a) AS highest_convergence,
       started_at + make_interval(secs => (branch->>'began')::float) AS began_at,
       CASE WHEN branch->>'ending' <> 'running'
            THEN started_at + make_interval(secs => (branch->>'ended')::float) END AS ended_at
FROM branch_states;

CREATE VIEW observed_attempts AS
SELECT run_id,
       (branch->>'number')::int AS branch,
       (attempt->>'number')::int AS number,
       started_at + make_interval(secs => (attempt->>'after')::float) AS at,
       (attempt->'score'->>'value')::float AS convergence,
       threshold,
       attempt->>'outcome' AS outcome,
       attempt->>'reason' AS reason,
       attempt->>'summary' AS summary,
       (attempt->'facts'->>'failing_count')::int AS failing,
       (attempt->>'candidates')::int AS candidates,
       (attempt->>'seconds')::float AS seconds
FROM branch_states, jsonb_array_elements(branch->'attempts') AS attempt;

CREATE VIEW observed_steps AS
SELECT run_id, started_at AS at, 'run' AS place, 'started: ' || issue AS step FROM observed_runs
UNION ALL
SELECT run_id, began_at, format('b%s', lpad(number::text, 2, '0')), 'started: ' || strategy FROM observed_branches
UNION ALL
SELECT run_id, at, format('b%s', lpad(branch::text, 2, '0')),
       format('attempt %s %s, convergence %s: %s', number, outcome, round(convergence::numeric, 2), summary)
FROM observed_attempts
UNION ALL
SELECT run_id, ended_at, format('b%s', lpad(number::text, 2, '0')), ending || ': ' || reason
FROM observed_branches WHERE ended_at IS NOT NULL
UNION ALL
SELECT s.run_id, s.started_at + make_interval(secs => (m->>'after')::float), 'person',
       (m->>'kind') || ' by ' || coalesce(nullif(m->>'sender', ''), 'an unknown sender')
FROM run_states s, jsonb_array_elements(s.genealogy->'messages') AS m
UNION ALL
SELECT s.run_id, (n->>'at')::timestamptz, 'node', (n->>'kind') || ' ' || (n->>'node') || ' on ' || (n->>'queue')
FROM run_states s, jsonb_array_elements(s.genealogy->'nodes') AS n
UNION ALL
SELECT run_id, updated_at, 'run', verdict || ': ' || reason FROM observed_runs WHERE verdict IS NOT NULL;
