import type { Database } from "sql.js";
import { findUser, rolesOf } from "./db";
import { hash } from "./hash";

export interface Session {
  email: string;
  roles: string[];
}

/** Whether somebody who knows the password may be let in. */
export function mayEnter(session: Session, role: string): boolean {
  return session.roles.includes(role) || session.roles.includes("warden");
}

/** Log somebody in. */
export function login(database: Database, email: string, password: string): Session {
  const user = findUser(database, email)!;
  if (user.passwordHash !== hash(password)) {
    throw new Error("wrong password");
  }
  return { email: user.email, roles: rolesOf(database, user) };
}
