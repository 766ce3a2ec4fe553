"""SQL files are part of the graph: what they define, and which code speaks of it."""

import pytest

from activities.code.languages import find_language
from activities.retrieval.languages import parse_file
from activities.retrieval.languages.sql_strings import list_mentioned
from hydranet.code_graph.model import EdgeKind
from hydranet.code_graph.shortest_path import describe_path, find_shortest_path
from tests.unit.retrieval.trees import edges_of, pairs

USERS = """\
-- Who may log in.
CREATE TABLE IF NOT EXISTS app.users (
  id SERIAL PRIMARY KEY,
  email TEXT NOT NULL,
  org INTEGER REFERENCES orgs(id),
  CONSTRAINT users_email CHECK (email <> ''),
  UNIQUE (email, org)
);

CREATE TABLE orgs (id INTEGER);
CREATE INDEX users_by_org ON users (org);
CREATE VIEW logins AS SELECT email FROM users;
INSERT INTO orgs VALUES (1);
"""
MYSQL = """\
CREATE TABLE `orders` (
  `id` int(11) unsigned NOT NULL AUTO_INCREMENT,
  `state` varchar(20) COLLATE utf8_bin DEFAULT '' COMMENT 'open',
  PRIMARY KEY (`id`),
  KEY `by_state` (`state`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
"""
TREE = {
    "src/auth.ts": """\
import { findUser } from "./db";

export async function login(email: string): Promise<string> {
  const user = await findUser(email);
  return user.passwordHash.trim();
}
""",
    "src/db.ts": """\
import { pool } from "./pool";

export async function findUser(email: string) {
  const { rows } = await pool.query(`SELECT id, password_hash FROM users WHERE email = ${email}`);
  return rows[0];
}
""",
    "src/pool.ts": 'import { Pool } from "pg";\nexport const pool = new Pool();\n',
    "sql/users.sql": "CREATE TABLE users (\n  id INTEGER,\n  email TEXT,\n  password_hash TEXT\n);\n",
}


def test_tables_columns_and_constraints_are_nodes() -> None:
    facts = parse_file("users.sql", USERS.encode())
    assert facts is not None
    assert [(each.name, str(each.kind), each.first, each.last) for each in facts.definitions] == [
        ("users", "table", 2, 8),
        ("users.id", "column", 3, 3),
        ("users.email", "column", 4, 4),
        ("users.org", "column", 5, 5),
        ("users.users_email", "constraint", 6, 6),
        ("users.unique", "constraint", 7, 7),
        ("orgs", "table", 10, 10),
        ("orgs.id", "column", 10, 10),
        ("users_by_org", "constraint", 11, 11),
        ("logins", "table", 12, 12),
    ]
    assert facts.definitions[0].docstring == "Who may log in."


def test_statements_of_other_dialects_are_read_as_far_as_they_go() -> None:
    facts = parse_file("orders.sql", MYSQL.encode())
    assert facts is not None
    names = {each.name for each in facts.definitions}
    assert {"orders", "orders.id", "orders.state", "orders.primary_key"} <= names
    assert parse_file("odd.sql", b"\xff\x00CREATE TABLE (((") is not None


def test_what_is_indexed_can_be_shown_and_changed() -> None:
    sql = find_language("users.sql")
    assert sql is not None
    assert [(each.name, each.first, each.last) for each in sql.list_definitions(USERS)] == [
        ("users", 2, 8),
        ("orgs", 10, 10),
        ("users_by_org", 11, 11),
        ("logins", 12, 12),
    ]
    assert sql.is_same_code("SELECT 1 -- one", "SELECT\n  1")
    assert not sql.is_same_code("SELECT 'a'", "SELECT 'b'")


def test_parts_of_sql_files_refer_to_each_other() -> None:
    assert pairs({"users.sql": USERS}, EdgeKind.REFERENCES) >= {
        ("users.sql::users.org", "users.sql::orgs"),
        ("users.sql::users_by_org", "users.sql::users"),
        ("users.sql::logins", "users.sql::users.email"),
        ("users.sql::<block>", "users.sql::orgs"),
    }


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("SELECT id FROM users WHERE email = ?", {"users", "users.id", "users.email"}),
        ("insert into app.users(email) values ($1) on conflict (email) do nothing", {"users", "users.email"}),
        ('UPDATE "users" SET email = :email', {"users", "users.email"}),
        ("SELECT u.id FROM users u JOIN orgs o ON o.id = u.org", {"users", "orgs", "users.org", "orgs.id"}),
        ("DELETE FROM users", {"users"}),
    ],
)
def test_a_statement_names_tables_and_maybe_columns(statement: str, names: set[str]) -> None:
    assert names <= set(list_mentioned(statement))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("db.py", "def find():\n    return run('SELECT email FROM users')\n"),
        ("db.js", "const find = () => run(`SELECT email FROM users LIMIT ${most}`);\n"),
        ("db.ts", "export class Users { find() { return this.run('select email from users'); } }\n"),
    ],
)
def test_code_refers_to_the_tables_and_columns_in_its_strings(path: str, code: str) -> None:
    references = pairs({path: code, "sql/users.sql": USERS}, EdgeKind.REFERENCES)
    targets = {target for source, target in references if source.startswith(f"{path}::")}
    assert targets == {"sql/users.sql::users", "sql/users.sql::users.email"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("db.py", "def find():\n    return load('sql/users.sql')\n"),
        ("db.mjs", 'export const find = () => read(new URL("./sql/users.sql", import.meta.url));\n'),
    ],
)
def test_code_refers_to_the_files_of_statements_that_it_reads(path: str, code: str) -> None:
    references = pairs({path: code, "sql/users.sql": USERS}, EdgeKind.REFERENCES)
    assert (f"{path}::find", "sql/users.sql::") in references


def test_the_walk_from_an_error_to_the_table_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    edges = [edge for edge in edges_of(TREE) if "::" in edge.target]
    steps = find_shortest_path(edges, "src/auth.ts::login", "sql/users.sql::users.password_hash")
    assert steps is not None
    print(describe_path("src/auth.ts::login", steps))
    assert capsys.readouterr().out == (
        "src/auth.ts:4 login → calls findUser → src/db.ts:4 → refers to users.password_hash → sql/users.sql\n"
    )
