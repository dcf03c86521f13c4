export type { HookRequest } from "./hook-request.ts";
export { Hooks } from "./hooks.ts";
export { decideFunctionAccess, resolveModuleAccess, trustedModulesTable } from "./module-access.ts";
export { ModuleFunctions } from "./module-functions.ts";
export { compilePermission, type Permission } from "./permission.ts";
