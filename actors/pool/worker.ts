/** The entry module of the pools' threads. */
import { handlerScope, poolEntry, ReplyError, systemClock } from "#runtime";
import {
  type CallScope,
  encodeRequestInfo,
  importFunctions,
  type ServiceFunction,
} from "../service/index.ts";
import { guardedFrom } from "../streams/index.ts";
import type { Job } from "./job.ts";
import { JobChannel } from "./job-channel.ts";
import { JobContext } from "./job-context.ts";
import { JobStream } from "./job-stream.ts";

/** What a task of the pools is. */
export const runTask: ReturnType<typeof poolEntry> = poolEntry(async (payload, task) => {
  const job = payload as Job;
  const channel = new JobChannel(task);
  const { handler, requestInfo } = await findFunction(job, channel);
  const call = (stream: JobStream | null): unknown => {
    const signal =
      stream?.signal ?? guardedFrom(task.signal, channel.report("an abort listener failed"));
    const context = new JobContext(job, channel, signal, systemClock, stream);
    const { requestId } = job.info;
    const scope: CallScope = { actorId: 0, requestId, caller: context };
    if (!requestInfo) return handlerScope.run(scope, handler, ...job.args, context);
    const info = encodeRequestInfo(job.info, stream?.outgoing ?? null);
    return handlerScope.run(scope, handler, ...job.args, context, info);
  };
  if (job.window === null) return call(null);
  const stream = new JobStream(job, job.window, task, channel, systemClock);
  return stream.run(() => call(stream), requestInfo);
});

async function findFunction(
  { url, service, method }: Job,
  channel: JobChannel,
): Promise<ServiceFunction> {
  let functions: Awaited<ReturnType<typeof importFunctions>>;
  try {
    functions = await importFunctions(url);
  } catch (error) {
    // Its file is not any more what the service was loaded from; where it lies is for the log.
    channel.report("service not loaded on a thread of the pool")(error);
    throw new ReplyError("unavailable", `service ${service} could not be loaded`);
  }
  const found = functions.get(method);
  if (found !== undefined) return found;
  const message = `service ${service} has no function ${method} that a pool can run`;
  throw new ReplyError("unavailable", message);
}
