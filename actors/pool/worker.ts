/** The entry module of the pools' threads. */
import { poolEntry, ReplyError, systemClock } from "#runtime";
import { guardedFrom } from "../execution/index.ts";
import { encodeRequestInfo, importFunctions, type ServiceFunction } from "../service/index.ts";
import type { Job } from "./job.ts";
import { JobChannel } from "./job-channel.ts";
import { JobContext } from "./job-context.ts";
import { JobStream } from "./job-stream.ts";

/** What a task of the pools is. */
export const runTask: ReturnType<typeof poolEntry> = poolEntry(async (payload, task) => {
  const job = payload as Job;
  const channel = new JobChannel(task);
  const { handler, requestInfo } = await findFunction(job);
  const call = (stream: JobStream | null): unknown => {
    const signal =
      stream?.signal ?? guardedFrom(task.signal, channel.report("an abort listener failed"));
    const context = new JobContext(job, channel, signal, systemClock, stream);
    if (!requestInfo) return handler(...job.args, context);
    return handler(...job.args, context, encodeRequestInfo(job.info, stream?.outgoing ?? null));
  };
  if (job.window === null) return call(null);
  const stream = new JobStream(job, job.window, task, channel, systemClock);
  return stream.run(() => call(stream), requestInfo);
});

async function findFunction({ url, service, method }: Job): Promise<ServiceFunction> {
  const found = (await importFunctions(url)).get(method);
  if (found !== undefined) return found;
  const message = `service ${service} has no function ${method} that a pool can run`;
  throw new ReplyError("unavailable", message);
}
