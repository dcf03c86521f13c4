import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEntry } from "../../fixtures/running-system.ts";
import { type ServiceKit, scratchFolder, startKit } from "../service/service-kit.ts";
import { alice, strictPolicy } from "../service/test-client.ts";

const anonymous = { ...alice, userId: null, userRoles: [] };

async function failureOf(
  kit: ServiceKit,
  requestType: string,
): Promise<{ code: string | undefined; error: string | null; canRetry: boolean }> {
  const { response, status, reply } = await kit.call("faulty_service", requestType);
  assert.equal(status, "ok");
  assert.equal(reply, requestType);
  assert.equal(response.success, false);
  assert.equal(response.result, null);
  return { code: response.code, error: response.error, canRetry: response.can_retry };
}

test("a request that is none is refused with what is missing", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  const { status, reply, response } = await kit.execute({});
  assert.equal(status, "error");
  assert.equal(reply, "Missing required fields: request_type, request_id, service");
  assert.deepEqual(response, {
    error: `Invalid request: ${reply}`,
    async: false,
    success: false,
    result: null,
    request_id: "unknown",
    can_retry: false,
    has_more: false,
    code: "invalid_request",
  });
  const listed = await kit.execute({
    ...{ request_id: "r1", request_type: "x", service: "y", args: [1] },
  });
  assert.equal(listed.reply, "expected a map, got: [1]");
  assert.equal(listed.response.request_id, "r1");
});

test("the steps of a request come in their order", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  await kit.load("faulty-service.ts");
  const request = {
    request_id: "r",
    request_type: "nope",
    service: "faulty_service",
    args: { x: 1 },
  };
  // Neither known, nor the function there, nor the arguments right: the first is told.
  const unknownUser = await kit.execute(request, anonymous);
  assert.equal(unknownUser.status, "error");
  assert.equal(unknownUser.reply, "Authentication required");
  assert.equal(unknownUser.response.error, "Authentication required");
  assert.equal(unknownUser.response.code, "authentication_required");
  const unsupported = await kit.execute(request);
  assert.equal(unsupported.status, "ok");
  assert.equal(unsupported.reply, "nope");
  assert.equal(unsupported.response.error, "unsupported function: nope version latest");
  const extra = await kit.execute({ ...request, request_type: "fine" });
  assert.equal(extra.status, "error");
  assert.equal(extra.reply, 'extra arguments for "fine", extra: ["x"]');
  assert.equal(extra.response.error, extra.reply);
  assert.equal(extra.response.code, "invalid_arguments");
  const lenient = { ...strictPolicy, requireVerifiedUserId: false };
  const fine = await kit.execute(
    { ...request, request_type: "fine", args: {} },
    anonymous,
    lenient,
  );
  assert.equal(fine.response.result, "fine");
});

test("who calls comes from the socket, unless the channel believes the payload", async (t) => {
  const kit = await startKit(t, { threads: 2 });
  await kit.load("faulty-service.ts");
  const request = {
    ...{ request_id: "r7", request_type: "whoami", service: "faulty_service" },
    ...{ user_id: "mallory", user_roles: ["admin", 7] },
  };
  const { response } = await kit.execute(request);
  const known = { requestId: "r7", userId: "alice", userRoles: ["editor"], deviceId: "phone" };
  assert.deepEqual(response.result, known);
  const believing = { ...strictPolicy, overrideUserId: false };
  const believed = await kit.execute({ ...request, device_id: "watch" }, anonymous, believing);
  assert.deepEqual(believed.response.result, {
    ...{ requestId: "r7", userId: "mallory", userRoles: ["admin"], deviceId: "watch" },
  });
});

test("versions: the asked one, the highest, the disabled", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  await kit.loader.load("actors/examples/user-service.ts");
  const args = { user_id: "1", fields: ["name"] };
  const latest = await kit.call("user_service", "get_user", args);
  assert.deepEqual(latest.response.result, { name: "Ada Lovelace" });
  const first = await kit.call("user_service", "get_user", args, "1.0.0");
  assert.equal(first.response.code, "invalid_arguments");
  const none = await kit.call("user_service", "get_user", args, "9.9.9");
  assert.equal(none.response.error, "unsupported function: get_user version 9.9.9");
  const missing = await kit.call("user_service", "get_user", { user_id: "9" }, "1.0.0");
  assert.equal(missing.response.code, "not_found");
  assert.equal(missing.response.error, "No user 9");
  const [config] = (await kit.registry.list("user_service")).filter(({ version }) => version);
  await kit.registry.batchAdd([{ ...config, disabled: true }]);
  const disabled = await kit.call("user_service", "get_user", { user_id: "1" }, "1.0.0");
  assert.equal(disabled.response.code, "disabled_function");
  assert.equal(disabled.response.error, "disabled function: get_user version 1.0.0");
});

for (const threads of [0, 2]) {
  test(`a handler that fails harms nobody (threads: ${threads})`, async (t) => {
    const kit = await startKit(t, { threads });
    await kit.load("faulty-service.ts");
    const internal = { code: "internal", error: "Internal Server Error", canRetry: false };
    assert.deepEqual(await failureOf(kit, "throws"), internal);
    assert.deepEqual(await failureOf(kit, "rejects"), internal);
    assert.deepEqual(await failureOf(kit, "throws_nothing"), internal);
    assert.deepEqual(await failureOf(kit, "bigint"), internal);
    assert.deepEqual(await failureOf(kit, "cyclic"), internal);
    const refused = { code: "out_of_stock", error: "None left", canRetry: false };
    assert.deepEqual(await failureOf(kit, "refuses"), refused);
    assert.equal(await kit.result("faulty_service", "nothing"), null);
    assert.equal(await kit.result("faulty_service", "fine"), "fine");
    const line = (detail: string): Promise<LogEntry> =>
      kit.log.first(({ fields }) => fields["error"] === detail);
    await line("secret rejection");
    const { fields } = await line("secret detail");
    assert.equal(fields["function"], "faulty_service.throws");
    assert.match(String(fields["stack"]), /faulty-service\.ts/);
  });
}

