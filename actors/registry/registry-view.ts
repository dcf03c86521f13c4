import type { ReadonlyTable } from "#runtime";
import { Catalog, type CatalogEntry } from "./catalog.ts";
import type { FunConfig } from "./fun-config-schema.ts";

/**
 * A catalog that follows this thread's replica of the registry for as long as the thread lives.
 * `makeEntry` is called once for each entry and each change of one, so an entry may hold what was
 * compiled from its config. Make one per thread.
 */
export function followRegistry<Entry extends CatalogEntry>(
  table: ReadonlyTable<FunConfig>,
  makeEntry: (config: FunConfig) => Entry,
): Catalog<Entry> {
  const catalog = new Catalog<Entry>();
  // The change tells the key of a deleted entry alone.
  const known = new Map<string, FunConfig>();
  const set = (key: string, config: FunConfig): void => {
    known.set(key, config);
    catalog.set(makeEntry(config));
  };
  const remove = (key: string): void => {
    const config = known.get(key);
    if (config === undefined) return;
    known.delete(key);
    catalog.delete(config.service, config.requestType, config.version);
  };
  for (const [key, config] of table.entries()) set(key, config);
  table.onChange((change) => {
    if (change.op === "set") set(change.key, change.value);
    else if (change.op === "delete") remove(change.key);
    else for (const key of [...known.keys()]) remove(key);
  });
  return catalog;
}
