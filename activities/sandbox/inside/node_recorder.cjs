/* The recorder of Node's test runners, which NODE_OPTIONS loads into every process of Node.
 *
 * In the process of a test runner it takes the seal out of the results, before code of the repository runs, and adds a
 * reporter of ours to those that the command names. HYDRA_NODE holds its settings as JSON: `results` (a path) and
 * `hand_over` (whether other sessions of the same command may follow).
 */
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const MARK = "seal ";
const WORK = "/work/";
// Characters of one test's message and of all messages, as in recorder.py.
const MESSAGE_LIMIT = 8000;
const MESSAGES_LIMIT = 16_000_000;

class Recorder {
  constructor(settings) {
    this.handOver = settings.hand_over;
    this.file = fs.openSync(settings.results, "r+");
    this.secret = this.takeSeal();
    this.room = MESSAGES_LIMIT;
    this.count = 0;
    this.hasFinished = false;
  }

  takeSeal() {
    const data = fs.readFileSync(this.file, "latin1");
    const start = data.startsWith(MARK) ? 0 : data.lastIndexOf(`\n${MARK}`) + 1;
    const line = data.slice(start).split("\n")[0];
    // Without a seal, because another session runs, nothing is believed.
    if (!line.startsWith(MARK)) return crypto.randomBytes(16).toString("hex");
    fs.ftruncateSync(this.file, start);
    return line.slice(MARK.length);
  }

  append(line) {
    const data = Buffer.from(line);
    let sent = 0;
    while (sent < data.length) sent += fs.writeSync(this.file, data, sent, data.length - sent, fs.fstatSync(this.file).size);
  }

  write(record) {
    const data = JSON.stringify(record);
    const signature = crypto.createHmac("sha256", this.secret).update(data).digest("hex");
    this.append(`${signature} ${data}\n`);
  }

  /* Record a test; `names` are those of its groups and its own. */
  test(file, names, outcome, seconds, message) {
    let text = String(message || "");
    text = text.length > MESSAGE_LIMIT ? text.slice(-MESSAGE_LIMIT) : text;
    this.room -= text.length;
    const id = [locate(file), names.join(" > ")].filter(Boolean).join("::");
    this.count += 1;
    this.write({ kind: "test", id, outcome, seconds: seconds || 0, message: this.room < 0 ? "" : text });
  }

  finish(status) {
    if (this.hasFinished) return;
    this.hasFinished = true;
    this.write({ kind: "collected", count: this.count });
    this.write({ kind: "finish", status: typeof status === "number" ? status : 0 });
    if (this.handOver) {
      const next = crypto.createHash("sha256").update(`next ${this.secret}`).digest("hex").slice(0, 32);
      this.append(`${MARK}${next}\n`);
    }
  }
}

