import Type, { type TProperties, type TSchema } from "typebox";
import { Check } from "typebox/value";
import { encodeArgumentSchema } from "../actors/arguments/argument-schema.ts";
import { compileArguments } from "../actors/arguments/arguments.ts";
import {
  type ArgumentSpec,
  decideValueFault,
  type FunConfig,
  parseFunConfig,
} from "../actors/registry/index.ts";
import { measureRates } from "./rate.ts";
import { type BenchModule, millions, type Row, type Scale } from "./report.ts";

const argTypes = {
  user_id: "uuid",
  name: { type: "string", max_bytes: 100 },
  age: "num",
  tags: { type: "list_string", max_items: 10, max_item_bytes: 50 },
  active: "boolean",
};

/** The same arguments as a TypeBox user writes them. */
const schema = Type.Object(
  {
    user_id: Type.String({ format: "uuid" }),
    name: Type.String({ maxLength: 100 }),
    age: Type.Number(),
    tags: Type.Array(Type.String({ maxLength: 50 }), { maxItems: 10 }),
    active: Type.Boolean(),
  } satisfies TProperties,
  { additionalProperties: false },
);

const requests = Array.from({ length: 64 }, (_, index): Record<string, unknown> => {
  const id = `123e4567-e89b-12d3-a456-4266141740${String(index).padStart(2, "0")}`;
  return JSON.parse(
    `{"user_id":"${id}","name":"Ada Lovelace","age":${index},"tags":["a","b","c"],"active":true}`,
  );
});

/** What there would be without a compiler: the config is read, and its types are gone through. */
function interpret(input: unknown, args: Record<string, unknown>): boolean {
  const parsed = parseFunConfig(input);
  if (!parsed.ok) return false;
  return walk(parsed.config.argTypes as Readonly<Record<string, ArgumentSpec>>, args);
}

/** The same with a config that was read before. */
function walk(
  types: Readonly<Record<string, ArgumentSpec>>,
  args: Record<string, unknown>,
): boolean {
  for (const name of Object.keys(args)) if (!Object.hasOwn(types, name)) return false;
  for (const [name, spec] of Object.entries(types)) {
    const value = Object.hasOwn(args, name) ? args[name] : spec.defaultValue;
    if (value === undefined || value === null) {
      if (!spec.allowNil) return false;
    } else if (decideValueFault(name, spec, value) !== null) {
      return false;
    }
  }
  return true;
}

/** Checks of a function with five arguments, compiled and interpreted. */
export const argumentChecks: BenchModule = {
  name: "arguments",
  async run(scale: Scale): Promise<Row[]> {
    const input = {
      service: "bench",
      requestType: "bench",
      mfa: { module: "bench", function: "bench" },
      argTypes,
    };
    const byTypes = readConfig({ ...input, argOrders: Object.keys(argTypes) });
    const types = byTypes.argTypes as Readonly<Record<string, ArgumentSpec>>;
    const compiled = compileArguments(byTypes);
    const compiledSchema = compileArguments(readConfig({ ...input, argTypes: schema }));
    const properties = Object.entries(types).map(([name, spec]) => [
      name,
      encodeArgumentSchema(spec),
    ]);
    const sameAsTypes: TSchema = Type.Object(Object.fromEntries(properties));
    const candidates = {
      compiled: (args) => compiled(args).ok,
      schema: (args) => compiledSchema(args).ok,
      checkedTypes: (args) => Check(sameAsTypes, args),
      checkedSchema: (args) => Check(schema, args),
      read: (args) => interpret(input, args),
      walk: (args) => walk(types, args),
    } satisfies Record<string, (args: Record<string, unknown>) => boolean>;
    const rates = await measureRates(
      Object.entries(candidates).map(([name, accepts]) => {
        const operations = scale === "full" ? 20_000 : 64;
        return {
          name,
          operations,
          run: async () => {
            let accepted = 0;
            for (let i = 0; i < operations; i += 1) {
              if (accepts(requests[i & 63] as Record<string, unknown>)) accepted += 1;
            }
            if (accepted !== operations) throw new Error(`${name} refused a good request`);
          },
        };
      }),
      scale,
    );
    const rate = (name: keyof typeof candidates): number => rates.get(name) ?? Number.NaN;
    const row = (what: string, one: number, other: number, isWanted: boolean): Row => ({
      what,
      wanted: isWanted ? "5 ×" : "",
      measured: `${(one / other).toFixed(1)} × (${millions(one)}/s, ${millions(other)}/s)`,
      met: isWanted ? one >= 5 * other : null,
    });
    return [
      row(
        "check of 5 arguments: types, against `Value.Check`",
        rate("compiled"),
        rate("checkedTypes"),
        true,
      ),
      row("… object schema, against `Value.Check`", rate("schema"), rate("checkedSchema"), true),
      row(
        "… types, against the config read for each request",
        rate("compiled"),
        rate("read"),
        true,
      ),
      row("… types, against the read types gone through", rate("compiled"), rate("walk"), false),
    ];
  },
};

function readConfig(input: unknown): FunConfig {
  const outcome = parseFunConfig(input);
  if (!outcome.ok) throw new Error(outcome.faults.join("\n"));
  return outcome.config;
}
