-- The code graph, content-addressed: what two commits share is there once.
--
-- A row of code_blobs says that all nodes of that blob are there, one of code_links that all its edges are, one of
-- code_trees that all its files are: each is written in one transaction with what it vouches for, and never changed.
-- Hence the unique keys are on those few, and the many rows below have neither foreign keys nor more than one index.

-- The content of files, by git's object id, from where indexing workers take it.
CREATE TABLE code_sources (
    oid    bytea PRIMARY KEY,
    source bytea NOT NULL
);

-- What a parser made of a content; `skipped` says why there is nothing, else `facts` and `terms` are the whole file's.
CREATE TABLE code_blobs (
    blob    bytea PRIMARY KEY,
    oid     bytea NOT NULL,
    skipped text NOT NULL,
    facts   bytea,
    terms   bytea
);

CREATE TABLE code_nodes (
    blob      bytea NOT NULL,
    place     integer NOT NULL,
    name      text NOT NULL,
    kind      text NOT NULL,
    first     integer NOT NULL,
    last      integer NOT NULL,
    signature text NOT NULL,
    docstring text NOT NULL,
    digest    bytea NOT NULL
);
CREATE INDEX code_nodes_blob ON code_nodes (blob);

-- `links` is the digest of all edges that leave one file.
CREATE TABLE code_links (
    links bytea PRIMARY KEY
);

CREATE TABLE code_edges (
    links      bytea NOT NULL,
    place      integer NOT NULL,
    kind       text NOT NULL,
    source     text NOT NULL,
    target     text NOT NULL,
    line       integer NOT NULL,
    resolution text NOT NULL,
    confidence double precision NOT NULL
);
CREATE INDEX code_edges_links ON code_edges (links);

-- `parser` is the version of the code that parsed and linked it; what an older one made is of no use to a newer one.
CREATE TABLE code_trees (
    tree   bytea PRIMARY KEY,
    parser bytea NOT NULL
);

CREATE TABLE code_files (
    tree  bytea NOT NULL,
    path  text NOT NULL,
    blob  bytea NOT NULL,
    links bytea NOT NULL
);
CREATE INDEX code_files_tree ON code_files (tree);

-- The tree a repository was last indexed at; `skipped` counts the files left out by reason.
CREATE TABLE code_heads (
    repository text PRIMARY KEY,
    commit     text NOT NULL,
    tree       bytea NOT NULL,
    skipped    jsonb NOT NULL,
    indexed_at timestamptz NOT NULL DEFAULT now()
);

-- A vector belongs to a node's content, wherever that stands; models differ in length.
CREATE TABLE code_vectors (
    model  text NOT NULL,
    digest bytea NOT NULL,
    vector vector NOT NULL,
    PRIMARY KEY (model, digest)
);
