import { parentPort } from "node:worker_threads";

/** Tells the reports of a thread from what other code on it posts. */
const mark = "troupe:report";

/**
 * Posts a report to the thread that started this one. The way is not its own: any code here may post
 * there too, so reports are marked. @throws DataCloneError for what cannot leave the thread.
 */
export function postReport(report: unknown): void {
  parentPort?.postMessage([mark, report]);
}

/** The report in what a thread has posted; null for what was not posted as one. */
export function parseReport<Report>(message: unknown): Report | null {
  return Array.isArray(message) && message[0] === mark ? (message[1] as Report) : null;
}
