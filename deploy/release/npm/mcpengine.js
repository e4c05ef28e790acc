#!/usr/bin/env node
// Runs the program of the package for this platform.
"use strict";
const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `mcpengine-${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`${name}/bin/mcpengine${process.platform === "win32" ? ".exe" : ""}`);
} catch {
  console.error(
    `mcpengine: the package ${name} is not installed. If there is one for this platform, install mcpengine again ` +
      `with optional dependencies (without --omit=optional); if not, build it with Go: ` +
      `go install github.com/mcpengine/mcpengine/cmd/mcpengine@latest`,
  );
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
// Ctrl+C reaches the program by itself. It decides when to end.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (err) => {
  console.error(`mcpengine: ${err.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
