import { type Framed, frameMessages, type GroupChannel } from "../channel/index.ts";

/** What encodes pushes: any channel of those that get equal frames. */
export type FrameEncoder = Pick<GroupChannel, "event" | "encode">;

/**
 * What a turn pushes to the members of a group, in order: messages with rising offsets, and changes
 * of presence in between. It is encoded once for all channels of a form.
 */
export class FrameBatch {
  readonly #texts: string[] = [];
  /** The event of each; null: the channel's own, on which messages go. */
  readonly #events: (string | null)[] = [];
  /** The offset of each message, 0 for what is none. */
  readonly #offsets: number[] = [];
  readonly #framed = new Map<string, Framed>();
  /** Mostly all channels have one form. */
  #last: { readonly formKey: string; readonly frames: Framed } | null = null;
  /** Of the first and the last message; 0: there is none. */
  firstOffset = 0;
  lastOffset = 0;
  hasPresence = false;

  addMessage(offset: number, text: string): void {
    if (this.firstOffset === 0) this.firstOffset = offset;
    this.lastOffset = offset;
    this.#add(null, text, offset);
  }

  addPresence(event: string, text: string): void {
    this.hasPresence = true;
    this.#add(event, text, 0);
  }

  /** The messages, and the changes of presence if they are wanted, for a channel of a form. */
  framesFor(formKey: string, encoder: FrameEncoder, withPresence: boolean): Framed {
    if (this.#last?.formKey === formKey) return this.#last.frames;
    const frames =
      this.#framed.get(formKey) ?? frameMessages(this.#encodeBehind(encoder, 0, withPresence));
    this.#framed.set(formKey, frames);
    this.#last = { formKey, frames };
    return frames;
  }

  /** The same without messages up to `offset`; null: nothing. */
  frameBehind(encoder: FrameEncoder, offset: number, withPresence: boolean): Framed | null {
    const frames = this.#encodeBehind(encoder, offset, withPresence);
    return frames.length === 0 ? null : frameMessages(frames);
  }

  #encodeBehind(encoder: FrameEncoder, offset: number, withPresence: boolean): string[] {
    const frames: string[] = [];
    for (const [i, text] of this.#texts.entries()) {
      const own = this.#offsets[i] as number;
      if (own === 0 ? withPresence : own > offset) frames.push(this.#encode(encoder, text, i));
    }
    return frames;
  }

  #add(event: string | null, text: string, offset: number): void {
    this.#events.push(event);
    this.#texts.push(text);
    this.#offsets.push(offset);
  }

  #encode(encoder: FrameEncoder, text: string, i: number): string {
    return encoder.encode(this.#events[i] ?? encoder.event, text);
  }
}
