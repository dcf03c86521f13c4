import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileScope, GatewayProcess } from "./gateway-process.ts";
import { PhoenixClient, type WireResponse } from "./phoenix-client.ts";

const scope = fileScope();
const gateway = await GatewayProcess.start(scope);
const called = new Set<string>();

interface As {
  readonly user_id?: string;
  readonly user_roles?: readonly string[];
}

function call(
  service: string,
  type: string,
  args: object = {},
  as: As = {},
): Promise<WireResponse & { readonly retry_after_ms?: number }> {
  called.add(`${service}/${type}`);
  return gateway.command("call", service, type, args, as);
}

async function result(...given: Parameters<typeof call>): Promise<unknown> {
  const { success, result, code, error } = await call(...given);
  assert.ok(success, `${JSON.stringify(given)}: ${code}: ${error}`);
  return result;
}

async function code(...given: Parameters<typeof call>): Promise<string | undefined> {
  return (await call(...given)).code;
}

const ada = { user_id: "ada" };
const grace = { user_id: "grace" };

describe("the demo shows", { concurrency: false }, () => {
  it("permissions", async () => {
    const accounts = "accounts_service";
    assert.deepEqual(await result(accounts, "interest"), { savings: 2.5, loan: 6.1 });
    assert.equal(await code(accounts, "whoami"), "permission_denied");
    const whoami = await result(accounts, "whoami", {}, { ...ada, user_roles: ["x"] });
    assert.deepEqual(whoami, { user_id: "ada", user_roles: ["x"] });
    assert.equal(await result(accounts, "balance", { user_id: "ada" }, ada), 1_200);
    assert.equal(await code(accounts, "balance", { user_id: "ada" }, grace), "permission_denied");
    const pay = { to: "ada", amount: 200 };
    assert.equal(await code(accounts, "pay", pay, grace), "permission_denied");
    const paid = await result(accounts, "pay", pay, { ...grace, user_roles: ["admin"] });
    assert.deepEqual(paid, { to: "ada", balance: 1_400 });
    assert.equal(await code(accounts, "pay", { to: "ada", amount: -1 }), "invalid_arguments");
    assert.equal(await code(accounts, "close", { user_id: "ada" }, ada), "permission_denied");
    const closed = await result(
      accounts,
      "close",
      { user_id: "ada" },
      { user_roles: ["auditor"], ...grace },
    );
    assert.deepEqual(closed, { paid_out: 1_400, closed: true });
    assert.equal(await code(accounts, "balance", { user_id: "ada" }, ada), "not_found");
  });

  it("hooks, the request's info, and a rate limit for each user", async () => {
    const add = (text: unknown, as: As): ReturnType<typeof call> =>
      call("notes_service", "add", { text }, as);
    const { result: added, request_id } = await add("  hi ", ada);
    assert.deepEqual(added, { note: "hi", number: 1, request: request_id, author: "ada" });
    const { code, error } = await add("a lottery", ada);
    assert.deepEqual([code, error], ["hook_rejected", "Notes must not be about a lottery"]);
    assert.equal((await add(5, ada)).code, "invalid_arguments");
    assert.deepEqual(await result("notes_service", "list"), ["hi"]);

    const many = await Promise.all(Array.from({ length: 8 }, () => add("again", grace)));
    const refused = many.filter(({ success }) => !success);
    assert.equal(refused.length, 3);
    for (const response of refused) {
      assert.deepEqual([response.code, response.can_retry], ["rate_limited", true]);
      assert.ok(Number(response.retry_after_ms) <= 10_000);
    }
    assert.equal((await add("of another user", { user_id: "alan" })).success, true);
  });

  it("response types, pools, bulkheads and retries", async () => {
    const reports = "reports_service";
    assert.equal(await result(reports, "view", { name: "sales" }), null);
    assert.deepEqual(await result(reports, "views"), { sales: 1 });
    assert.deepEqual(await result(reports, "build", { name: "abc" }), { name: "abc", pages: 3 });
    assert.equal(await result(reports, "count_primes", { below: 100 }), 25);
    const client = await PhoenixClient.join(scope, gateway.url);
    const printed = await Promise.all(
      Array.from({ length: 10 }, () => client.call(reports, "print", { name: "a" })),
    );
    called.add("reports_service/print");
    const codes = printed.map(({ code = "ok" }) => code).sort();
    assert.deepEqual(codes, [...new Array(6).fill("ok"), ...new Array(4).fill("queue_full")]);
    assert.deepEqual(await result(reports, "fetch"), { fetches: 2 });
    assert.deepEqual(await result(reports, "fetch"), { fetches: 3 });
    assert.deepEqual(await result(reports, "fetch"), { fetches: 5 });
  });

  it("streams; an operator sees a hundred chunks", async () => {
    const feeds = "feeds_service";
    assert.deepEqual(await result(feeds, "countdown", { from: 3 }), [3, 2, 1, "lift-off"]);
    const long = (await result(feeds, "countdown", { from: 1_000 })) as number[];
    assert.deepEqual([long.length, long.at(-1)], [100, 901]);
    const ticks = (await result(feeds, "ticker", { every_ms: 10 })) as unknown[];
    assert.deepEqual([ticks.length, ticks[0]], [100, { tick: 1 }]);
    assert.deepEqual(await result(feeds, "primes", { below: 12 }), [2, 3, 5, 7, 11]);
  });

  it("positional arguments with constraints, and the choice of an instance", async () => {
    const quotes = "quotes_service";
    const price = { symbol: "ACME", price: 4, currency: "EUR", on: null, tags: [] };
    assert.deepEqual(await result(quotes, "price", { symbol: "ACME" }), price);
    const all = {
      amount: 2,
      on: "2026-01-01T00:00:00Z",
      tags: ["a"],
      options: { currency: "USD" },
    };
    assert.deepEqual(await result(quotes, "price", { symbol: "ACME", ...all }), {
      ...{ ...price, price: 8, currency: "USD", on: all.on, tags: ["a"] },
    });
    for (const wrong of [
      { symbol: "TOO-LONG!" },
      { symbol: "A", on: "today" },
      { symbol: "A", tags: ["a", "b", "c", "d"] },
      { symbol: "A", tags: ["x".repeat(17)] },
      { symbol: "A", options: {} },
      { symbol: "A", options: { currency: "EUR", colour: "red" } },
    ]) {
      assert.equal(await code(quotes, "price", wrong), "invalid_arguments", JSON.stringify(wrong));
    }
    const first = (await result(quotes, "asked", { symbol: "X" })) as { desk: string };
    const second = await result(quotes, "asked", { symbol: "X" });
    assert.deepEqual(second, { symbol: "X", times: 2, desk: first.desk });
    assert.deepEqual(await result(quotes, "put", { symbol: "A" }, ada), ["A"]);
    assert.deepEqual(await result(quotes, "put", { symbol: "B" }, ada), ["A", "B"]);
    const desks = new Set<unknown>();
    for (let turn = 0; turn < 3; turn++) desks.add(await result(quotes, "next_desk"));
    assert.equal(desks.size, 3);
    assert.match(String(await result(quotes, "free_desk")), /^quotes_service-\d$/);
    assert.match(String(await result(quotes, "first_desk")), /^quotes_service-\d$/);
    assert.equal(await result(quotes, "first_desk"), await result(quotes, "first_desk"));
  });

  it("functions from a JSON file, of a plain module and of a service", async () => {
    assert.equal(await result("units_service", "fahrenheit", { celsius: 100 }), 212);
    assert.equal(await result("units_service", "miles", { kilometres: 10 }), 6.21371);
    assert.equal(await result("units_service", "describe", { value: 3, unit: "kg" }), "3 kg");
    const me = await result("shortcuts_service", "me", {}, ada);
    assert.deepEqual(me, { user_id: "ada", user_roles: [] });
    assert.equal(await code("shortcuts_service", "me"), "permission_denied");
  });

  it("nothing that is not called here", async () => {
    const services = await gateway.command<{ name: string; functions: string[] }[]>("services");
    const elsewhere = ["user_service", "echo_service", "math_service"];
    const functions = services
      .filter(({ name }) => !elsewhere.includes(name))
      .flatMap(({ name, functions }) => functions.map((one) => `${name}/${one}`));
    assert.ok(functions.length > 15);
    assert.deepEqual(
      functions.filter((one) => !called.has(one)),
      [],
    );
  });
});
