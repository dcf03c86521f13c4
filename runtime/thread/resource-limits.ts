import { inspect } from "node:util";
import type { ResourceLimits } from "../actor/index.ts";

/**
 * The least that each limit may be, MB. With less the platform cannot even set up the thread's heap
 * or stack, and then it is the process that dies.
 */
const leastMb: Required<ResourceLimits> = {
  maxOldGenerationSizeMb: 8,
  maxYoungGenerationSizeMb: 1,
  stackSizeMb: 1,
};

/**
 * A thread that meets its limit is granted 16 MB more to die in. What one scavenge moves to the old
 * generation must fit in there, or V8 ends the process: seen with its own 96 MB, not with this.
 */
const safeYoungMb = 16;

/** The limits for a thread that is asked for with `limits`. */
export function selectResourceLimits(limits: ResourceLimits = {}): ResourceLimits {
  if (limits.maxOldGenerationSizeMb === undefined) return limits;
  return { maxYoungGenerationSizeMb: safeYoungMb, ...limits };
}

/**
 * Tells that a thread can be started with `limits`.
 * @throws RangeError that names the limit, what was expected and what came; TypeError for a limit
 *   that there is none of.
 */
export function checkResourceLimits(limits: ResourceLimits): void {
  for (const [field, value] of Object.entries(limits)) {
    const least = leastMb[field as keyof ResourceLimits];
    if (least === undefined) {
      const known = Object.keys(leastMb).join(", ");
      throw new TypeError(`resourceLimits: expected only ${known}, received ${field}`);
    }
    if (value === undefined || (Number.isFinite(value) && value >= least)) continue;
    const received = inspect(value);
    throw new RangeError(`resourceLimits.${field}: expected MB >= ${least}, received ${received}`);
  }
}
