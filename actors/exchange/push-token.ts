import { hash, timingSafeEqual } from "node:crypto";

/**
 * Whether `given` is the push token. It takes the same time for every wrong token, whatever its
 * length and content.
 */
export function decidePushToken(given: unknown, token: string): boolean {
  const text = typeof given === "string" ? given : "";
  const isEqual = timingSafeEqual(digest(text), digest(token));
  return isEqual && typeof given === "string";
}

function digest(text: string): Uint8Array {
  return hash("sha256", text, "buffer");
}
