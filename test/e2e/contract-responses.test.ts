import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseLimitConfig } from "../../actors/limits/index.ts";
import { fileScope } from "./gateway-process.ts";
import { startStage } from "./gateway-stage.ts";
import { type Answer, Lobby } from "./lobby.ts";

// CONTRACT, section 2: what a client gets for each response type, each end and each form, over the
// wire and with everything behind it.

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
/** The first Response of a call that has come to its function. */
const firsts: Readonly<Record<ResponseType, Answer>> = {
  sync: { ...success, result: "done" },
  async: { ...success, async: true },
  stream: { ...success, async: true, has_more: true, result: "init" },
  none: success,
};
const failure = (code: string, error: string, more: object = {}): Answer => ({
  ...{ ...success, success: false, error, code },
  ...more,
});

const limitedText = "Rate limit exceeded. Retry after N seconds.";
const n = { n: 1 };

/** A way not to get to the function, the same for all response types. */
interface Refusal {
  readonly how: string;
  /** The function is `TYPE_suffix`; null: there is none. */
  readonly suffix: string | null;
  readonly args?: object;
  /** What uses up what the call wants. */
  readonly before?: boolean;
  readonly response: (requestType: string) => Answer;
  /** The reply says why, whatever the response type. */
  readonly isFault?: boolean;
}

const refusals: readonly Refusal[] = [
  {
    ...{ how: "that there is not", suffix: null },
    response: (type) =>
      failure("unsupported_function", `unsupported function: ${type} version latest`),
  },
  {
    ...{ how: "that a hook refuses", suffix: "hooked" },
    response: () => failure("hook_rejected", "not by the hook"),
  },
  {
    ...{ how: "over a limit", suffix: "limited", before: true },
    response: () => failure("rate_limited", limitedText, { can_retry: true }),
  },
  {
    ...{ how: "that the user may not call", suffix: "denied" },
    response: () => failure("permission_denied", "Permission denied"),
  },
  {
    ...{ how: "with a wrong argument", suffix: "ok", args: { n: "1" }, isFault: true },
    response: () =>
      failure("invalid_arguments", 'invalid argument type for "n", expected num, got "1"'),
  },
  {
    ...{ how: "that nobody serves", suffix: "down" },
    response: () =>
      failure("unavailable", `service ${service} is unavailable`, { can_retry: true }),
  },
];

/** Without what is different each time, which is looked at here. */
function comparable({ request_id, retry_after_ms, ...response }: Answer): Answer {
  assert.match(String(request_id), /^contract_service\./);
  if (response["code"] !== "rate_limited") assert.equal(retry_after_ms, undefined);
  else {
    const seconds = Math.ceil(Number(retry_after_ms) / 1_000);
    assert.ok(seconds > 0 && seconds <= 600, `${retry_after_ms} ms`);
    assert.equal(response["error"], limitedText.replace("N", String(seconds)));
    return { ...response, error: limitedText };
  }
  return response;
}

/** What a client sees of a call, up to its final Response. */
interface Seen {
  readonly status: string;
  readonly reply: unknown;
  readonly before: readonly Answer[];
  readonly after: readonly Answer[];
}

async function see(
  lobby: Lobby,
  call: readonly [requestType: string, args?: object | undefined],
): Promise<Seen> {
  const { responses, status, reply } = await lobby.ask(service, ...call);
  const first = (lobby.inline ? reply : responses[0]) as Answer | undefined;
  const after: Answer[] = [];
  if (first?.["async"] === true) {
    const isStream = first["has_more"] === true;
    do after.push(comparable(await lobby.next()));
    while (isStream && after.at(-1)?.["has_more"] === true);
  }
  assert.deepEqual(await lobby.client.rest(), [], "nothing follows");
  return {
    status,
    reply: lobby.inline
      ? comparable(reply as Answer)
      : String(reply).replace(/after \d+ seconds/, "after N seconds"),
    before: responses.map(comparable),
    after,
  };
}

/** The answer to a push that was accepted. */
function answered(
  type: ResponseType,
  requestType: string,
  first: Answer,
  inline: boolean,
): Omit<Seen, "after"> {
  return {
    status: "ok",
    reply: inline ? first : requestType,
    before: inline || type === "none" ? [] : [first],
  };
}

/** What is seen of `TYPE_ok`; of `TYPE_noted`, whose final Response a hook changes. */
function served(type: ResponseType, suffix: "ok" | "noted", inline: boolean): Seen {
  const end = (result: unknown): unknown => (suffix === "noted" ? { noted: result } : result);
  const chunk = { ...success, async: true, has_more: true };
  const first = type === "sync" ? { ...success, result: end("done") } : firsts[type];
  return {
    ...answered(type, `${type}_${suffix}`, first, inline),
    after: {
      sync: [],
      none: [],
      async: [{ ...success, result: end("done") }],
      stream: [
        { ...chunk, result: 1 },
        { ...chunk, result: 2 },
        { ...success, async: true, result: end(null) },
      ],
    }[type],
  };
}

for (const inline of [false, true]) {
  describe(`a call, Responses ${inline ? "in the replies" : "pushed"}`, () => {
    for (const type of responseTypes) {
      const name = `of type ${type}`;
      it(`${name} that does well`, async (t) => {
        const lobby = await Lobby.join(t, url, { inline });
        assert.deepEqual(await see(lobby, [`${type}_ok`, n]), served(type, "ok", inline));
      });

      it(`${name} whose Response is changed by a hook: the final one is`, async (t) => {
        const lobby = await Lobby.join(t, url, { inline });
        assert.deepEqual(await see(lobby, [`${type}_noted`, n]), served(type, "noted", inline));
      });

      it(`${name} that fails`, async (t) => {
        const lobby = await Lobby.join(t, url, { inline });
        const internal = failure("internal", "Internal Server Error");
        const isAsync = type === "async";
        const first = { ...firsts, sync: internal, stream: internal }[type];
        assert.deepEqual(await see(lobby, [`${type}_fails`, n]), {
          ...answered(type, `${type}_fails`, first, inline),
          // A stream whose function throws is not opened.
          after: isAsync ? [internal] : [],
        });
      });

      for (const { how, suffix, args = n, before, response, isFault } of refusals) {
        it(`${name} ${how}`, async (t) => {
          const query = `user_id=${type}-${inline}`;
          const lobby = await Lobby.join(t, url, { inline, query });
          const requestType = suffix === null ? "nothing" : `${type}_${suffix}`;
          if (before === true) await see(lobby, [requestType, args]);
          const refusal = response(requestType);
          // Where there is no function there is no response type either.
          const isSilent = type === "none" && suffix !== null;
          const isError = isSilent || isFault === true;
          assert.deepEqual(await see(lobby, [requestType, args]), {
            status: isError ? "error" : "ok",
            reply: inline ? refusal : isError ? refusal["error"] : requestType,
            before: inline || isSilent ? [] : [refusal],
            after: [],
          });
        });
      }
    }
  });
}