function locate(file) {
  const name = String(file || "").replace(/^file:\/\//, "");
  return name.startsWith(WORK) ? name.slice(WORK.length) : name;
}

/* Return the runner that a process is, by the program that it runs. */
function findRunner() {
  if (process.env.NODE_TEST_CONTEXT || process.env.VITEST_WORKER_ID || process.env.JEST_WORKER_ID) return "";
  if (process.execArgv.includes("--test") && require("worker_threads").isMainThread) return "node";
  const program = String(process.argv[1] || "").replace(/\\/g, "/");
  const match = /\/(?:node_modules\/\.bin\/(vitest|jest|_?mocha)|vitest\/(?:dist\/cli|vitest)\.m?js|jest(?:-cli)?\/bin\/jest\.js|mocha\/bin\/_?mocha(?:\.js)?)$/.exec(program);
  if (!match) return "";
  return ["vitest", "jest", "mocha"].find((name) => match[0].includes(name)) || "";
}

/* Run the same command again with our reporter beside the others: each needs a destination then. */
function runNodeTests() {
  const options = [];
  const reporters = [];
  const destinations = [];
  const given = [...process.execArgv];
  while (given.length) {
    const [name, ...rest] = given.shift().split("=");
    const list = { "--test-reporter": reporters, "--test-reporter-destination": destinations }[name];
    if (list) list.push(rest.length ? rest.join("=") : given.shift());
    else options.push([name, ...rest].join("="));
  }
  if (!reporters.length) reporters.push("spec");
  const named = reporters.flatMap((reporter, index) => [
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${destinations[index] || "stdout"}`,
  ]);
  const ours = [`--test-reporter=${path.join(__dirname, "node_test_reporter.mjs")}`, "--test-reporter-destination=stderr"];
  const done = require("child_process").spawnSync(
    process.execPath,
    [...options, ...named, ...ours, ...process.argv.slice(1)],
    { stdio: "inherit", env: { ...process.env, HYDRA_NODE_REPORTS: "1" } },
  );
  if (done.signal) process.kill(process.pid, done.signal);
  process.exit(done.status === null ? 1 : done.status);
}

/* Vitest writes its report as JSON into a file that no test has to know of. */
function recordVitest(recorder) {
  const report = path.join(fs.mkdtempSync(path.join(require("os").tmpdir(), "vitest-")), "report.json");
  const hasReporter = process.argv.some((word) => word.startsWith("--reporter"));
  process.argv.push(...(hasReporter ? [] : ["--reporter=default"]), "--reporter=json", `--outputFile.json=${report}`);
  process.on("exit", (status) => {
    let results = [];
    try {
      results = JSON.parse(fs.readFileSync(report, "utf8")).testResults;
    } catch {
      return;
    }
    for (const file of results) recordFile(recorder, file);
    recorder.finish(status);
  });
}

/* Record a file as Jest and Vitest report it; one that cannot be loaded has no tests. */
function recordFile(recorder, file) {
  const outcomes = { passed: "passed", failed: "failed", pending: "skipped", skipped: "skipped", todo: "skipped", disabled: "skipped" };
  const tests = file.assertionResults || file.testResults || [];
  const name = file.name || file.testFilePath;
  const message = file.message || file.failureMessage || "";
  const cannotLoad = file.testExecError || (file.status === "failed" && !tests.some((test) => test.status === "failed"));
  if (cannotLoad) recorder.test(name, [], "error", 0, message || String(file.testExecError.message));
  for (const test of tests) {
    const outcome = outcomes[test.status];
    const names = [...(test.ancestorTitles || []), test.title];
    if (outcome) recorder.test(name, names, outcome, (test.duration || 0) / 1000, (test.failureMessages || []).join("\n"));
  }
}

function recordJest() {
  const hasReporter = process.argv.some((word) => word.startsWith("--reporters"));
  process.argv.push(...(hasReporter ? [] : ["--reporters=default"]), `--reporters=${path.join(__dirname, "jest_reporter.cjs")}`);
}

/* Add our reporter, which takes the seal: a first process of Mocha may only start another one with other options. */
function recordMocha() {
  if (process.argv.some((word) => word.includes("mocha_reporter.cjs"))) return;
  process.argv.push("--reporter", path.join(__dirname, "mocha_reporter.cjs"));
}

let recorder = null;

/* Open the results, and let nothing that a test starts find them. */
function open() {
  if (!process.env.HYDRA_NODE) return null;
  const settings = JSON.parse(process.env.HYDRA_NODE);
  delete process.env.HYDRA_NODE;
  delete process.env.HYDRA_NODE_REPORTS;
  return new Recorder(settings);
}

/* Return the recorder, once: code of the repository comes later. */
function take() {
  const taken = recorder || open();
  recorder = null;
  return taken;
}

function start() {
  const runner = findRunner();
  if (!runner || !process.env.HYDRA_NODE) return;
  if (runner === "mocha") return recordMocha();
  if (runner === "node" && !process.env.HYDRA_NODE_REPORTS) runNodeTests();
  recorder = open();
  if (runner === "vitest") recordVitest(take());
  if (runner === "jest") recordJest();
}

module.exports = { recordFile, take };
start();
