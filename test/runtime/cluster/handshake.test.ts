import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  beginAccepting,
  beginDialled,
  decideStep,
  type HandshakeState,
  type HandshakeStep,
  handshakeState,
} from "../../../runtime/cluster/handshake.ts";
import {
  handshakeCodes,
  maxHandshakeBytes,
  maxRoles,
  selectVersion,
} from "../../../runtime/cluster/handshake-messages.ts";
import type { Credentials, PeerIdentity } from "../../../runtime/cluster/index.ts";
import { credentials, gateName, users, usersName } from "./meeting.ts";
import type { Fields } from "./stranger.ts";

const gate = credentials(gateName, { thread: 2, roles: ["gateway"] });

const nonce = (byte: number) => new Uint8Array(32).fill(byte);

/** What travels, in order: hello, challenge, proof, welcome, as long as both go on. */
type Alter = (payload: Buffer, index: number) => Buffer;

interface Met {
  readonly dialled: HandshakeStep;
  readonly accepting: HandshakeStep;
  readonly payloads: readonly Buffer[];
}

function meet(
  caller: Credentials,
  callee: Credentials,
  expectedName: string | null = callee.identity.name,
  alter: Alter = (payload) => payload,
): Met {
  let dialled = beginDialled(caller, expectedName, nonce(1));
  let accepting = beginAccepting(callee, nonce(2));
  const payloads: Buffer[] = [];
  for (let index = 0; index < 4; index += 1) {
    const [from, to] = index % 2 === 0 ? [dialled, accepting] : [accepting, dialled];
    if (from.send === null || !("next" in to)) break;
    const payload = alter(Buffer.from(from.send), index);
    payloads.push(payload);
    const step = decideStep(to.next, payload);
    if (index % 2 === 0) accepting = step;
    else dialled = step;
  }
  return { dialled, accepting, payloads };
}

function describeEnd(step: HandshakeStep): string {
  if ("failure" in step) return `${step.failure.code}: ${step.failure.message}`;
  return "peer" in step ? `with ${step.peer.name}` : `waits in ${step.next.at}`;
}

const ends = ({ dialled, accepting }: Met) => [describeEnd(dialled), describeEnd(accepting)];

const isAccepted = (step: HandshakeStep) => "peer" in step;

/** Changes the fields of one of the messages. */
const replaceIn =
  (message: number, fields: Fields): Alter =>
  (payload, index) => {
    if (index !== message) return payload;
    return Buffer.from(JSON.stringify({ ...JSON.parse(payload.toString()), ...fields }));
  };

/** The state of a side that waits. */
function waiting(step: HandshakeStep): HandshakeState {
  assert.ok("next" in step);
  return step.next;
}

/** One state of each number. */
function allStates(): HandshakeState[] {
  const first = waiting(beginDialled(gate, usersName, nonce(1)));
  const third = waiting(beginAccepting(users, nonce(2)));
  const [hello, challenge] = meet(gate, users).payloads;
  const second = waiting(decideStep(first, challenge as Buffer));
  const fourth = waiting(decideStep(third, hello as Buffer));
  return [first, second, third, fourth];
}

