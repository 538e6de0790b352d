import { writeFile } from 'node:fs/promises';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import { recordPlan } from '../../load/record-plan.ts';
import { askControlPlane } from '../ask-control-plane.ts';
import { exitCodes, type Terminal, UsageError } from '../command.ts';

/** The most routes that one answer has. */
const MOST_ROUTES = 200;
const FEWEST_STEP_MS = 1000;
/** A shape is recorded in about so many steps. */
const STEPS = 60;

/** `autopilot load record`: a plan of what a control plane has observed. */
export async function record(
  values: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<number> {
  const { out, service, target = 'http://127.0.0.1:3000' } = values;
  const minutes = Number(values['minutes'] ?? '15');
  if (!(minutes >= 1 && minutes <= 100 * 24 * 60)) {
    throw new UsageError(`--minutes is ${JSON.stringify(values['minutes'])}.`, 'It is a number from 1 to 144000.');
  }
  const known = valuesOf(values['values']);
  return await askControlPlane(values['url'], terminal, async (client) => {
    const to = Math.floor(Date.now() / 1000) * 1000;
    const range = { from: new Date(to - minutes * 60_000).toISOString(), to: new Date(to).toISOString() };
    const about = service === undefined ? {} : { service };
    const list = await client.listRoutes({ ...about, ...range, sort: 'requests', limit: MOST_ROUTES });
    const step = Math.max(FEWEST_STEP_MS, Math.ceil((minutes * 60_000) / STEPS / 1000) * 1000);
    const { frame } = await client.getMetrics({ ...about, ...range, kind: 'route', measure: ['requestRate'], step });
    const recorded = recordPlan({
      name: `${list.service} as observed`,
      target,
      routes: list.routes.map(({ route, requests }) => ({ route, requests })),
      ratesPerSecond: frame.columns['requestRate'] ?? [],
      stepMs: frame.stepMs,
      values: known,
    });
    if (recorded === null) {
      terminal.error(
        `Of ${list.service} nothing was observed in ${minutes} minutes that can be replayed: reads whose parameters are known (--values).`,
      );
      return exitCodes.failed;
    }
    if (out === undefined) terminal.out(recorded.text);
    else {
      try {
        await writeFile(out, recorded.text);
      } catch (cause) {
        throw new AutopilotError('AP_FILE_UNWRITABLE', `${out} can't be written: ${messageOf(cause)}.`, { cause });
      }
      terminal.out(`${out}: ${recorded.plan.flows.length} routes; ${recorded.leftOut.length} left out, see its head.`);
    }
    return exitCodes.ok;
  });
}

/** "taskId=1,2; projectId=7" */
function valuesOf(text: string | undefined): Readonly<Record<string, readonly string[]>> {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(';').map((part) => {
      const [name = '', listed] = part.trim().split('=', 2);
      if (listed === undefined || name === '') {
        throw new UsageError(
          `--values: ${JSON.stringify(part)} names no values.`,
          'Write: --values "taskId=1,2; projectId=7"',
        );
      }
      return [name, listed.split(',').map((value) => value.trim())];
    }),
  );
}
