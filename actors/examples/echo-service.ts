import Type from "typebox";
import { defineService, type ServiceDefinition } from "../service/index.ts";

/** An instance on each thread: no call has to leave the thread of its socket. */
const service: ServiceDefinition = defineService(
  "echo_service",
  {
    echo: {
      args: Type.Object({ message: Type.String({ maxLength: 65_536 }) }),
      handler: ({ message }) => message,
    },
  },
  { instances: "per-thread" },
);

export default service;
