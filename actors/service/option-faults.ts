import { isMap, printReceived } from "../registry/index.ts";
import type { ServiceOptions } from "./define-service.ts";

const MAX_INSTANCES = 1_000;
const MAX_MESSAGES = 1_000_000;
const NAMES = ["instances", "concurrency", "mailboxCapacity", "thread", "resourceLimits"];

/** Everything that is wrong with the options of a service. */
export function encodeOptionFaults(options: ServiceOptions): string[] {
  const faults: string[] = [];
  if (!isMap(options)) return [`options: expected a map, received ${printReceived(options)}`];
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) faults.push(`options: unknown field ${printReceived(name)}`);
  }
  const { instances, concurrency, mailboxCapacity, thread, resourceLimits } = options;
  if (instances !== "per-thread") {
    checkCount("instances", instances, MAX_INSTANCES, ', or "per-thread"', faults);
  }
  checkCount("concurrency", concurrency, MAX_MESSAGES, "", faults);
  checkCount("mailboxCapacity", mailboxCapacity, MAX_MESSAGES, "", faults);
  if (thread !== undefined && thread !== "dedicated") {
    faults.push(`options.thread: expected "dedicated", received ${printReceived(thread)}`);
  }
  if (thread === "dedicated" && instances === "per-thread") {
    faults.push(
      'options: a service on dedicated threads has a number of instances, not "per-thread"',
    );
  }
  if (resourceLimits !== undefined && thread !== "dedicated") {
    faults.push('options.resourceLimits: only a service with thread "dedicated" has them');
  }
  return faults;
}

function checkCount(
  name: string,
  value: unknown,
  max: number,
  others: string,
  faults: string[],
): void {
  if (value === undefined) return;
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max) return;
  const expected = `an integer of 1 to ${max}${others}`;
  faults.push(`options.${name}: expected ${expected}, received ${printReceived(value)}`);
}
