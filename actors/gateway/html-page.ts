/** What the pages of a gateway have in common. */

const style = `
:root { color-scheme: light dark; --line: #d8dce3; --soft: #68707d; --back: #f5f6f8; --accent: #3157d5; }
@media (prefers-color-scheme: dark) { :root { --line: #333945; --soft: #98a1b0; --back: #1b1f27; --accent: #8fa9ff; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; margin: 0; letter-spacing: -0.01em; }
h1 small { font-size: 0.9rem; font-weight: 400; color: var(--soft); margin-left: 0.5rem; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 0.6rem; }
p { margin: 0.4rem 0; }
.soft { color: var(--soft); }
a { color: var(--accent); }
`;

/** A page; all of it but the title is taken as it stands. */
export interface HtmlPage {
  readonly title: string;
  /** CSS beside what all pages have. */
  readonly style: string;
  /** HTML behind the title. */
  readonly head?: string;
  readonly body: string;
}

/** The HTML of a page. */
export function encodeHtmlPage({ title, style: own, head = "", body }: HtmlPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}${own}</style>
${head}</head>
<body>
${body}</body>
</html>
`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that is safe in an element and in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
