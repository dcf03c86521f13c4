/** One pool at one moment; the counts are since its start. */
export interface PoolStatus {
  readonly name: string;
  /** Threads that live or start. */
  readonly threads: number;
  readonly maxThreads: number;
  /** Calls that have a thread. */
  readonly busy: number;
  /** Calls that wait for one. */
  readonly queued: number;
  readonly maxQueue: number;
  /** Calls that were answered, with a result or a ServiceError. */
  readonly completed: number;
  /** Calls that threw, or whose thread died. */
  readonly failed: number;
  /** Calls refused because too many waited. */
  readonly rejected: number;
  /** Calls that lost their thread because they did not end when they should. */
  readonly killed: number;
  /** Share of the time of all threads that calls have had, 0 to 1. */
  readonly utilization: number;
}
