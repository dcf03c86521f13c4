/** The script of the chat page, beside the official client (phoenix.js, as it is published). */

const { Presence, Socket } = globalThis.Phoenix;

const element = (id) => document.getElementById(id);
const log = element("log");
const messages = element("messages");
const older = element("older");
const { event } = element("script").dataset;

/** Messages that are loaded at once. */
const pageSize = 50;

/** What stands where no message is. */
const noMessages = {
  pending: "What is said here is shown to those who have been accepted.",
  unsaid: "Nothing has been said yet. Open this page in a second window, and talk to yourself.",
  unkept: "What was said here before is not kept.",
};

/** A room that this page is in, from the join until it is left. */
class Room {
  #name;
  #groupId;
  #socket;
  #channel;
  #calls = 0;
  /** The last message that was seen; a join that tells it gets all that came since. */
  #seen = null;
  /** What is loaded of the history is from here on; null: none of it may be, or has been. */
  #oldest = null;
  #isLoading = false;

  constructor(name, groupId) {
    this.#name = name;
    this.#groupId = groupId;
    this.#socket = new Socket("/socket", { params: { user_id: name } });
    // A function, so that each join after a lost connection tells what was seen until then.
    this.#channel = this.#socket.channel(`chat:${groupId}`, () => ({
      reply: "inline",
      ...this.#seen,
    }));
    this.#channel.on(event, ({ result }) => this.#show(result));
    this.#channel.on("relay_gap", (gap) => this.#miss(gap));
    this.#channel.on("relay_membership", (member) => this.#become(member));
    this.#channel.onClose(() => this.#end("You are no longer in the room."));
    const presence = new Presence(this.#channel);
    presence.onSync(() => showPeople(presence, this.#name));
    this.#socket.onClose(() => {
      if (room === this) this.#sayAway("The connection is lost");
    });
  }

  enter() {
    say("Connecting…");
    this.#socket.connect();
    this.#channel
      .join()
      .receive("ok", (answer) => this.#joined(answer))
      .receive("error", ({ reason }) => {
        if (this.#seen === null) this.#end(reason);
        else this.#sayAway(reason);
      });
  }

  async send(text) {
    await this.#call("send_message", { message: { text } });
  }

  leave() {
    this.#end("You left the room.");
  }

  #joined({ status, epoch, offset, recovered }) {
    const isFirst = this.#seen === null;
    if (recovered === false) note("Some messages may be missing here.");
    // What was missed comes after this, and each message tells its own offset.
    if (recovered !== true) this.#seen = { since: offset, epoch };
    if (isFirst) showRoom(this.#groupId);
    showConnection(true);
    this.#sayStatus(status);
  }

  /** Whoever is accepted gets what is behind `offset`. */
  #become({ status, epoch, offset }) {
    if (epoch !== undefined) this.#seen = { since: offset, epoch };
    this.#sayStatus(status);
  }

  /** Who is pending is not told who is here and what they say; the others may read what was said. */
  #sayStatus(status) {
    const isPending = status === "pending";
    document.body.classList.toggle("pending", isPending);
    if (isPending) messages.dataset.empty = noMessages.pending;
    else if (this.#oldest === null) this.showOlder();
    if (isPending) say("Somebody in the room has to accept you first.");
    else if (status === "muted") say(`You are here as ${this.#name}, and may not speak.`);
    else say(`You are here as ${this.#name}.`);
  }

  #sayAway(why) {
    say(`${why}. Trying again…`);
    showConnection(false);
  }

  /** Shows a page of what was said before that which is shown. */
  async showOlder() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const isFirst = this.#oldest === null;
    // Live messages may come meanwhile; these were before them.
    this.#oldest ??= this.#seen.since + 1;
    try {
      const page = await this.#call("history", { before: this.#oldest, limit: pageSize });
      if (room !== this) return;
      this.#oldest = page.messages[0]?.offset ?? this.#oldest;
      messages.dataset.empty = page.offset === 0 ? noMessages.unsaid : noMessages.unkept;
      prepend(
        page.messages.map((message) => createMessage(message, this.#name)),
        page.has_more,
      );
      if (isFirst) log.scrollTop = log.scrollHeight;
    } catch (error) {
      if (room !== this) return;
      note(`What was said before could not be loaded. ${error.message}`);
      older.hidden = false;
    } finally {
      this.#isLoading = false;
    }
  }

  #show(message) {
    if (message.offset <= this.#seen.since) return;
    this.#seen = { ...this.#seen, since: message.offset };
    add(createMessage(message, this.#name));
  }

  /** The gateway tells that it left messages out. */
  #miss({ epoch, from, to, reason }) {
    const what = from > to ? "messages" : `messages ${from} to ${to}`;
    note(reason === "slow" ? `Too slow: ${what} were left out.` : `Perhaps ${what} were lost.`);
    this.#seen = { since: to, epoch };
  }

  /** Calls a chat function. Rejects with an Error that says why. */
  #call(requestType, args) {
    this.#calls += 1;
    const request = {
      ...{ service: "chat_service", request_type: requestType, request_id: `${this.#calls}` },
      args: { group_id: this.#groupId, ...args },
    };
    return new Promise((resolve, reject) => {
      const refuse = (why) => reject(new Error(why));
      this.#channel
        .push(event, request)
        .receive("ok", ({ success, result, error }) => (success ? resolve(result) : refuse(error)))
        .receive("error", ({ error, reason }) => refuse(error ?? reason))
        .receive("timeout", () => refuse("There was no answer: it may have been done or not."));
    });
  }

  #end(why) {
    if (room !== this) return;
    room = null;
    this.#channel.leave();
    this.#socket.disconnect();
    showForm(why);
  }
}

