import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseLimitConfig } from "../../actors/limits/index.ts";
import { FrameClient } from "./frame-client.ts";
import { fileScope } from "./gateway-process.ts";
import { type GatewayStage, startStage } from "./gateway-stage.ts";
import type { Frame } from "./wire-client.ts";
import { type Answer, type Exchange, readTranscript } from "./wire-transcript.ts";

/** Fields that a payload has otherwise; a function judges what cannot be known before. */
type Changes = Readonly<Record<string, unknown>>;

/** Where one frame differs from that of the original, and which part of the contract says so. */
type Deviation = readonly [
  exchange: string,
  frame: number,
  instead: Changes | Frame | "nothing",
  why: string,
];

const code = "§8: every failure has a code";
const faults = "§9: faults of arguments are told, not only that there were some";
const nested = "§9: no Response nested in the first chunk";
const business = "§9: business errors reach the client as they are, with the service's own code";
const timeout = "§8: a timeout is told from other failures";
const names = "§2: names are non-empty strings";

const missing = 'missing or nil argument "message" in "echo_local"';
const notString = 'invalid argument type for "message", expected string, got 42';
const notNumber = 'invalid argument type for "n", expected num, got "1"';
const tooMany = 'extra arguments for "echo_local", extra: ["more"]';
const tooLong = 'invalid argument size for "s", max 8 bytes';
const notText =
  "Invalid fields, expected non-empty strings of at most 256 bytes: request_id (got 7)";
const invalid = (error: string): Changes => ({ error, code: "invalid_arguments" });

const failed = { success: false, result: null };

/** All that this gateway does otherwise than the original; the frames are counted from 1. */
const deviations: readonly Deviation[] = [
  ["a stream with a last result", 3, "nothing", nested],
  ["a stream with an end marker", 3, "nothing", nested],
  ["a stream that fails", 3, "nothing", nested],
  ["a stream that fails", 5, { code: "internal" }, code],
  ["a function that there is not", 1, { code: "unsupported_function" }, code],
  ["a service that there is not", 1, { code: "unsupported_function" }, code],
  ["an argument is missing", 1, invalid(missing), faults],
  ["an argument too many", 1, invalid(tooMany), faults],
  ["a number for a string", 1, invalid(notString), faults],
  ["a number for a string", 2, { response: notString }, "§3: what was expected is named"],
  ["null for an argument", 1, invalid(missing), faults],
  ["no args at all", 1, invalid(missing), faults],
  [
    "args are a list",
    1,
    { error: "Invalid request: expected a map, got: [1]", code: "invalid_request" },
    faults,
  ],
  ["no required field", 1, { code: "invalid_request" }, code],
  [
    "a number for request_id",
    1,
    {
      ...{ ...failed, error: `Invalid request: ${notText}`, code: "invalid_request" },
      request_id: "unknown",
    },
    names,
  ],
  ["a number for request_id", 2, { status: "error", response: notText }, names],
  ["a string over its limit", 1, invalid(tooLong), faults],
  ["a string for a number", 1, invalid(notNumber), faults],
  ["a string for a number", 2, { response: notNumber }, "§3: types have no colon here"],
  ["a business error, sync", 1, { error: "nope", code: "refused" }, business],
  ["a business error, elsewhere", 1, { error: "nope", code: "refused" }, business],
  ["a business error, async", 3, { error: "nope", code: "refused" }, business],
  ["a throw", 1, { code: "internal" }, code],
  [
    "a node that is down",
    1,
    { error: "service bench_service is unavailable", code: "unavailable", can_retry: true },
    "§8: what was not begun may be tried again",
  ],
  [
    "a timeout, in the same process",
    1,
    { error: "sleepy did not answer in time", code: "timeout" },
    timeout,
  ],
  [
    "a timeout, elsewhere",
    1,
    { error: "sleepy_remote did not answer in time", code: "timeout" },
    timeout,
  ],
  [
    "a function without code",
    1,
    { error: "unsupported function: nofun version latest", code: "unsupported_function" },
    "§3: an entry is validated when it is added; one without code never gets in",
  ],
  [
    "a disabled function",
    1,
    { error: "disabled function: disabled version latest", code: "disabled_function" },
    "§3: a disabled version says so",
  ],
  ["a version that there is not", 1, { code: "unsupported_function" }, code],
  ["permission by argument, another user's", 1, { code: "permission_denied" }, code],
  [
    "an unknown event",
    1,
    [
      "3",
      "40",
      "api:lobby",
      "phx_reply",
      { status: "error", response: { reason: "unknown event" } },
    ],
    "§9: an unknown event does not cost the channel",
  ],
  ["a function for users, without a user", 1, { code: "permission_denied" }, code],
  ["a call on the strict channel without a user", 1, { code: "authentication_required" }, code],
  [
    "a frame that is no JSON",
    1,
    [null, null, "phoenix", "phx_error", { reason: "not JSON" }],
    "§9: a malformed frame does not cost the socket",
  ],
  [
    "the request over a limit of five a minute",
    1,
    {
      error: ({ retry_after_ms: ms }: Record<string, unknown>) =>
        `Rate limit exceeded. Retry after ${Math.ceil(Number(ms) / 1_000)} seconds.`,
      code: "rate_limited",
      retry_after_ms: ({ retry_after_ms: ms }: Record<string, unknown>) =>
        Number.isInteger(ms) && Number(ms) > 0 && Number(ms) <= 60_000 ? ms : "1 to 60,000",
    },
    "§4: the text of a refusal, and when to come back",
  ],
];

