import assert from "node:assert/strict";
import { test } from "node:test";
import { Actor } from "#runtime";
import { type StoreWrite, storeName } from "../../../actors/relay/store.ts";
import { storage } from "./store-kit.ts";
import { heard, Threads } from "./threads-kit.ts";

test("who comes while a durable group is taken off the disk waits for that, and finds the next one", async () => {
  const threads = await Threads.start("public", { storage: storage("nowhere") });
  const disk = Promise.withResolvers<void>();
  class Store extends Actor {
    write(write: StoreWrite): Promise<void> | undefined {
      return write.delete ? disk.promise : undefined;
    }
  }
  await threads.kernel.spawn(Store, { name: storeName, concurrency: 10 });
  const origin = { type: "new", kind: "public", isDurable: true, creator: null } as const;
  threads.group = await threads.open(origin);
  const ann = await threads.join(0, "ann");
  const deleted = threads.group.ask.delete("ann");
  await threads.kernel.settle();
  assert.equal(heard(ann.channel).at(-1), "closed", "those in it need not wait");

  const bob = threads.kit(1).client("bob");
  threads.kit(1).tell.enter(bob.session, "g", {});
  await threads.kernel.settle();
  let searches = 0;
  for (let i = 0; i < 60; i += 1) {
    searches += threads.kit(1).searches.length;
    await threads.meet();
    await threads.kernel.advance(50);
  }
  assert.equal(searches, 1);
  assert.deepEqual(bob.channel.lines, []);

  disk.resolve();
  assert.deepEqual(await threads.kernel.until(deleted), { ok: true });
  await threads.kernel.settle();
  assert.equal(threads.kit(1).searches.length, 1);
  threads.group = await threads.open(origin);
  await threads.meet();
  assert.deepEqual(heard(bob.channel), ["joined", "presence_state"]);
});
