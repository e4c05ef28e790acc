// Makes the npm packages of a release from its archives: one package for each
// platform, which holds a program, and `mcpengine`, which depends on all of them as
// optional packages and runs the one that npm has installed. Nothing is downloaded
// when they are installed.
//
// usage: node build.mjs DIST OUT
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [dist, out] = process.argv.slice(2).map((folder) => resolve(folder));
const here = fileURLToPath(new URL(".", import.meta.url));
const version = JSON.parse(readFileSync(join(dist, "metadata.json"), "utf8")).version;
const artifacts = JSON.parse(readFileSync(join(dist, "artifacts.json"), "utf8"));

const os = { linux: "linux", darwin: "darwin", windows: "win32" };
const cpu = { amd64: "x64", arm64: "arm64" };
const common = {
  version,
  license: "MIT",
  homepage: "https://github.com/mcpengine/mcpengine",
  repository: { type: "git", url: "git+https://github.com/mcpengine/mcpengine.git" },
};

// write puts a package into a folder, and packs it.
function write(name, manifest, files) {
  const folder = join(out, "src", name);
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, ...common, ...manifest }, null, 2) + "\n");
  for (const { from, to } of files) {
    copyFileSync(from, join(folder, to));
    chmodSync(join(folder, to), to.startsWith("bin/") ? 0o755 : 0o644);
  }
  execFileSync("npm", ["pack", "--silent", "--pack-destination", out], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

const license = { from: join(here, "../../../LICENSE"), to: "LICENSE" };
const programs = artifacts.filter((a) => a.type === "Binary" && a.extra.ID === "mcpengine");
if (programs.length === 0) {
  throw new Error(`${dist} has no program: run make release-snapshot`);
}
const optionalDependencies = {};
for (const program of programs.sort((a, b) => (a.path < b.path ? -1 : 1))) {
  const name = `mcpengine-${os[program.goos]}-${cpu[program.goarch]}`;
  optionalDependencies[name] = version;
  write(
    name,
    { description: `mcpengine for ${program.goos} on ${program.goarch}`, os: [os[program.goos]], cpu: [cpu[program.goarch]] },
    [license, { from: join(dist, "..", program.path), to: `bin/mcpengine${program.goos === "windows" ? ".exe" : ""}` }],
  );
}
write(
  "mcpengine",
  {
    description: "Build, secure, run and deploy servers of the Model Context Protocol",
    bin: { mcpengine: "bin/mcpengine.js" },
    engines: { node: ">=18" },
    optionalDependencies,
  },
  [license, { from: join(here, "mcpengine.js"), to: "bin/mcpengine.js" }],
);
