import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import {
  Actor,
  type TableMessage,
  Tables,
  type TableWriter,
} from "../../../runtime/actor/index.ts";
import { connect } from "./memory-route.ts";

test("what is written is read at once here, and told to the others in order", () => {
  const sent: TableMessage[] = [];
  const tables = new Tables((message) => sent.push(structuredClone(message)));
  const other = new Tables(() => {});
  const writer = tables.write<number>("limits");
  writer.set("a", 1);
  writer.set("b", 2);
  assert.equal(tables.open("limits").get("a"), 1);
  assert.equal(writer.delete("a"), true);
  assert.equal(writer.delete("a"), false);
  for (const message of sent) other.receive(message);
  assert.deepEqual([...other.open("limits").entries()], [["b", 2]]);
  writer.clear();
  other.receive(sent.at(-1) as TableMessage);
  assert.equal(other.open("limits").size, 0);
});

test("a second writer takes over what there is; the first one is told when it writes", () => {
  const tables = new Tables(() => {});
  const first = tables.write<number>("limits");
  first.set("a", 1);
  const second = tables.write<number>("limits");
  assert.equal(second.get("a"), 1);
  assert.throws(() => first.set("a", 2), {
    name: "TypeError",
    message: "table limits: a newer writer has taken over",
  });
  second.set("a", 3);
  assert.equal(first.get("a"), 3);
});

class Writer extends Actor {
  readonly #table: TableWriter<unknown>;

  constructor() {
    super();
    this.#table = this.context.writeTable("limits");
  }

  put(key: string, value: unknown): void {
    this.#table.set(key, value);
  }
}

test("the writer may move to another thread; every replica follows the newest", async () => {
  const main = testKernel();
  const { clock, steps } = main;
  const one = testKernel({ thread: 1, clock, steps });
  const two = testKernel({ thread: 2, clock, steps });
  connect(main.kernel, one.kernel);
  connect(main.kernel, two.kernel);
  connect(one.kernel, two.kernel);
  const first = await one.spawn(Writer);
  first.tell.put("a", 1);
  await main.settle();
  const second = await two.spawn(Writer);
  second.tell.put("b", 2);
  await main.settle();
  for (const { kernel } of [main, one, two]) {
    assert.deepEqual(
      [...kernel.tables.open("limits").entries()],
      [
        ["a", 1],
        ["b", 2],
      ],
    );
  }
  const late = testKernel({ thread: 3, clock, steps });
  connect(late.kernel, main.kernel);
  assert.equal(late.kernel.tables.open("limits").size, 2);
});

test("a listener that throws keeps no other listener, and no other thread, from hearing", () => {
  const sent: TableMessage[] = [];
  const logged: unknown[] = [];
  const tables = new Tables(
    (message) => sent.push(message),
    (_level, message, fields) => logged.push([message, fields?.["error"]]),
  );
  const writer = tables.write<number>("limits");
  const heard: string[] = [];
  writer.onChange(() => {
    throw new Error("a reader's fault");
  });
  writer.onChange((change) => heard.push(change.op));
  sent.length = 0;
  writer.set("a", 1);
  assert.deepEqual(logged, [["table listener failed", "a reader's fault"]]);
  assert.deepEqual(heard, ["set"]);
  assert.equal(sent.length, 1, "the other threads missed a version, and with it all that follow");
});
