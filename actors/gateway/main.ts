import { attachPrompt, CommandError, parseWords, requestCommand, TroupeError } from "#runtime";
import { type Action, encodeHelp, parseAction } from "./cli.ts";
import { gatewayCommands } from "./commands.ts";
import { type ConfigSources, readConfig, readSocketPath } from "./config.ts";
import { ConfigError, clientFlags, type Settings, startFlags } from "./config-flags.ts";
import { encodeFailure } from "./remedy.ts";
import { serve } from "./serve.ts";
import { troupeVersion } from "./version.ts";

/**
 * Does what a command line says. What a user can mend ends in one line on stderr and exit code 1;
 * anything else is thrown.
 */
export async function main(argv: string[]): Promise<void> {
  try {
    await run(parseAction(argv, listedCommands));
  } catch (error) {
    const isTold =
      error instanceof ConfigError || error instanceof CommandError || error instanceof TroupeError;
    if (!isTold) throw error;
    process.stderr.write(`troupe: ${encodeFailure(error)}\n`);
    // Whatever has been started and has not stopped must not keep the process.
    process.exit(1);
  }
}

/** For their names and descriptions: they are carried out where the gateway is. */
const listedCommands = gatewayCommands(() => {
  throw new CommandError("there is no gateway in this process");
});

async function run(action: Action): Promise<void> {
  switch (action.kind) {
    case "start": {
      const config = await readConfig(sourcesOf(action.flags), startFlags);
      await serve(config, process.env);
      break;
    }
    case "repl": {
      const path = await readSocketPath(sourcesOf(action.flags), clientFlags);
      await attachPrompt(path, process.stdin, process.stdout);
      break;
    }
    case "command":
      await request(action);
      break;
    case "help":
      process.stdout.write(`${encodeHelp(listedCommands, action.command)}\n`);
      break;
    case "version":
      process.stdout.write(`troupe ${troupeVersion}\n`);
  }
}

async function request(action: Extract<Action, { kind: "command" }>): Promise<void> {
  const { name, words, json, flags } = action;
  const args = parseWords(listedCommands.get(name), words, process.cwd());
  const path = await readSocketPath(sourcesOf(flags), clientFlags);
  const answer = await requestCommand(path, name, args);
  if (!answer.ok) throw new CommandError(answer.error);
  process.stdout.write(`${json ? JSON.stringify(answer.value) : answer.text}\n`);
  // A call that failed, or a config that is not valid, is a command that failed, for scripts.
  if (isFailure(answer.value)) process.exitCode = 1;
}

function isFailure(value: unknown): boolean {
  const { success, valid } = Object(value) as {
    readonly success?: unknown;
    readonly valid?: unknown;
  };
  return success === false || valid === false;
}

function sourcesOf(flags: Settings): ConfigSources {
  return { flags, environment: process.env, folder: process.cwd() };
}
