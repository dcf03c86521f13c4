import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseLimitConfig } from "../../actors/limits/index.ts";
import { fileScope } from "./gateway-process.ts";
import { startStage } from "./gateway-stage.ts";
import { type Answer, Lobby } from "./lobby.ts";

/** What the contract says of a call, over the wire and with everything behind it. */

const service = "contract_service";
const responseTypes = ["sync", "async", "stream", "none"] as const;
type ResponseType = (typeof responseTypes)[number];

const limits = parseLimitConfig({
  apiLimits: responseTypes.map((type) => ({
    ...{ service, requestType: `${type}_limited`, key: "user_id" },
    ...{ maxRequests: 1, windowMs: 600_000 },
  })),
});
assert.ok(limits.ok);

const scope = fileScope();
const stage = await startStage(scope, {
  services: ["contract-service.ts"],
  rateLimits: limits.config,
  channels: [
    { topic: "api:*", event: "api", requireVerifiedUserId: false },
    { topic: "ordered:*", event: "api", ordered: true },
    { topic: "believing:*", event: "api", overrideUserId: false },
    { topic: "plain:*" },
  ],
});
const { url } = stage;

const success = {
  ...{ error: null, async: false, success: true, result: null },
  ...{ can_retry: false, has_more: false },
};
const accepted: Record<"async" | "stream", Answer> = {
  async: { ...success, async: true },
  stream: { ...success, async: true, has_more: true, result: "init" },
};
const failure = (code: string, error: string, more: object = {}): Answer => ({
  ...{ ...success, success: false, error, code },
  ...more,
});

/** A refusal: what is called, and the one Response to it; `isFault` where the reply says why. */
interface Refusal {
  readonly how: string;
  readonly call: (type: ResponseType) => readonly [requestType: string, args?: object];
  readonly response: (requestType: string) => Answer;
  readonly isFault?: boolean;
}

const n = { n: 1 };

const refusals: readonly Refusal[] = [
  {
    how: "that there is not",
    call: () => ["nothing"],
    response: (type) =>
      failure("unsupported_function", `unsupported function: ${type} version latest`),
  },
  {
    how: "that a hook refuses",
    call: (type) => [`${type}_hooked`, n],
    response: () => failure("hook_rejected", "not by the hook"),
  },
  {
    how: "that the user may not call",
    call: (type) => [`${type}_denied`, n],
    response: () => failure("permission_denied", "Permission denied"),
  },
  {
    how: "with a wrong argument",
    call: (type) => [`${type}_ok`, { n: "1" }],
    response: () =>
      failure("invalid_arguments", 'invalid argument type for "n", expected num, got "1"'),
    isFault: true,
  },
];

function withoutId({ request_id, ...response }: Answer): Answer {
  assert.match(String(request_id), /^contract_service\./);
  return response;
}

/** What a client sees of a call, up to its final Response. */
interface Seen {
  readonly status: string;
  readonly reply: unknown;
  readonly before: readonly Answer[];
  readonly after: readonly Answer[];
}

async function see(lobby: Lobby, call: readonly [requestType: string, args?: object | undefined]): Promise<Seen> {
  const { responses, status, reply } = await lobby.ask(service, ...call);
  const first = (lobby.inline ? reply : responses[0]) as Answer | undefined;
  const after: Answer[] = [];
  if (first?.["async"] === true) {
    const isStream = first["has_more"] === true;
    do after.push(withoutId(await lobby.next()));
    while (isStream && after.at(-1)?.["has_more"] === true);
  }
  assert.deepEqual(await lobby.client.rest(), [], "nothing follows");
  return {
    status,
    reply: lobby.inline ? withoutId(reply as Answer) : reply,
    before: responses.map(withoutId),
    after,
  };
}

for (const inline of [false, true]) {
  describe(`a call, Responses ${inline ? "in the replies" : "pushed"}`, () => {
    for (const type of responseTypes) {
      it(`of type ${type} that does well`, async (t) => {
        const lobby = await Lobby.join(t, url, { inline });
        const seen = await see(lobby, [`${type}_ok`, n]);
        const chunk = { ...success, async: true, has_more: true };
        const first = {
          ...{ sync: { ...success, result: "done" }, none: success, ...accepted }[type],
        };
        assert.deepEqual(seen, {
          status: "ok",
          reply: inline ? first : `${type}_ok`,
          before: inline || type === "none" ? [] : [first],
          after: {
            sync: [],
            none: [],
            async: [{ ...success, result: "done" }],
            stream: [
              { ...chunk, result: 1 },
              { ...chunk, result: 2 },
              { ...success, async: true },
            ],
          }[type],
        });
      });

      for (const { how, call, response, isFault = false } of refusals) {
        it(`of type ${type} ${how}`, async (t) => {
          const lobby = await Lobby.join(t, url, { inline });
          const [requestType, args] = call(type);
          const seen = await see(lobby, [requestType, args]);
          const expected = response(requestType);
          // Where there is no function there is no response type either.
          const isSilent = type === "none" && requestType !== "nothing";
          const isError = isFault || isSilent;
          assert.deepEqual(seen, {
            status: isError ? "error" : "ok",
            reply: inline ? expected : isError ? expected["error"] : requestType,
            before: inline || isSilent ? [] : [expected],
            after: [],
          });
        });
      }
    }
  });
}

describe("x", () => {
  for (const type of responseTypes) for (const inline of [false,true]) for (const f of ["down", "fails", "noted", "limited", "limited"]) it(`${type} ${inline} ${f}`, async (t) => {
    const lobby = await Lobby.join(t, url, { inline, query: "user_id=" + type + inline });
    console.log(type, inline, f, JSON.stringify(await see(lobby, [`${type}_${f}`, n])));
  });
});
