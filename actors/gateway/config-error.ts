/** A command line, an environment or a file that cannot be obeyed; the message is one line. */
export class ConfigError extends Error {
  override readonly name: string = "ConfigError";
}
