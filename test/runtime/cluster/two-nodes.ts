import { type NodeInfo, nodesTable } from "../../../runtime/actor/index.ts";
import {
  type ClusterOptions,
  ClusterThread,
  parseClusterOptions,
} from "../../../runtime/cluster/index.ts";
import { seededRandom } from "../../../runtime/core/index.ts";
import {
  ManualClock,
  MemoryNetwork,
  StepScheduler,
  type TestKernel,
  testKernel,
} from "../../../runtime/testing/index.ts";

/** A node of one thread on the simulated network. */
export interface TestNode {
  readonly name: string;
  readonly kernel: TestKernel;
  readonly cluster: ClusterThread;
  /** Lets its threads know another node. */
  knows(node: TestNode): void;
  forgets(node: TestNode): void;
}

/** Nodes without membership: each knows those that the test tells it of. */
export class TestNodes {
  readonly clock: ManualClock = new ManualClock();
  readonly steps: StepScheduler;
  readonly network: MemoryNetwork;

  constructor(seed = 1) {
    this.steps = new StepScheduler(seed);
    this.network = new MemoryNetwork(this.clock, seededRandom(seed));
  }

  async start(
    name: string,
    incarnation = 1_000,
    options: Partial<ClusterOptions> = {},
  ): Promise<TestNode> {
    const { clock, steps } = this;
    const kernel = testKernel({ clock, steps, incarnation, nodeName: name });
    const config = parseClusterOptions({ name, cookie: "a secret", ...options });
    const transport = this.network.transport(name);
    const cluster = new ClusterThread(kernel.kernel, config, incarnation, transport);
    await cluster.listen(false);
    const rows = kernel.kernel.tables.write<NodeInfo>(nodesTable);
    return {
      ...{ name, kernel, cluster },
      knows: (node) =>
        rows.set(node.name, {
          name: node.name,
          incarnation: node.kernel.kernel.incarnation,
          roles: [],
          isSelf: false,
        }),
      forgets: (node) => void rows.delete(node.name),
    };
  }

  /** Two that know each other. */
  async pair(options: Partial<ClusterOptions> = {}): Promise<[TestNode, TestNode]> {
    const one = await this.start("one@127.0.0.1:9001", 1_000, options);
    const other = await this.start("other@127.0.0.1:9002", 2_000, options);
    one.knows(other);
    other.knows(one);
    return [one, other];
  }
}
