import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { attachExecutor } from "../../../actors/diagnostics/index.ts";
import { startKit } from "../service/service-kit.ts";
import { alice, strictPolicy } from "../service/test-client.ts";

const service = "contract_service";
const file = fileURLToPath(new URL("../../e2e/fixtures/contract-service.ts", import.meta.url));
const nobody = { ...alice, userId: null };

const of = (request_type: string, args: object = { n: 1 }, request_id = request_type): object => ({
  ...{ service, request_type, request_id, args },
});

const suffixes = ["ok", "hooked", "denied", "down", "noted", "fails"];
const requests = ["sync", "async", "stream", "none"].flatMap((type) => [
  ...suffixes.map((suffix) => of(`${type}_${suffix}`)),
  of(`${type}_ok`, { n: "1" }, `${type}_invalid`),
]);

interface Heard {
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What telemetry tells of requests on this thread, until the test ends. */
function listen(t: TestContext): Heard[] {
  const heard: Heard[] = [];
  const keep = (name: string, { metadata }: Pick<Heard, "metadata">): void => {
    heard.push({ name: name.replace("troupe:executor:request_", ""), metadata });
  };
  t.after(attachExecutor(keep));
  return heard;
}

test("each request begins once and ends once, whatever becomes of it", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  await kit.loader.load(file);
  const heard = listen(t);
  const payloads = [...requests, of("never", {}), of("refuses", {}), of("nothing"), of("disabled")];
  for (const payload of payloads) {
    const { request_id } = payload as { request_id: string };
    heard.length = 0;
    const { response, last } = await kit.execute(payload);
    const events = (): Heard[] =>
      heard.filter(({ metadata }) => metadata["request_id"] === request_id);
    // That of a function without an answer ends when it does, which nobody is told.
    for (let i = 0; i < 1_000 && events().length < 2; i++) await kit.call(service, "seen");
    const [start, end, ...more] = events();
    assert.deepEqual([start?.name, more], ["start", []], request_id);
    const final = last ?? response;
    if (final === null) continue;
    const { success, code } = end?.metadata ?? {};
    assert.deepEqual([success, code], [final.success, final.code ?? null], request_id);
    const isBroken = ["internal", "timeout"].includes(final.code ?? "");
    assert.equal(end?.name, isBroken ? "exception" : "stop", request_id);
  }
});

test("so does one that could not be read, or comes from nobody", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  const heard = listen(t);
  await kit.execute({});
  await kit.execute(of("nothing"), nobody, strictPolicy);
  const told = heard.map(({ name, metadata }) => [name, metadata["code"]]);
  assert.deepEqual(told, [
    ["start", undefined],
    ["stop", "invalid_request"],
    ["start", undefined],
    ["stop", "authentication_required"],
  ]);
});
