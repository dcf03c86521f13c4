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
  import("./main.ts")
    .then((gateway) => gateway.main(process.argv.slice(2)))
    .catch((error) => {
      console.error(error);
      process.exit(1);
    });
}