test("detailError tells the client", async (t) => {
  const kit = await startKit(t, { threads: 0, executor: { detailError: true } });
  await kit.load("faulty-service.ts");
  await kit.load("counter-service.ts");
  const thrown = await failureOf(kit, "throws");
  assert.equal(thrown.error, "Internal Server Error: secret detail");
  assert.match((await failureOf(kit, "bigint")).error ?? "", /Internal Server Error: .*BigInt/);
  const crashed = await kit.call("counter_service", "crash");
  assert.equal(crashed.response.error, "Internal Server Error: secret crash");
});

for (const threads of [0, 2]) {
  test(`a deadline ends the wait, and aborts the work (threads: ${threads})`, async (t) => {
    const kit = await startKit(t, { threads });
    await kit.load("faulty-service.ts");
    const timeout = { code: "timeout", error: "never did not answer in time", canRetry: false };
    assert.deepEqual(await failureOf(kit, "never"), timeout);
    assert.equal((await failureOf(kit, "never_listens")).code, "timeout");
    assert.equal((await failureOf(kit, "late")).code, "timeout");
    const seen = await kit.result("faulty_service", "seen");
    assert.deepEqual(seen, { aborted: 1, calls: 0 });
    assert.equal(await kit.result("faulty_service", "timeless"), "Infinity Infinity");
  });
}

test("one function calls another: within its deadline, with the outcome that a client gets", async (t) => {
  const kit = await startKit(t, { threads: 2 });
  await kit.load("faulty-service.ts");
  assert.equal(await kit.result("faulty_service", "forwards", { to: "fine" }), "fine");
  const left = await kit.result("faulty_service", "remaining");
  assert.ok(typeof left === "number" && left > 0 && left <= 10_000, `${left} ms were left`);
  const codes = {
    ...{ refuses: "out_of_stock", throws: "internal", nope: "unsupported_function" },
    ...{ positional: "invalid_arguments", never: "timeout" },
  };
  for (const [to, code] of Object.entries(codes)) {
    const { response } = await kit.call("faulty_service", "forwards", { to });
    assert.equal(response.code, code);
  }
});

test("an actor class is a service: its state, its positional arguments, its crash", async (t) => {
  const kit = await startKit(t, { threads: 2 });
  await kit.load("counter-service.ts");
  assert.equal(await kit.result("counter_service", "add", { by: 2 }), 2);
  assert.equal(await kit.result("counter_service", "add", { by: 3 }), 5);
  assert.equal(await kit.result("counter_service", "minus", { b: 1, a: 3 }), 2);
  const { requestId, ...who } = (await kit.result("counter_service", "whoami")) as {
    requestId: string;
  };
  assert.match(requestId, /^req_/);
  assert.deepEqual(who, { userId: "alice", userRoles: ["editor"], deviceId: "phone" });
  const refused = await kit.call("counter_service", "refuse");
  assert.equal(refused.response.error, "Not today");
  assert.equal(await kit.result("counter_service", "value"), 5);
  const before = kit.system.resolve("counter_service-1");
  const { response } = await kit.call("counter_service", "crash");
  assert.equal(response.code, "internal");
  assert.equal(response.error, "Internal Server Error");
  await kit.until("names", (names) => {
    const now = names.get("counter_service-1") as typeof before;
    return now !== undefined && before?.equals(now) === false;
  });
  assert.equal(await kit.result("counter_service", "value"), 0);
});

test("a service with no room answers queue_full, and another instance is tried before", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  const gates: (() => void)[] = [];
  Reflect.set(globalThis, "troupeTestGates", gates);
  t.after(() => Reflect.deleteProperty(globalThis, "troupeTestGates"));
  const path = scratchFolder(t)(
    "narrow.ts",
    `import { defineService } from "troupe";
     export default defineService("narrow", {
       wait: {
         chooseNodeMode: "least_loaded",
         handler: () => new Promise((resolve) => globalThis.troupeTestGates.push(() => resolve("ok"))),
       },
     }, { instances: 2, concurrency: 1, mailboxCapacity: 1 });`,
  );
  await kit.loader.load(path);
  // One in progress on each instance, and then one waiting; the others find no room.
  const call = (): ReturnType<typeof kit.call> => kit.call("narrow", "wait");
  const calls = [call(), call()];
  while (gates.length < 2) await new Promise((resolve) => setImmediate(resolve));
  calls.push(...Array.from({ length: 8 }, call));
  const refused = new Promise<void>((resolve) => {
    let count = 0;
    for (const call of calls) {
      void call.then(({ response }) => {
        if (response.code !== "queue_full") return;
        assert.equal(response.can_retry, true);
        count += 1;
        if (count === 6) resolve();
      });
    }
  });
  await refused;
  let isOver = false;
  const opened = (async () => {
    while (!isOver) {
      gates.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const outcomes = await Promise.all(calls);
  isOver = true;
  await opened;
  assert.equal(outcomes.filter(({ response }) => response.result === "ok").length, 4);
});
