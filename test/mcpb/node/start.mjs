// Prints how a host starts the server of a bundle, as the official library has it:
// node start.mjs FOLDER VALUES, with the values of the user as JSON.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";

const [folder, values] = process.argv.slice(2);
const config = await getMcpConfigForManifest({
  manifest: JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")),
  extensionPath: folder,
  systemDirs: { HOME: homedir() },
  userConfig: JSON.parse(values),
  pathSeparator: sep,
});
process.stdout.write(JSON.stringify(config ?? null));