describe("the handshake", () => {
  it("lets either side know the other", () => {
    const { dialled, accepting, payloads } = meet(gate, users);
    assert.deepEqual({ ...dialled }, { send: null, peer: users.identity, version: 1 });
    assert.ok("peer" in accepting);
    assert.deepEqual(accepting.peer, gate.identity);
    assert.equal(payloads.length, 4);
    assert.deepEqual(
      allStates().map(({ at }) => at),
      Object.values(handshakeState),
    );
  });

  it("never says the cookie, nor the same proof for both directions", () => {
    const { payloads } = meet(gate, users);
    const all = Buffer.concat(payloads).toString();
    assert.ok(!all.includes("a secret"));
    const macs = payloads.slice(2).map((payload) => JSON.parse(payload.toString()).mac);
    assert.equal(new Set(macs).size, 2);
  });

  it("takes whoever answers where no name was dialled", () => {
    assert.deepEqual(ends(meet(gate, users, null)), [`with ${usersName}`, `with ${gateName}`]);
  });

  it("works without cookies where both have none", () => {
    const bare = (it: Credentials) => ({ ...it, cookie: null });
    assert.deepEqual(ends(meet(bare(gate), bare(users))), [
      `with ${usersName}`,
      `with ${gateName}`,
    ]);
    for (const met of [meet(bare(gate), users), meet(gate, bare(users))]) {
      assert.deepEqual(ends(met), [
        `wrong_cookie: the other side refused: ${handshakeCodes.wrong_cookie}`,
        `wrong_cookie: ${handshakeCodes.wrong_cookie}`,
      ]);
    }
  });

  const refusals: [string, Met, string, string][] = [
    [
      "another cookie",
      meet(gate, { ...users, cookie: "another" }),
      `wrong_cookie: the other side refused: ${handshakeCodes.wrong_cookie}`,
      `wrong_cookie: ${handshakeCodes.wrong_cookie}`,
    ],
    [
      "another cluster",
      meet(gate, credentials(usersName, { cluster: "green" })),
      "wrong_cluster: the other side refused: expected cluster green, received blue",
      "wrong_cluster: expected cluster green, received blue",
    ],
    [
      "versions that are too new",
      meet(gate, users, usersName, replaceIn(0, { versions: { min: 2, max: 3 }, name: 12 })),
      "wrong_version: the other side refused: expected versions 1 to 1, received 2 to 3",
      "wrong_version: expected versions 1 to 1, received 2 to 3",
    ],
    [
      "a version that was not offered",
      meet(gate, users, usersName, replaceIn(1, { version: 2 })),
      "wrong_version: version 2 was chosen, which was not offered",
      "wrong_version: the other side refused: version 2 was chosen, which was not offered",
    ],
    [
      "another node than the one dialled",
      meet(gate, users, "other@127.0.0.1:9101"),
      `wrong_node: expected other@127.0.0.1:9101, reached ${usersName}`,
      `wrong_node: the other side refused: expected other@127.0.0.1:9101, reached ${usersName}`,
    ],
    [
      "itself under another address",
      meet(users, users, "alias@127.0.0.1:1"),
      `self: the other side refused: ${usersName} reached itself`,
      `self: ${usersName} reached itself`,
    ],
    [
      "somebody else of its own name",
      meet(users, credentials(usersName, { incarnation: 10 }), null),
      `refused: the other side refused: two nodes are named ${usersName}`,
      `refused: two nodes are named ${usersName}`,
    ],
    [
      "an answer in its own name",
      meet(gate, users, null, replaceIn(1, { name: gateName, incarnation: 7 })),
      `self: ${gateName} reached itself`,
      `self: the other side refused: ${gateName} reached itself`,
    ],
  ];
  for (const [what, met, dialled, accepting] of refusals) {
    it(`refuses ${what}, and both sides know why`, () => {
      // What gives up says why; that is the last message, and the other side's reason.
      const sides = [met.dialled, met.accepting].map((step, at, steps) => {
        const other = steps[1 - at] as HandshakeStep;
        const isTold = "next" in step && other.send !== null;
        return isTold ? decideStep(step.next, other.send) : step;
      });
      assert.deepEqual(sides.map(describeEnd), [dialled, accepting]);
    });
  }

  it("does not begin where a node was told to dial itself", () => {
    const step = beginDialled(users, usersName, nonce(1));
    assert.equal(step.send, null);
    assert.equal(describeEnd(step), `self: ${usersName} reached itself`);
  });

  it("covers every word of the greeting by the proofs", () => {
    for (const [message, fields] of [
      [0, { roles: ["gateway", "admin"] }],
      [0, { incarnation: 8 }],
      [0, { thread: 3 }],
      [0, { versions: { min: 1, max: 2 } }],
      [0, { capability: "of a later version" }],
      [1, { roles: [] }],
      [1, { incarnation: 1 }],
      [1, { nonce: "0".repeat(64) }],
    ] as const) {
      const [, accepting] = ends(meet(gate, users, usersName, replaceIn(message, fields)));
      assert.equal(accepting, `wrong_cookie: ${handshakeCodes.wrong_cookie}`);
    }
  });

  it("passes over what it does not know, for versions to come", () => {
    const step = waiting(beginAccepting(users, nonce(2)));
    const hello = meet(gate, users).payloads[0] as Buffer;
    const longer = { ...JSON.parse(hello.toString()), compression: ["zstd"] };
    assert.ok("next" in decideStep(step, Buffer.from(JSON.stringify(longer))));
  });

  it("takes a proof for its own connection alone", () => {
    const { payloads } = meet(gate, users);
    const [hello, challenge, proof, welcome] = payloads as [Buffer, Buffer, Buffer, Buffer];
    // The same hello and proof again, to a side that has chosen another nonce.
    const again = decideStep(waiting(beginAccepting(users, nonce(3))), hello);
    assert.match(describeEnd(decideStep(waiting(again), proof)), /^wrong_cookie/);
    // The same challenge and welcome again, to a side that has chosen another nonce.
    const caller = decideStep(waiting(beginDialled(gate, usersName, nonce(4))), challenge);
    assert.match(describeEnd(decideStep(waiting(caller), welcome)), /^wrong_cookie/);
    // Its own proof sent back to it.
    const proven = waiting(decideStep(waiting(beginDialled(gate, usersName, nonce(1))), challenge));
    assert.match(describeEnd(decideStep(proven, proof)), /^malformed: expected a welcome/);
    const { mac } = JSON.parse(proof.toString());
    const mirrored = Buffer.from(JSON.stringify({ magic: "troupe", type: "welcome", mac }));
    assert.match(describeEnd(decideStep(proven, mirrored)), /^wrong_cookie/);
  });

  it("takes each message in its turn only", () => {
    const { payloads } = meet(gate, users);
    // Which message each state waits for.
    const due = [1, 3, 0, 2];
    for (const [index, state] of allStates().entries()) {
      for (const [message, payload] of payloads.entries()) {
        if (message === due[index]) continue;
        assert.match(
          describeEnd(decideStep(state, payload)),
          /^malformed: expected a \w+, received/,
        );
      }
    }
  });

  it("refuses a wrong field by its name", () => {
    for (const [message, field, values] of [
      [0, "magic", [undefined, "trouble"]],
      [0, "type", [undefined, "greeting", "__proto__", 1]],
      [0, "versions", [undefined, 1, [1, 1], { min: 0, max: 1 }, { min: 2, max: 1 }, { min: 1 }]],
      [0, "cluster", [undefined, "", "a b", "x".repeat(65), 1, null]],
      [0, "name", [undefined, "users", "USERS@host:1", "users@host:0", 1, ["a@b:1"]]],
      [0, "incarnation", [undefined, -1, 1.5, "7", 2 ** 53, null]],
      [0, "thread", [undefined, -1, 0.5, "1"]],
      [0, "roles", [undefined, "service", [1], [""], ["a b"], Array(maxRoles + 1).fill("a"), {}]],
      [0, "nonce", [undefined, "", "ff", "F".repeat(64), "g".repeat(64), 1]],
      [1, "version", [undefined, 0, "1"]],
      [1, "nonce", [undefined, "ff"]],
      [1, "name", [undefined, 1]],
      [2, "mac", [undefined, "", "f".repeat(63), "f".repeat(66), 1]],
      [3, "mac", [undefined, "F".repeat(64)]],
    ] as const) {
      for (const value of values) {
        const met = meet(gate, users, usersName, replaceIn(message, { [field]: value }));
        const step = message % 2 === 0 ? met.accepting : met.dialled;
        const expected =
          field === "magic" ? "malformed: expected" : `malformed: ${field}: expected`;
        assert.ok(describeEnd(step).startsWith(expected), `${field}: ${describeEnd(step)}`);
      }
    }
  });

  it("checks what a node says of itself before it says it", () => {
    for (const [field, value] of [
      ["name", "users"],
      ["cluster", "two words"],
      ["roles", Array(maxRoles + 1).fill("a")],
      ["incarnation", Number.NaN],
      ["thread", -1],
    ] as const) {
      const wrong = credentials(usersName, { [field]: value } as Partial<PeerIdentity>);
      const message = new RegExp(`^RangeError: ${field}: expected`);
      assert.throws(() => beginDialled(wrong, gateName, nonce(1)), message);
      assert.throws(() => beginAccepting(wrong, nonce(1)), message);
    }
  });

  it("fits the longest identity into a message", () => {
    const long = credentials(`${"a".repeat(64)}@${"b.".repeat(126)}b:65535`, {
      ...{ incarnation: Number.MAX_SAFE_INTEGER, thread: Number.MAX_SAFE_INTEGER },
      ...{ cluster: "c".repeat(64), roles: Array(maxRoles).fill("d".repeat(64)) },
    });
    const short = credentials(usersName, { cluster: long.identity.cluster });
    const all = [...meet(long, short).payloads, ...meet(short, long).payloads];
    assert.equal(all.length, 8);
    for (const payload of all) assert.ok(payload.length <= maxHandshakeBytes);
  });

  it("agrees on the newest version that both know", () => {
    assert.equal(selectVersion({ min: 1, max: 3 }, { min: 2, max: 9 }), 3);
    assert.equal(selectVersion({ min: 1, max: 3 }, { min: 1, max: 2 }), 2);
    assert.equal(selectVersion({ min: 1, max: 3 }, { min: 4, max: 9 }), undefined);
    assert.equal(selectVersion({ min: 4, max: 9 }, { min: 1, max: 3 }), undefined);
  });
});

