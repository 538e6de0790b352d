#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { AutopilotError, toldOf } from '../kernel/errors.ts';
import { nearestName } from '../kernel/nearest-name.ts';
import { type Command, commandHelp, exitCodes, readArguments, type Terminal, table, UsageError } from './command.ts';
import { benchmark } from './commands/benchmark.ts';
import { config } from './commands/config.ts';
import { db } from './commands/db.ts';
import { load } from './commands/load.ts';
import { serve } from './commands/serve.ts';
import { token } from './commands/token.ts';
import { tune } from './commands/tune.ts';

const commands: Readonly<Record<string, Command>> = { serve, config, db, tune, load, benchmark, token };

function help(): string {
  return [
    'autopilot <command> [flags]',
    '',
    ...table(Object.entries(commands).map(([name, { summary }]) => [name, summary])),
    '',
    ...table([
      ['<command> --help', 'what a command does and takes'],
      ['--version', 'the version of this program'],
    ]),
    '',
    'Exit codes: 0 ok, 1 failed, 2 used wrongly, 3 could not reach what it needs.',
  ].join('\n');
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal.out(help());
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  if (name === '--version') {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    terminal.out((JSON.parse(text) as { version: string }).version); // npm requires a package to have one
    return exitCodes.ok;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const nearest = nearestName(name, Object.keys(commands));
    throw new UsageError(
      `There is no command ${JSON.stringify(name)}.`,
      nearest === null ? 'See autopilot --help for those there are.' : `"${nearest}" was probably meant.`,
    );
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(commandHelp(name, command));
    return exitCodes.ok;
  }
  const { values, operands } = readArguments(command, rest, terminal.environment);
  return await command.run(values, terminal, operands);
}

const terminal: Terminal = {
  environment: process.env,
  out: (line) => console.log(line),
  error: (line) => console.error(line),
  ...(process.stderr.isTTY
    ? { status: (line: string) => void process.stderr.write(`\r\u001B[K${line.slice(0, process.stderr.columns - 1)}`) }
    : {}),
};

try {
  process.exitCode = await run(process.argv.slice(2), terminal);
} catch (error) {
  const isOurFault = error instanceof Error && !(error instanceof AutopilotError);
  terminal.error(`autopilot: ${isOurFault ? error.stack : toldOf(error)}`);
  process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}
