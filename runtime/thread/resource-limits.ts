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
