/** The page that a gateway shows to a browser: what runs here, and how to call it. */

import { encodeHtmlPage, escapeHtml } from "./html-page.ts";

/** What the page tells. */
export interface HomePage {
  readonly name: string;
  readonly version: string;
  readonly channels: readonly { readonly topic: string; readonly event: string }[];
  readonly functions: readonly ListedFunction[];
  /** Whether the user is taken from the query. */
  readonly demo: boolean;
}

/** A function as the page lists it. */
export interface ListedFunction {
  readonly service: string;
  readonly requestType: string;
  /** null: unversioned. */
  readonly version: string | null;
  /** The names of its arguments. */
  readonly args: readonly string[];
  readonly disabled: boolean;
}

const style = `
code, pre { font: 0.875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { background: var(--back); border: 1px solid var(--line); border-radius: 8px; padding: 0.9rem 1rem; overflow-x: auto; }
section { border: 1px solid var(--line); border-radius: 8px; margin: 0.7rem 0; overflow: hidden; }
section h3 { font-size: 0.95rem; margin: 0; padding: 0.5rem 1rem; background: var(--back); border-bottom: 1px solid var(--line); }
section ul { list-style: none; margin: 0; padding: 0.35rem 1rem; }
section li { padding: 0.2rem 0; overflow-wrap: anywhere; }
`;

/** The HTML of the page; all names in it are escaped. */
export function encodeHomePage(page: HomePage): string {
  const { name, version, channels, functions, demo } = page;
  const chat = selectChatEvent(page) === null ? "" : ' · <a href="/chat">chat</a>';
  return encodeHtmlPage({
    title: `${name} · Troupe`,
    style,
    body: `<h1>${escapeHtml(name)}<small>Troupe ${escapeHtml(version)}</small></h1>
<p class="soft">A function gateway over Phoenix Channels. <a href="/health">health</a> · <a href="/ready">ready</a>${chat}</p>
<h2>Functions</h2>
${encodeServices(functions)}
<h2>How to call one</h2>
<pre><code>${escapeHtml(encodeSample(channels, functions, demo))}</code></pre>
<h2>Channels</h2>
${encodeChannels(channels)}
`,
  });
}

/** The event of the demo's chat rooms; null: this gateway shows no chat page. */
export function selectChatEvent({
  demo,
  channels,
}: Pick<HomePage, "demo" | "channels">): string | null {
  const rooms = demo ? channels.find(({ topic }) => topic === "chat:*") : undefined;
  return rooms?.event ?? null;
}

function encodeServices(functions: readonly ListedFunction[]): string {
  if (functions.length === 0) return '<p class="soft">No service is loaded.</p>';
  const services = Map.groupBy(functions, ({ service }) => service);
  return [...services]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([service, listed]) => {
      const items = listed.map(encodeFunction).join("");
      return `<section><h3>${escapeHtml(service)}</h3><ul>${items}</ul></section>`;
    })
    .join("\n");
}

function encodeFunction({ requestType, version, args, disabled }: ListedFunction): string {
  const call = escapeHtml(`${requestType}(${args.join(", ")})`);
  const notes = [version, disabled ? "disabled" : null].filter((note) => note !== null);
  const note =
    notes.length === 0 ? "" : ` <span class="soft">${escapeHtml(notes.join(", "))}</span>`;
  return `<li><code>${call}</code>${note}</li>`;
}

function encodeChannels(channels: HomePage["channels"]): string {
  const items = channels.map(
    ({ topic, event }) =>
      `<li><code>${escapeHtml(topic)}</code> <span class="soft">event</span> <code>${escapeHtml(event)}</code></li>`,
  );
  return `<section><ul>${items.join("")}</ul></section>`;
}

function encodeSample(
  channels: HomePage["channels"],
  functions: readonly ListedFunction[],
  demo: boolean,
): string {
  const { topic = "api:*", event = "api" } = channels[0] ?? {};
  const { service = "my_service", requestType = "my_function", args = [] } = functions[0] ?? {};
  const request = { service, request_type: requestType, request_id: "1" };
  const named = Object.fromEntries(args.map((name) => [name, "…"]));
  return `import { Socket } from "phoenix";

const socket = new Socket("/socket"${demo ? ', { params: { user_id: "me" } }' : ""});
socket.connect();
const channel = socket.channel(${JSON.stringify(topic.replace(/\*$/, "lobby"))}, {});
channel.on(${JSON.stringify(event)}, (response) => console.log(response));
channel.join();
channel.push(${JSON.stringify(event)}, ${JSON.stringify({ ...request, args: named }, null, 2)});`;
}
