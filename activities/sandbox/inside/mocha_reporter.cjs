/* A reporter of Mocha that records each test, and prints what Mocha's usual one does. */
"use strict";

const fs = require("fs");
const { createRequire } = require("module");
const { take } = require("./node_recorder.cjs");

// The program is bin/mocha.js, or lib/cli/cli.js where options of Node have it started once more.
const load = createRequire(fs.realpathSync(process.argv[1]));
const Spec = loadFirst("../lib/reporters/spec", "../reporters/spec");

function loadFirst(...names) {
  const name = names.find((each) => {
    try {
      return load.resolve(each);
    } catch {
      return false;
    }
  });
  const loaded = load(name);
  return loaded.default || loaded.Spec || loaded;
}

module.exports = class RecordingReporter extends Spec {
  constructor(runner, options) {
    super(runner, options);
    const recorder = take();
    if (!recorder) return;
    const record = (test, outcome, error) => {
      const isHook = test.type === "hook";
      recorder.test(test.file, test.titlePath(), isHook ? "error" : outcome, (test.duration || 0) / 1000, describe(error));
    };
    runner.on("pass", (test) => record(test, "passed"));
    runner.on("pending", (test) => record(test, "skipped"));
    runner.on("fail", (test, error) => record(test, "failed", error));
    runner.once("end", () => recorder.finish(runner.failures ? 1 : 0));
  }
};

function describe(error) {
  const stack = String((error && error.stack) || error || "");
  return !error || stack.includes(error.message) ? stack : `${error.name}: ${error.message}\n${stack}`;
}
