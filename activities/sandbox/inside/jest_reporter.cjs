/* A reporter of Jest that records each file as soon as it has ended. */
"use strict";

const { recordFile, take } = require("./node_recorder.cjs");

module.exports = class RecordingReporter {
  constructor() {
    this.recorder = take();
  }

  onTestResult(test, result) {
    if (this.recorder) recordFile(this.recorder, result);
  }

  onRunComplete(contexts, results) {
    if (this.recorder) this.recorder.finish(results.success ? 0 : 1);
  }
};
