import { parseArgs } from 'node:util';
import { AutopilotError } from '../kernel/errors.ts';
import { nearestName } from '../kernel/nearest-name.ts';

/** Exit codes of the command line, the same for every command. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;

/** One flag of a command, declared once: it is parsed, checked and explained by this. */
export interface Flag {
  /** Shown in the help for its value: "number"; null: it takes none, and is said or not. */
  readonly value: string | null;
  readonly description: string;
  /** The environment variable that says the same; the flag wins. */
  readonly environment?: string;
}

/** Where a command reads from and writes to. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (line: string) => void;
  readonly error: (line: string) => void;
  /** Shows a line in the place of the one before, '' none; absent: lines stay where they were written. */
  readonly status?: (line: string) => void;
}

/** A command of the command line. */
export interface Command {
  readonly summary: string;
  /** Paragraphs of its help. */
  readonly description: readonly string[];
  /** What it takes beside flags, for its help: "<what> [key]"; absent: nothing. */
  readonly operands?: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** `values` has what flags (a flag without a value: 'true') or their environment variables say; resolves to the exit code. */
  readonly run: (
    values: Readonly<Record<string, string | undefined>>,
    terminal: Terminal,
    operands: readonly string[],
  ) => Promise<number>;
}

/** A command that can't be run as it was written: exit code 2. */
export class UsageError extends AutopilotError {
  constructor(message: string, remedy: string) {
    super('AP_USAGE', message, { remedy });
  }
}

/** How a command was written. */
export interface Written {
  /** What flags and environment say, flags first. */
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly operands: readonly string[];
}

/** Reads how a command was written. @throws UsageError */
export function readArguments(
  command: Command,
  args: readonly string[],
  environment: Terminal['environment'],
): Written {
  const { given, operands } = parsed(command, args);
  const values = Object.fromEntries(
    Object.entries(command.flags).map(([name, flag]) => {
      const fromEnvironment = flag.environment === undefined ? undefined : environment[flag.environment];
      // A variable that is set to nothing is as good as not set.
      return [name, given[name] ?? (fromEnvironment === '' ? undefined : fromEnvironment)];
    }),
  );
  return { values, operands };
}

function parsed(
  command: Command,
  args: readonly string[],
): { readonly given: Written['values']; readonly operands: readonly string[] } {
  const names = Object.keys(command.flags);
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, { value }]) => [
      name,
      { type: value === null ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const unknown = args.find((arg) => arg.startsWith('-') && !names.includes(nameOf(arg)));
  if (unknown !== undefined) {
    const nearest = nearestName(nameOf(unknown), names);
    throw new UsageError(
      `${unknown} is not a flag of this command.`,
      nearest === null ? 'See --help for the flags it takes.' : `--${nearest} was probably meant.`,
    );
  }
  try {
    const allowPositionals = command.operands !== undefined;
    const { values, positionals } = parseArgs({ args: [...args], options, strict: true, allowPositionals });
    const given = Object.entries(values).map(([name, value]) => [
      name,
      value === undefined ? undefined : String(value),
    ]);
    return { given: Object.fromEntries(given) as Written['values'], operands: positionals }; // names with texts, as made above
  } catch (error) {
    throw new UsageError(
      error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error),
      'See --help for what this command takes.',
    );
  }
}

function nameOf(arg: string): string {
  return arg.replace(/^-+/, '').split('=')[0] ?? '';
}

/** The help of one command, made from what it declares. */
export function commandHelp(name: string, { summary, description, operands, flags }: Command): string {
  const rows = Object.entries(flags).map(([flag, { value, description: what, environment }]) => [
    value === null ? `--${flag}` : `--${flag} <${value}>`,
    environment === undefined ? what : `${what} [${environment}]`,
  ]);
  rows.push(['--help', 'This text']);
  return [
    `autopilot ${name}: ${summary}`,
    '',
    ...(operands === undefined ? [] : [`autopilot ${name} ${operands} [flags]`, '']),
    ...description.flatMap((paragraph) => [paragraph, '']),
    ...table(rows),
  ].join('\n');
}

/** Two columns, the first as wide as its longest entry. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left = '']) => left.length));
  return rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}`);
}
