export { decideValueFault, printNames } from "./argument-fault.ts";
export { isDatetime, isNaiveDatetime, isUuid } from "./argument-formats.ts";
export { ARGUMENT_TYPES, type ArgumentSpec } from "./argument-types.ts";
export { exceedsBytes } from "./byte-limit.ts";
export { Catalog, type CatalogEntry } from "./catalog.ts";
export { parseFunConfig } from "./fun-config.ts";
export type { ArgumentTypes, FunConfig } from "./fun-config-schema.ts";
export { isName, MAX_NAME_BYTES } from "./names.ts";
export { isObjectSchema, type ObjectSchema, selectClosedNames } from "./object-schema.ts";
export { isMap } from "./plain-data.ts";
export { printReceived } from "./received.ts";
export {
  type BatchOutcome,
  parseBatch,
  Registry,
  registryKey,
  registryName,
  registryTable,
} from "./registry.ts";
export { followRegistry } from "./registry-view.ts";
