import assert from "node:assert/strict";
import { test } from "node:test";
import { Actor } from "../../../runtime/actor/index.ts";
import { TestNodes } from "./two-nodes.ts";

class Echo extends Actor {
  echo(value: unknown): unknown {
    return value;
  }
}

test("who connects and says nothing does not keep a node out; the log says who had to go", async () => {
  const nodes = new TestNodes();
  const [one, other] = await nodes.pair();
  const echo = await other.kernel.spawn(Echo);
  const stranger = nodes.network.transport("stranger@127.0.0.1:9666");
  const closed: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    const connection = stranger.dial("127.0.0.1", 9_002);
    connection.handle({ data() {}, drained() {}, closed: () => closed.push(n) });
  }
  await nodes.steps.settle();
  nodes.clock.advance(1);
  await nodes.steps.settle();
  const { thread, id, incarnation } = echo;
  const remote = one.kernel.kernel.ref({ node: other.name, thread, id, incarnation });
  const answer = one.kernel.kernel.request(remote, "echo", ["hello"], {});
  let answered: unknown = null;
  answer.then((value) => {
    answered = value;
  });
  for (let ms = 0; ms < 50; ms += 1) {
    nodes.clock.advance(1);
    await nodes.steps.settle();
  }
  assert.equal(answered, "hello");
  assert.deepEqual(closed, [...Array(45).keys()], "those that had been there longest");
});
