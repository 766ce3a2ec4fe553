// A reporter of Node's own test runner that records each test.

import { createRequire } from "node:module";
import { inspect } from "node:util";

const { take } = createRequire(import.meta.url)("./node_recorder.cjs");

// Characters of what a file printed before it failed as a whole.
const LIMIT = 8000;

export default async function* record(events) {
  const recorder = take();
  if (!recorder) return;
  // The names of the tests that are open in a file, by their depth.
  const open = new Map();
  const errors = new Map();
  process.on("exit", (status) => recorder.finish(status));
  for await (const { type, data } of events) {
    if (type === "test:start") {
      const names = (open.get(data.file) || []).slice(0, data.nesting);
      open.set(data.file, [...names, data.name]);
    } else if (type === "test:stderr") {
      errors.set(data.file, `${errors.get(data.file) || ""}${data.message}`.slice(-LIMIT));
    } else if (type === "test:pass" || type === "test:fail") {
      const names = [...(open.get(data.file) || []).slice(0, data.nesting), data.name];
      recordTest(recorder, data, names, type === "test:fail", errors.get(data.file));
    }
  }
}

function recordTest(recorder, data, names, failed, printed) {
  const { error, duration_ms: milliseconds, type } = data.details;
  // A group fails with its tests, which say why.
  if (failed ? error && error.failureType === "subtestsFailed" : type === "suite") return;
  const isSkipped = data.skip !== undefined || data.todo !== undefined;
  const outcome = isSkipped ? "skipped" : failed ? "failed" : "passed";
  const isFile = names.length === 1 && data.file && data.file.endsWith(data.name.replace(/^\.\//, ""));
  if (isFile && !failed) return;
  const cause = (isFile && printed) || (error && error.cause) || error;
  const message = !failed ? "" : typeof cause === "string" ? cause : (cause && cause.stack) || inspect(cause);
  recorder.test(data.file, isFile ? [] : names, isFile ? "error" : outcome, milliseconds / 1000, message);
}
