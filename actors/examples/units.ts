/** A plain module: functions.json makes functions of it, without a line of this project here. */

/** With the predefined arguments of its FunConfig before those of the client. */
export function scale(factor: number, offset: number, value: number): number {
  return value * factor + offset;
}

/** Takes its arguments as one object. */
export function describe({
  value,
  unit,
}: {
  readonly value: number;
  readonly unit: string;
}): string {
  return `${value} ${unit}`;
}
