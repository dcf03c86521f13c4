export { type ArgumentsOutcome, compileArguments } from "./arguments.ts";
