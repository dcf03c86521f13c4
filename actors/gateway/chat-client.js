/** The script of the chat page, beside the official client (phoenix.js, as it is published). */

const { Presence, Socket } = globalThis.Phoenix;

const element = (id) => document.getElementById(id);
const log = element("log");
const messages = element("messages");
const { event } = element("script").dataset;

/** A room that this page is in, from the join until it is left. */
class Room {
  #name;
  #groupId;
  #socket;
  #channel;
  #calls = 0;
  /** The last message that was seen; a join that tells it gets all that came since. */
  #seen = null;

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
    this.#sayStatus(status);
    showConnection(true);
    if (isFirst && status !== "pending") this.#showHistory(offset);
  }

  /** Whoever is accepted gets what is behind `offset`. */
  #become({ status, epoch, offset }) {
    if (epoch !== undefined) this.#seen = { since: offset, epoch };
    this.#sayStatus(status);
  }

  #sayStatus(status) {
    if (status === "pending") say("Somebody in the room has to accept you first.");
    else if (status === "muted") say(`You are here as ${this.#name}, and may not speak.`);
    else say(`You are here as ${this.#name}.`);
  }

  #sayAway(why) {
    say(`${why}. Trying again…`);
    showConnection(false);
  }

  async #showHistory(offset) {
    const page = await this.#call("history", { before: offset + 1, limit: 50 });
    // Live messages may have come meanwhile; these were before them.
    messages.prepend(...page.messages.map((message) => createMessage(message, this.#name)));
    log.scrollTop = log.scrollHeight;
  }

  #show(message) {
    if (message.offset <= this.#seen.since) return;
    this.#seen = { ...this.#seen, since: message.offset };
    add(createMessage(message, this.#name));
  }

  /** The gateway tells that it left messages out. */
  #miss({ epoch, from, to, reason }) {
    const what = from === null || from > to ? "messages" : `messages ${from} to ${to}`;
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
        .receive("timeout", () => refuse("There was no answer: it may have been sent or not."));
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
  try {
    await room?.send(said);
  } catch (error) {
    note(`Not sent: “${said}”. ${error.message}`);
  }
});

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
  element("join").hidden = true;
  element("room").hidden = false;
  element("send").elements.text.focus();
}

function showForm(why) {
  say(why);
  showConnection(true);
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
  add(createElement("li", { className: "note", textContent: text }));
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