let room = null;
/** Why messages were not sent, since one was: told on one line. */
let refusal = null;

element("join").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const { name, room: groupId } = submitted.target.elements;
  if (room !== null || name.value.trim() === "" || groupId.value.trim() === "") return;
  room = new Room(name.value.trim(), groupId.value.trim());
  room.enter();
});

element("send").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const { text } = submitted.target.elements;
  const said = text.value;
  text.value = "";
  if (said.trim() === "") return;
  try {
    await room?.send(said);
    refusal = null;
  } catch (error) {
    noteRefusal(said, error.message);
  }
});

older.addEventListener("click", () => room?.showOlder());

element("leave").addEventListener("click", () => room?.leave());

// A link to a room: /chat?room=lobby&name=Ada
for (const [key, value] of new URLSearchParams(location.search)) {
  const input = element("join").elements.namedItem(key);
  if (input !== null) input.value = value;
}

function say(text) {
  // A reader reads it aloud: only what is new.
  if (element("status").textContent !== text) element("status").textContent = text;
}

/** Without a connection nothing can be sent, and nobody knows who is here. */
function showConnection(isThere) {
  document.body.classList.toggle("away", !isThere);
  element("send").elements.send.disabled = !isThere;
}

function showRoom(groupId) {
  element("title").textContent = groupId;
  document.title = `${groupId} · Chat`;
  messages.replaceChildren();
  messages.dataset.empty = "";
  older.hidden = true;
  element("join").hidden = true;
  element("room").hidden = false;
  element("send").elements.text.focus();
}

function showForm(why) {
  say(why);
  showConnection(true);
  document.body.classList.remove("pending");
  element("title").textContent = "Chat";
  document.title = "Chat · Troupe";
  element("room").hidden = true;
  element("join").hidden = false;
  element("join").elements.name.focus();
}

function showPeople(presence, self) {
  const people = presence.list((name, { metas }) => {
    const devices = metas.length === 1 ? "" : ` (${metas.length} devices)`;
    const person = createElement("li", { textContent: `${name}${devices}` });
    if (name === self) person.append(createElement("small", { textContent: " you" }));
    return person;
  });
  element("people").replaceChildren(...people);
}

function createMessage({ from_user_id: from, message, timestamp }, self) {
  // biome-ignore lint/style/noRestrictedGlobals: a browser's own time zone
  const time = new Date(timestamp).toLocaleTimeString([], { timeStyle: "short" });
  const text = typeof message?.text === "string" ? message.text : JSON.stringify(message);
  const line = createElement("li", {});
  line.append(
    createElement("time", { dateTime: timestamp, textContent: time }),
    createElement("b", {
      textContent: from ?? "the gateway",
      className: from === self ? "own" : "",
    }),
    createElement("span", { textContent: text }),
  );
  return line;
}

function note(text) {
  const line = createElement("li", { className: "note", textContent: text });
  add(line);
  return line;
}

/** The line of the same refusal before counts them all, and is the last one again. */
function noteRefusal(said, why) {
  const isAgain = refusal !== null && refusal.why === why && refusal.line.isConnected;
  const count = isAgain ? refusal.count + 1 : 1;
  if (isAgain) refusal.line.remove();
  const others = count === 2 ? "the one" : `the ${count - 1}`;
  const what = count === 1 ? `“${said}”` : `“${said}”, nor ${others} before it`;
  refusal = { why, count, line: note(`Not sent: ${what}. ${why}`) };
}

/** Adds older lines; what is read stays in its place. */
function prepend(lines, hasMore) {
  const below = log.scrollHeight - log.scrollTop;
  messages.prepend(...lines);
  if (!hasMore && document.activeElement === older) log.focus({ preventScroll: true });
  older.hidden = !hasMore;
  log.scrollTop = log.scrollHeight - below;
}

/** Adds a line, and stays at the end if the reader is there. */
function add(line) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  messages.append(line);
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function createElement(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