describe("the handshake with a stranger", () => {
  const states = allStates();
  const anyState = fc.constantFrom(...states);

  it("accepts no bytes that come by chance, and never crashes", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: maxHandshakeBytes }),
      fc.json().map((text) => Buffer.from(text)),
      fc.dictionary(fc.string(), fc.anything()).map((fields) => encodeAnyhow(fields)),
      fc
        .record({
          magic: fc.constant("troupe"),
          type: fc.constantFrom("hello", "challenge", "proof", "welcome", "refusal"),
          versions: fc.oneof(fc.anything(), fc.constant({ min: 1, max: 1 })),
          version: fc.oneof(fc.anything(), fc.constant(1)),
          name: fc.oneof(fc.anything(), fc.constantFrom(usersName, gateName)),
          cluster: fc.oneof(fc.anything(), fc.constant("blue")),
          incarnation: fc.oneof(fc.anything(), fc.nat()),
          thread: fc.oneof(fc.anything(), fc.nat()),
          roles: fc.oneof(fc.anything(), fc.constant([])),
          nonce: fc.oneof(fc.anything(), fc.stringMatching(/^[0-9a-f]{64}$/)),
          mac: fc.oneof(fc.anything(), fc.stringMatching(/^[0-9a-f]{64}$/)),
          code: fc.oneof(fc.anything(), fc.constantFrom(...Object.keys(handshakeCodes))),
          text: fc.oneof(fc.anything(), fc.string()),
        })
        .map((fields) => encodeAnyhow(fields)),
    );
    fc.assert(
      fc.property(anyState, bytes, (state, payload) => {
        const step = decideStep(state, payload);
        assert.ok(!isAccepted(step));
        assert.ok((step.send?.length ?? 0) <= maxHandshakeBytes);
      }),
      { numRuns: 1_000 },
    );
  });

  it("accepts nothing behind a message that was changed on the way", () => {
    const change = fc.oneof(
      fc.record({ how: fc.constant("replace" as const), by: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ how: fc.constant("truncate" as const), by: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.nat(3), fc.nat(), change, (message, place, { how, by }) => {
        const met = meet(gate, users, usersName, (payload, index) => {
          if (index !== message) return payload;
          const at = place % payload.length;
          if (how === "truncate") return payload.subarray(0, at);
          const changed = Buffer.from(payload);
          changed[at] = (changed[at] as number) ^ by;
          return changed;
        });
        assert.ok(!isAccepted(met.dialled));
        assert.equal(isAccepted(met.accepting), message === 3);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes a refusal as the end, whatever the state", () => {
    const fields = { magic: "troupe", type: "refusal", code: "refused", text: "not today" };
    for (const state of states) {
      const step = decideStep(state, Buffer.from(JSON.stringify(fields)));
      assert.equal(describeEnd(step), "refused: the other side refused: not today");
      assert.equal(step.send, null);
      const long = { ...fields, text: "x".repeat(201) };
      assert.match(describeEnd(decideStep(state, encodeAnyhow(long))), /^malformed: text/);
      const strange = { ...fields, code: "toString" };
      assert.match(describeEnd(decideStep(state, encodeAnyhow(strange))), /^malformed: code/);
    }
  });
});

function encodeAnyhow(fields: object): Buffer {
  try {
    return Buffer.from(JSON.stringify(fields) ?? "");
  } catch {
    return Buffer.from("[]");
  }
}
