import { type Column, formatTable, formatWallTime } from "#runtime";
import { type FunConfig, isObjectSchema, registryKey } from "../registry/index.ts";
import { encodeFunctionName, type FunctionFileInfo } from "../service/index.ts";

/** A table of functions. */
export function formatFunctions(configs: readonly FunConfig[]): string {
  const columns: Column<FunConfig>[] = [
    { title: "service", cell: ({ service }) => service },
    { title: "function", cell: encodeFunctionName },
    { title: "state", cell: ({ disabled }) => (disabled ? "disabled" : "enabled") },
    { title: "response", cell: ({ responseType }) => responseType },
    { title: "runs on", cell: ({ executor }) => executor },
    {
      title: "timeout",
      cell: ({ timeout }) => (timeout === "infinity" ? "none" : `${timeout} ms`),
      align: "right",
    },
    { title: "who may call", cell: formatPermission },
    { title: "arguments", cell: formatArguments },
  ];
  return formatTable(columns, configs, "no functions; spawn(path) loads a service");
}

/** What became of a function that was switched on or off. */
export function formatSwitched(config: FunConfig): string {
  return `${config.disabled ? "disabled" : "enabled"} ${registryKey(config)}`;
}

/** A table of function files. */
export function formatFunctionFiles(files: readonly FunctionFileInfo[]): string {
  const columns: Column<FunctionFileInfo>[] = [
    { title: "file", cell: ({ source }) => formatPath(source) },
    { title: "status", cell: ({ status }) => status },
    { title: "since", cell: ({ loadedAt }) => formatWallTime(loadedAt) },
    { title: "functions", cell: ({ functions }) => functions.join(", ") },
  ];
  return formatTable(columns, files, "no function files; loadFunctions(path) loads one");
}

/** A `file:` URL as a path, for people. */
export function formatPath(source: string): string {
  return decodeURI(source.replace(/^file:\/\//, ""));
}

function formatPermission({ checkPermission, permissionCallback }: FunConfig): string {
  if (permissionCallback !== null) return "as a callback says";
  if (checkPermission === false) return "everybody";
  if (checkPermission === "any_authenticated") return "whoever has a user";
  return "arg" in checkPermission
    ? `the user ${checkPermission.arg}`
    : `role ${checkPermission.role.join(" or ")}`;
}

/** Their names; those that may be left out end in `?`. */
function formatArguments({ argTypes }: FunConfig): string {
  if (argTypes === null) return "none";
  if (!isObjectSchema(argTypes)) return Object.keys(argTypes).join(", ");
  const required = new Set((argTypes.required ?? []) as readonly string[]);
  const names = Object.keys(argTypes.properties ?? {});
  return names.map((name) => (required.has(name) ? name : `${name}?`)).join(", ") || "none";
}
