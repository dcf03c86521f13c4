import { fromErrorRecord, ReplyError, type TaskEnd } from "#runtime";
import { HANDLER_FAILED } from "../request/index.ts";

/** What the asker is told of a task that did not end well; null for one that did. */
export function decideTaskFailure(
  end: TaskEnd,
  service: string,
  method: string,
): ReplyError | null {
  switch (end.status) {
    case "done":
      return null;
    case "failed":
      return end.error.reply === true
        ? (fromErrorRecord(end.error) as ReplyError)
        : new ReplyError(HANDLER_FAILED, end.error.message);
    case "cancelled":
      return new ReplyError("cancelled", `${method} was cancelled before it began`);
    case "killed":
      return new ReplyError("cancelled", `${method} was cancelled and did not end`);
    case "lost":
      return end.started
        ? new ReplyError(
            "outcome_unknown",
            `service ${service} was lost while it worked on ${method}`,
          )
        : new ReplyError("unavailable", `no thread could be started for ${service}.${method}`);
  }
}
