export { LOCAL_NODE, type Replica } from "./replica.ts";
export { LocalReplicas, type ReplicaDirectory } from "./replica-directory.ts";
export { ReplicaSelector, SelectionScope } from "./replica-selector.ts";
