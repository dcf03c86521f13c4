#!/usr/bin/env node
// Plain JavaScript that an old Node parses too: what is not met here is said in one line, where a
// TypeScript file would end in a syntax error.
const neededMajor = 24;

if (Number.parseInt(process.versions.node, 10) < neededMajor) {
  process.stderr.write(
    `troupe needs Node ${neededMajor} or newer, found ${process.version}: ` +
      'after "npm ci", "npx troupe" and every npm script run on Node 26\n',
  );
  process.exitCode = 1;
} else {
  // About half of what a command or a thread takes to start is the compiling of modules: the next one
  // finds it done. Beside the dependencies, because what lies there is run; where that is read-only,
  // nothing is kept.
  const folder = new URL("../../node_modules/.cache/troupe", import.meta.url);
  process.env.NODE_COMPILE_CACHE ??= process.getBuiltinModule("node:url").fileURLToPath(folder);
  process.getBuiltinModule("node:module").enableCompileCache(process.env.NODE_COMPILE_CACHE);
  import("./main.ts")
    .then((gateway) => gateway.main(process.argv.slice(2)))
    .catch((error) => {
      console.error(error);
      process.exit(1);
    });
}
