export { decideValueFault, printNames } from "./argument-fault.ts";
export type { ArgumentTypes } from "./argument-fields.ts";
export { isDatetime, isNaiveDatetime, isUuid } from "./argument-formats.ts";
export { ARGUMENT_TYPES, type ArgumentSpec } from "./argument-types.ts";
export { type BatchOutcome, parseBatch, type RefusedConfig, registryKey } from "./batch.ts";
export { exceedsBytes } from "./byte-limit.ts";
export { Catalog, type CatalogEntry } from "./catalog.ts";
export { type ExampleRequest, encodeRequests, exportRequests } from "./exporter.ts";
export {
  type ConfigSource,
  FAILED_CONFIG_LIFE_MS,
  type FailedConfig,
  type FailedConfigFilter,
  type FailedConfigSummary,
  MAX_FAILED_CONFIGS,
} from "./failed-config-log.ts";
export {
  FailedConfigs,
  failedConfigsName,
  tellRefusals,
} from "./failed-configs.ts";
export {
  booleanField,
  choiceField,
  type Field,
  nameField,
  nullable,
  schemaField,
} from "./field.ts";
export { parseConfigChange, parseFunConfig } from "./fun-config.ts";
export type { FunConfig } from "./fun-config-schema.ts";
export { type FunctionTarget, isModulePath } from "./function-target.ts";
export { isName, MAX_NAME_BYTES } from "./names.ts";
export { isObjectSchema, type ObjectSchema, selectClosedNames } from "./object-schema.ts";
export type { CheckPermission } from "./permission-fields.ts";
export { isMap } from "./plain-data.ts";
export { encodeFault, printReceived } from "./received.ts";
export { Registry, registryName, registryTable } from "./registry.ts";
export { followRegistry } from "./registry-view.ts";
export {
  type ChooseNodeMode,
  chooseNodeModeField,
  type Nodes,
  nodesField,
  type Retry,
  retryField,
} from "./selection-fields.ts";
export {
  boundField,
  collectFields,
  mapField,
  omittable,
  parseSettings,
  type SettingFields,
  type SettingsOutcome,
  selectDefaults,
  wholeField,
} from "./settings.ts";
export { type ConfigReport, validateWithDetails } from "./validation.ts";
