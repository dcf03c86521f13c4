/** The chat page of the demo: its HTML, its script, and the official client as it is published. */

import { readFileSync } from "node:fs";
import { type HomePage, selectChatEvent } from "./home-page.ts";
import { encodeHtmlPage, escapeHtml } from "./html-page.ts";

/** A file of the page. */
export interface ChatFile {
  readonly type: string;
  readonly body: string;
}

/** What the page may load: its own files, and its own gateway's socket. */
export const chatPolicy: string =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const scripts: Readonly<Record<string, () => URL>> = {
  "/chat.js": () => new URL("chat-client.js", import.meta.url),
  // The package has its browser build beside what it exports.
  "/phoenix.min.js": () => new URL("phoenix.min.js", import.meta.resolve("phoenix")),
};
const read = new Map<string, string>();

/** The file at a path; null where there is none, or no chat on this gateway. */
export function selectChatFile(path: string, home: () => HomePage): ChatFile | null {
  const script = Object.hasOwn(scripts, path) ? scripts[path] : undefined;
  if (script === undefined && path !== "/chat") return null;
  const event = selectChatEvent(home());
  if (event === null) return null;
  if (script === undefined) {
    return { type: "text/html; charset=utf-8", body: encodeChatPage(event) };
  }
  const body = read.get(path) ?? readFileSync(script(), "utf8");
  read.set(path, body);
  return { type: "text/javascript; charset=utf-8", body };
}

const style = `
:root { --warn: #b3460f; }
@media (prefers-color-scheme: dark) { :root { --warn: #ffab70; } }
[hidden] { display: none !important; }
form { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: end; margin: 1rem 0; }
label { display: grid; gap: 0.2rem; flex: 1 1 9rem; color: var(--soft); font-size: 0.875rem; }
input, button { font: 1rem/1.5 system-ui, sans-serif; padding: 0.45rem 0.7rem; border: 1px solid var(--line); border-radius: 8px; }
input { background: transparent; color: CanvasText; width: 100%; }
button { background: var(--accent); border-color: var(--accent); color: Canvas; cursor: pointer; }
button.plain { background: transparent; color: var(--accent); }
button:disabled { opacity: 0.5; cursor: default; }
.away #status { color: var(--warn); }
.away aside { opacity: 0.5; }
.pending aside { visibility: hidden; }
#room { display: grid; grid-template-columns: 1fr 11rem; gap: 0 1.5rem; margin-top: 0.75rem; }
#send { grid-column: 1 / -1; }
#log { height: min(26rem, 60vh); overflow-y: auto; border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem 1rem; }
#log ol, aside ul { list-style: none; margin: 0; padding: 0; }
#log ol:empty::before { content: attr(data-empty); color: var(--soft); }
#log li, aside li { padding: 0.15rem 0; overflow-wrap: anywhere; }
#log b { margin-right: 0.5rem; }
#log b.own { color: var(--accent); }
#log time { float: right; color: var(--soft); font-size: 0.8rem; line-height: 1.5rem; margin-left: 0.75rem; }
#older { display: block; margin: 0 auto 0.35rem; padding: 0.1rem 0.7rem; font-size: 0.875rem; }
#log .note { color: var(--warn); font-style: italic; }
aside h2 { margin: 0 0 0.4rem; }
aside small { color: var(--soft); }
@media (max-width: 36rem) {
  body { margin: 1.25rem auto; }
  #room { grid-template-columns: 1fr; }
  .pending aside { display: none; }
  aside { order: -1; display: flex; gap: 0.75rem; align-items: baseline; margin-bottom: 0.5rem; }
  aside h2 { flex: none; font-size: 1rem; margin: 0; }
  aside ul { display: flex; flex-wrap: wrap; gap: 0 0.75rem; max-height: 4rem; overflow-y: auto; }
}
`;

const body = `<h1 id="title">Chat</h1>
<p class="soft"><span id="status" role="status">Pick a name and a room.</span> <a href="/">What runs here</a></p>
<form id="join">
<label>Name <input name="name" required maxlength="64" autocomplete="nickname" autofocus></label>
<label>Room <input name="room" required maxlength="64" value="lobby"></label>
<button>Join</button>
</form>
<main id="room" hidden>
<div id="log" role="log" aria-label="Messages" tabindex="0">
<button id="older" type="button" class="plain" hidden>Show older</button>
<ol id="messages"></ol>
</div>
<aside><h2 id="here">Here now</h2><ul id="people" aria-labelledby="here"></ul></aside>
<form id="send">
<label>Message <input name="text" required maxlength="2000" autocomplete="off"></label>
<button name="send">Send</button>
<button id="leave" type="button" class="plain">Leave</button>
</form>
</main>
`;

function encodeChatPage(event: string): string {
  const head =
    '<script src="/phoenix.min.js" defer></script>\n' +
    `<script src="/chat.js" type="module" data-event="${escapeHtml(event)}" id="script"></script>\n`;
  return encodeHtmlPage({ title: "Chat · Troupe", style, head, body });
}
