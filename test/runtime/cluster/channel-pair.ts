import {
  type ChannelOptions,
  NodeChannel,
  type NodeEnvelope,
} from "../../../runtime/cluster/index.ts";
import type { TroupeError } from "../../../runtime/core/index.ts";
import {
  ManualClock,
  StepScheduler,
  type TestKernel,
  testKernel,
} from "../../../runtime/testing/index.ts";
import { PipedConnection } from "./piped-connection.ts";

const mib = 1024 * 1024;

/** The limits of the channels in these tests. */
export const channelOptions: ChannelOptions = {
  heartbeatMs: 500,
  suspicionMs: 5_000,
  maxBufferedBytes: 16 * mib,
  maxMessageBytes: 256 * mib,
};

/** One end of a connection with all that its channel has told. */
export class ChannelEnd {
  readonly kernel: TestKernel;
  readonly connection: PipedConnection;
  readonly channel: NodeChannel;
  readonly envelopes: NodeEnvelope[] = [];
  readonly unsent: { readonly envelope: NodeEnvelope; readonly error: TroupeError }[] = [];
  readonly ends: (readonly [reason: string, orderly: boolean])[] = [];
  /** Called with each envelope. */
  onEnvelope: (envelope: NodeEnvelope) => void = () => {};

  constructor(
    kernel: TestKernel,
    connection: PipedConnection,
    options: Partial<ChannelOptions> = {},
    rest: readonly Uint8Array[] = [],
  ) {
    this.kernel = kernel;
    this.connection = connection;
    const all = { ...channelOptions, ...options };
    this.channel = new NodeChannel(kernel.kernel, connection, rest, all, {
      envelope: (envelope) => {
        this.envelopes.push(envelope);
        this.onEnvelope(envelope);
      },
      unsent: (envelope, error) => this.unsent.push({ envelope, error }),
      closed: (reason, orderly) => this.ends.push([reason, orderly]),
    });
  }
}

/** Two nodes that are connected, under one clock. */
export interface ChannelPair {
  readonly clock: ManualClock;
  readonly one: ChannelEnd;
  readonly two: ChannelEnd;
  /** Lets what is ready happen, at this time. */
  settle(): Promise<void>;
  /** Lets milliseconds pass, one due time after the other. */
  advance(ms: number): Promise<void>;
}

/** Makes two nodes that are connected. */
export async function channelPair(options: Partial<ChannelOptions> = {}): Promise<ChannelPair> {
  const clock = new ManualClock();
  const steps = new StepScheduler(1);
  const [oneSide, twoSide] = PipedConnection.pair(clock);
  const kernelOf = (nodeName: string): TestKernel => testKernel({ clock, steps, nodeName });
  const one = new ChannelEnd(kernelOf("one@h:1"), oneSide, options);
  const two = new ChannelEnd(kernelOf("two@h:1"), twoSide, options);
  await one.kernel.settle();
  return {
    clock,
    one,
    two,
    settle: () => one.kernel.settle(),
    advance: (ms) => one.kernel.advance(ms),
  };
}
