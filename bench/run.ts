/** `npm run bench [-- --smoke] [-- NAME ...]`: measures, and prints the table of README.md. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { argumentChecks } from "./arguments.ts";
import { ask } from "./ask.ts";
import { cluster } from "./cluster.ts";
import { gateway } from "./gateway.ts";
import { idleActors } from "./idle-actors.ts";
import { limits } from "./limits.ts";
import { link } from "./link.ts";
import { overload } from "./overload.ts";
import { pipeline } from "./pipeline.ts";
import { relay } from "./relay.ts";
import { formatTable, type Row } from "./report.ts";
import { tell } from "./tell.ts";

const benches = [
  tell,
  ask,
  link,
  idleActors,
  limits,
  argumentChecks,
  gateway,
  pipeline,
  overload,
  cluster,
  relay,
];
const { values, positionals } = parseArgs({
  options: { smoke: { type: "boolean", default: false } },
  allowPositionals: true,
});
const names = benches.map((bench) => bench.name);
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`unknown bench ${unknown}: expected ${names.join(", ")}\n`);
  process.exit(2);
}

const cpu = cpus()[0]?.model ?? "unknown CPU";
process.stdout.write(`Node ${process.version}, ${cpus().length} × ${cpu}\n\n`);
const rows: Row[] = [];
for (const bench of benches) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  process.stderr.write(`${bench.name} …\n`);
  const measured = await bench.run(values.smoke ? "smoke" : "full");
  // A short run says that everything runs, and nothing of how fast.
  rows.push(...measured.map((row) => (values.smoke ? { ...row, met: null } : row)));
}
process.stdout.write(`${formatTable(rows)}\n`);
