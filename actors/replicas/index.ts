export { ClusterNames } from "./node-names.ts";
export { LOCAL_NODE, type Replica } from "./replica.ts";
export { GroupReplicas, type ReplicaDirectory } from "./replica-directory.ts";
export { ReplicaSelector, SelectionScope } from "./replica-selector.ts";
export { hashText } from "./text-hash.ts";
