import { admitsArgument } from "./argument-fields.ts";
import type { FunConfig } from "./fun-config-schema.ts";
import { printReceived } from "./received.ts";

/** What `hash` and `sticky` may go by without there being such an argument. */
const ofCaller: readonly string[] = ["user_id", "device_id"];

/**
 * Everything that is wrong with a FunConfig although each field by itself is right: names of
 * arguments that there are not, fields that contradict each other. `isExecutorGiven` tells a chosen
 * executor from the default.
 */
export function encodeConflicts(config: FunConfig, isExecutorGiven: boolean): string[] {
  const { argTypes, checkPermission, chooseNodeMode, cpu, executor } = config;
  const faults: string[] = [];
  const named: [field: string, argument: string][] = [];
  if (typeof checkPermission === "object" && "arg" in checkPermission) {
    named.push(["checkPermission.arg", checkPermission.arg]);
  }
  if (typeof chooseNodeMode === "object" && !("module" in chooseNodeMode)) {
    const [[kind, name] = ["", ""]] = Object.entries<string>(chooseNodeMode);
    if (!ofCaller.includes(name)) named.push([`chooseNodeMode.${kind}`, name]);
  }
  for (const [field, argument] of named) {
    if (admitsArgument(argTypes, argument)) continue;
    faults.push(`${field}: ${printReceived(argument)} is not an argument of argTypes`);
  }
  if (cpu && isExecutorGiven && executor === "actor") {
    faults.push('cpu: expected false with executor "actor", received true');
  }
  return faults;
}

/** What is allowed and has no effect, or one that may surprise: for people, not a fault. */
export function encodeWarnings(config: FunConfig): string[] {
  const { permissionCallback, checkPermission, beforeExecute, afterExecute } = config;
  const warnings: string[] = [];
  if (permissionCallback !== null && checkPermission !== false) {
    warnings.push("checkPermission: has no effect beside permissionCallback, which decides alone");
  }
  if (config.responseType === "none" && afterExecute !== null) {
    warnings.push('afterExecute: its changes reach nobody with responseType "none"');
  }
  if (config.timeout !== "infinity" && beforeExecute !== null) {
    const { timeout, hookTimeout } = config;
    if (hookTimeout > timeout) {
      warnings.push(`hookTimeout: ${hookTimeout} ms is more than timeout, ${timeout} ms`);
    }
  }
  if (config.retry !== null && !config.idempotent) {
    warnings.push("retry: a function that is not marked idempotent may run more than once");
  }
  return warnings;
}
