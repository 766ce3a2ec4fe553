import { readFileSync } from "node:fs";
import initSqlJs, { type Database } from "sql.js";

const SCHEMA = ["users.sql", "roles.sql"];

export interface User {
  id: number;
  email: string;
  passwordHash: string;
}

/** Open an empty database with the tables of the guild. */
export async function open(): Promise<Database> {
  const { Database } = await initSqlJs();
  const database = new Database();
  for (const name of SCHEMA) {
    database.run(readFileSync(new URL(`../sql/${name}`, import.meta.url), "utf8"));
  }
  return database;
}

/** The account of an address; addresses are the same in upper and lower case. */
export function findUser(database: Database, email: string): User | undefined {
  const query = "SELECT id, email, password_hash FROM active_users WHERE lower(email) = lower(?)";
  const [result] = database.exec(query, [email]);
  if (!result) {
    return undefined;
  }
  const [id, address, passwordHash] = result.values[0];
  return { id: Number(id), email: String(address), passwordHash: String(passwordHash) };
}

/** The roles of an account, in order. */
export function rolesOf(database: Database, user: User): string[] {
  const [result] = database.exec("SELECT role FROM roles WHERE user_id = ? ORDER BY role", [user.id]);
  return result ? result.values.map(([role]) => String(role)) : [];
}
