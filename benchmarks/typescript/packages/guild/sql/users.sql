-- Who has an account; an account that was closed keeps its row.
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  closed_at TEXT
);

-- Who may log in.
CREATE VIEW active_users AS
SELECT id, email, password_hash
FROM users
WHERE closed_at IS NULL;
