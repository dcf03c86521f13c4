/**
 * True when `text` takes more than `maxBytes` in UTF-8; a lone surrogate counts as the three bytes
 * of U+FFFD. Short and far too long texts are decided from their length without a scan.
 */
export function exceedsBytes(text: string, maxBytes: number): boolean {
  // Each UTF-16 unit takes one to three bytes (a pair of them takes four).
  if (text.length > maxBytes) return true;
  if (text.length * 3 <= maxBytes) return false;
  return Buffer.byteLength(text) > maxBytes;
}
