CREATE TABLE roles (
  user_id INTEGER NOT NULL REFERENCES users (id),
  role TEXT NOT NULL,
  CONSTRAINT one_of_each UNIQUE (user_id, role)
);
