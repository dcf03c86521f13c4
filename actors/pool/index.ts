export { asyncPoolName, Pool, streamPoolName } from "./pool.ts";
export { poolChildren } from "./pool-children.ts";
export {
  type PoolOptions,
  type PoolSettings,
  parsePoolSettings,
} from "./pool-settings.ts";
export type { PoolStatus } from "./pool-status.ts";
