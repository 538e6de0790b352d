import { ApiError, type Client, createClient } from '../client.ts';
import { messageOf } from '../kernel/errors.ts';
import { exitCodes, type Flag, type Terminal } from './command.ts';

/** The flag of every command that asks a control plane. */
export const urlFlag: Flag = {
  value: 'address',
  description: 'The control plane; default http://127.0.0.1:3001',
  environment: 'AUTOPILOT_URL',
};

/**
 * Asks the control plane at `url` with the token in AUTOPILOT_TOKEN. A refusal, or no answer, is told with its remedy.
 * @returns the exit code
 */
export async function askControlPlane(
  url: string | undefined,
  terminal: Terminal,
  ask: (client: Client) => Promise<number>,
): Promise<number> {
  const token = terminal.environment['AUTOPILOT_TOKEN'] || null;
  const baseUrl = url ?? 'http://127.0.0.1:3001';
  try {
    return await ask(createClient({ baseUrl, token: () => token }));
  } catch (error) {
    if (error instanceof ApiError) {
      const { detail, remedy, code } = error.problem;
      terminal.error(`autopilot: ${detail} (${code})${remedy === undefined ? '' : ` ${remedy}`}`);
      return exitCodes.failed;
    }
    // Without an answer fetch rejects with a TypeError.
    if (!(error instanceof TypeError)) throw error;
    const cause = error.cause instanceof Error ? error.cause.message : messageOf(error);
    terminal.error(`autopilot: ${baseUrl} does not answer: ${cause}. Check --url, or start the control plane.`);
    return exitCodes.unreachable;
  }
}
