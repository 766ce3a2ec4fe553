import { beforeEach, expect, test } from "vitest";
import type { Database } from "sql.js";
import { mayEnter } from "../src/auth";
import { open, rolesOf } from "../src/db";
import { hash } from "../src/hash";

let database: Database;

beforeEach(async () => {
  database = await open();
  const insert = "INSERT INTO users (id, email, password_hash, closed_at) VALUES (?, ?, ?, ?)";
  database.run(insert, [1, "ann@example.org", hash("open"), null]);
  database.run(insert, [2, "bob@example.org", hash("shut"), "2024-01-01"]);
  database.run("INSERT INTO roles (user_id, role) VALUES (1, 'smith')");
});

test("roles belong to an account", () => {
  expect(rolesOf(database, { id: 1, email: "", passwordHash: "" })).toEqual(["smith"]);
  expect(rolesOf(database, { id: 2, email: "", passwordHash: "" })).toEqual([]);
});

test("a role opens its door", () => {
  expect(mayEnter({ email: "", roles: ["smith"] }, "smith")).toBe(true);
  expect(mayEnter({ email: "", roles: [] }, "smith")).toBe(false);
});