/** A frame of the original as it is to be here, given what came; null: there is none. */
function deviate(
  exchange: string,
  at: number,
  answer: Answer,
  got: Frame | undefined,
): Frame | null {
  const deviation = deviations.find(([of, frame]) => of === exchange && frame === at);
  if (deviation === undefined) return answer as Frame;
  const [, , instead] = deviation;
  if (instead === "nothing") return null;
  if (isFrame(instead)) return instead;
  const [joinRef, ref, topic, event, payload] = answer as Frame;
  const changed: Record<string, unknown> = { ...(payload as object) };
  for (const [field, value] of Object.entries(instead)) {
    changed[field] = typeof value === "function" ? value(got?.[4] ?? {}) : value;
  }
  return [joinRef, ref, topic, event, changed];
}

function isFrame(instead: Changes | Frame): instead is Frame {
  return Array.isArray(instead);
}

/** Sends what was sent to the original and compares all that comes, in its order. */
async function replay(client: FrameClient, { name, sent, received }: Exchange): Promise<void> {
  const wanted = (got: readonly Frame[]): Frame[] => {
    const frames: Frame[] = [];
    for (const [index, answer] of received.entries()) {
      const frame = deviate(name, index + 1, answer, got[frames.length]);
      if (frame !== null) frames.push(frame);
    }
    return frames;
  };
  client.send(sent);
  const got = await client.take(wanted([]).length);
  assert.deepEqual([...got, ...(await client.rest())], wanted(got));
}

const scope = fileScope();
const lobby = { topic: "api:*", event: "api", requireVerifiedUserId: false };
const limits = parseLimitConfig({
  globalLimits: [{ key: "user_id", maxRequests: 5, windowMs: 60_000 }],
});
assert.ok(limits.ok);

const stages: Promise<GatewayStage>[] = [
  startStage(scope, {
    services: ["bench-service.ts"],
    channels: [lobby, { topic: "strict:*", event: "api" }],
  }),
  startStage(scope, {
    services: ["bench-service.ts"],
    channels: [lobby],
    rateLimits: limits.config,
  }),
];
const [free, limited] = (await Promise.all(stages)) as [GatewayStage, GatewayStage];

const transcript = readTranscript();
const limitedClient = "ra";

describe("a client of the original gets the same frames", () => {
  const clients = new Map<string, FrameClient>();
  for (const exchange of transcript.filter(({ client }) => client !== limitedClient)) {
    const { name, client: who, query } = exchange;
    it(name, async () => {
      const client = clients.get(who) ?? (await FrameClient.open(scope, free.url, query));
      clients.set(who, client);
      await replay(client, exchange);
    });
  }

  it("and nothing else", async () => {
    for (const client of clients.values()) assert.deepEqual(await client.rest(), []);
  });
});

describe("a client of the original that is over its limit gets the same frames", () => {
  for (const exchange of transcript.filter(({ client }) => client === limitedClient)) {
    const { name, query, sent } = exchange;
    it(name, async () => {
      const client = await FrameClient.open(scope, limited.url, query);
      const [joinRef, ref, topic, event, payload] = sent as Frame;
      // What the transcript leaves out: the join, and the requests that were admitted.
      client.send([joinRef, joinRef, topic, "phx_join", {}]);
      assert.equal((await client.take(1))[0]?.[3], "phx_reply");
      for (let earlier = 1; earlier <= 5; earlier++) {
        const request_id = `L${earlier}`;
        client.send([joinRef, request_id, topic, event, { ...(payload as object), request_id }]);
        const [[, , , , response]] = (await client.take(2)) as [Frame, Frame];
        assert.equal((response as { success: boolean }).success, true);
      }
      assert.equal(ref, "7");
      await replay(client, exchange);
    });
  }
});

it("each deviation is one, of a frame that there is", () => {
  for (const [name, frame, instead] of deviations) {
    const exchange = transcript.find((one) => one.name === name);
    const answer = exchange?.received[frame - 1];
    assert.ok(answer !== undefined, `${name}, frame ${frame}`);
    const [, , , , payload] = deviate(name, frame, answer, undefined) ?? [];
    if (instead !== "nothing" && !isFrame(instead)) {
      assert.notDeepEqual(payload, (answer as Frame)[4], `${name}, frame ${frame}`);
    }
  }
});
