import { type ExitReason, HERE, noActorExit, nodeDownExit } from "../core/index.ts";
import type { Cell } from "./cell.ts";
import { defaultShutdownMs } from "./ending.ts";
import type { Kernel } from "./kernel.ts";
import type { ActorRef } from "./ref.ts";
import type { SystemSignal } from "./signal.ts";

/** Does what another actor's cell, the supervisor or the system said. */
export function obey(cell: Cell, signal: SystemSignal): void {
  switch (signal.type) {
    case "stop":
      cell.stop(signal.reason, signal.shutdownMs ?? cell.options.shutdownMs ?? defaultShutdownMs);
      break;
    case "kill":
      cell.kill(signal.reason);
      break;
    case "watch":
      cell.bonds.addWatcher(signal.watcher);
      break;
    case "unwatch":
      cell.bonds.removeWatcher(signal.watcher);
      break;
    case "link":
      cell.bonds.addLink(signal.peer);
      break;
    case "unlink":
      cell.bonds.removeLink(signal.peer);
      break;
    case "terminated": {
      const child = cell.bonds.removeChild(signal.ref);
      const watched = cell.bonds.removeWatched(signal.ref);
      if (child || watched) cell.hear({ ...signal, child });
      else cell.bonds.keepEarlyEnd(signal.ref, signal);
      break;
    }
    case "exit": {
      if (!cell.bonds.removeLink(signal.ref)) break;
      const { reason, origin: ref = signal.ref } = signal;
      const decision = decideLinkedExit(reason, cell.options.trapExit ?? false);
      if (decision === "hear") cell.hear({ type: "exit", ref, reason });
      else if (decision === "stop") {
        const message = `linked actor ${ref} stopped: ${reason.message}`;
        const kind = reason.kind === "shutdown" ? "shutdown" : "crash";
        cell.stop({ ...reason, kind, message });
      }
    }
  }
}

/** Answers a signal in the place of an actor that is not there: whoever waits for it is told. */
export function answerForTheDead(
  kernel: Kernel,
  target: ActorRef,
  parent: ActorRef | null,
  signal: SystemSignal,
): void {
  const isHere = target.node === HERE;
  const reason = isHere ? noActorExit : nodeDownExit("its node is not connected");
  const gone = { ref: target, reason };
  if (signal.type === "watch") kernel.signal(signal.watcher, { type: "terminated", ...gone });
  else if (signal.type === "link") kernel.signal(signal.peer, { type: "exit", ...gone });
  else if ((signal.type === "stop" || signal.type === "kill") && parent !== null) {
    // A parent that stops a child which is gone already waits for word of its end.
    kernel.signal(parent, { type: "terminated", ...gone });
  }
}

/** What the end of a linked actor does: it is heard, it is followed, or nothing. */
function decideLinkedExit(reason: ExitReason, trapExit: boolean): "hear" | "stop" | "nothing" {
  if (trapExit) return "hear";
  return reason.kind === "normal" ? "nothing" : "stop";
}
