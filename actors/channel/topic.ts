/**
 * Topic patterns: which channel a topic belongs to.
 */

/**
 * Compiles channels by topic pattern into a matcher from a topic to its channel.
 *
 * A pattern is an exact topic (`"system"`) or a prefix followed by `*` (`"api:*"`, `"*"`); the star
 * stands for any text, the empty one too. An exact pattern wins over a prefix, a longer prefix over
 * a shorter one; the order of declaration does not matter. The matcher returns undefined for a
 * topic without a channel. It costs one lookup and one comparison per prefix pattern, at joins only.
 *
 * @throws TypeError when a pattern is empty, has a `*` anywhere but at its end, or comes twice.
 */
export function selectChannel<T>(
  channels: Iterable<readonly [pattern: string, channel: T]>,
): (topic: string) => T | undefined {
  const exact = new Map<string, T>();
  const byPrefix = new Map<string, T>();
  for (const [pattern, channel] of channels) {
    const star = parsePattern(pattern);
    const key = star === -1 ? pattern : pattern.slice(0, star);
    const declared = star === -1 ? exact : byPrefix;
    if (declared.has(key)) {
      throw new TypeError(
        `topic pattern must be declared once, got ${JSON.stringify(pattern)} twice`,
      );
    }
    declared.set(key, channel);
  }
  const prefixes = [...byPrefix].sort(([a], [b]) => b.length - a.length);

  return (topic) => {
    if (exact.has(topic)) return exact.get(topic);
    for (const [prefix, channel] of prefixes) {
      if (topic.startsWith(prefix)) return channel;
    }
    return undefined;
  };
}

/** The group that a topic names behind its first colon; empty where it names none. */
export function selectGroupId(topic: string): string {
  const colon = topic.indexOf(":");
  return colon === -1 ? "" : topic.slice(colon + 1);
}

/** Where the star of a valid pattern is, -1 for an exact one. */
function parsePattern(pattern: unknown): number {
  if (typeof pattern !== "string" || pattern === "") {
    const received = typeof pattern === "string" ? '""' : typeof pattern;
    throw new TypeError(`topic pattern must be a non-empty string, got ${received}`);
  }
  const star = pattern.indexOf("*");
  if (star !== -1 && star !== pattern.length - 1) {
    throw new TypeError(`topic pattern may have * at its end only, got ${JSON.stringify(pattern)}`);
  }
  return star;
}
