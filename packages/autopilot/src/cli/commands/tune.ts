import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../client.ts';
import {
  type AutoTuneAnswer,
  type PredictedEffect,
  type TrialHead,
  type TuningCategory,
  tuningCategories,
} from '../../contract/tuning.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import { askControlPlane, urlFlag } from '../ask-control-plane.ts';
import { type Command, exitCodes, type Terminal, UsageError } from '../command.ts';
import { textTable } from '../text-table.ts';

type Values = Readonly<Record<string, string | undefined>>;
type Use = (client: Client, operands: readonly string[], values: Values, terminal: Terminal) => Promise<number>;

const FOLLOW_EVERY_MS = 2_000;

const uses: Readonly<Record<string, Use>> = {
  plan: async (client, _operands, values, terminal) => {
    // Working it out first takes seconds, and is what somebody who asks this way wants.
    await client.listRecommendations({ ...scopeOf(values), fresh: true });
    const answer = await client.autoTune({ mode: 'plan', ...orderOf(values) }, scopeOf(values));
    return told(answer, values, terminal);
  },
  apply: async (client, [id], values, terminal) => {
    if (id !== undefined) {
      const trial = await client.applyRecommendation(id, serviceOf(values));
      terminal.out(`Trial ${trial.id}: ${trial.subject}. ${trial.reason}`);
      return values['follow'] === 'true' ? await follow(client, trial.id, terminal) : exitCodes.ok;
    }
    await client.listRecommendations({ ...scopeOf(values), fresh: true });
    const answer = await client.autoTune({ mode: 'apply', ...orderOf(values) }, scopeOf(values));
    const code = told(answer, values, terminal);
    const begun = answer.steps.find(({ trial }) => trial !== null)?.trial ?? null;
    return values['follow'] === 'true' && begun !== null ? await follow(client, begun, terminal) : code;
  },
  status: async (client, [id], values, { out }) => {
    if (id !== undefined) {
      const trial = await client.getTrial(id);
      if (values['json'] === 'true') {
        out(JSON.stringify(trial));
        return exitCodes.ok;
      }
      for (const line of headLines(trial)) out(line);
      for (const line of trial.change) out(`  ${line}`);
      for (const { at, text } of trial.steps) out(`${at}  ${text}`);
      for (const { text, verdict, meanMsBefore, meanMsAfter } of trial.statements) {
        out(`  ${verdict}: ${ms(meanMsBefore)} -> ${ms(meanMsAfter)}  ${text.slice(0, 120)}`);
      }
      return exitCodes.ok;
    }
    const { trials, calibration, stopped } = await client.listTrials({ ...scopeOf(values), limit: 20 });
    if (values['json'] === 'true') {
      out(JSON.stringify({ trials, calibration, stopped }));
      return exitCodes.ok;
    }
    if (stopped !== null) out(`The autopilot changes nothing by itself: ${stopped}`);
    if (trials.length === 0) {
      out('Nothing has been changed yet.');
      return exitCodes.ok;
    }
    for (const line of textTable(trials, [
      { head: 'trial', of: (one) => one.id },
      { head: 'state', of: (one) => one.state },
      { head: 'what', of: (one) => one.subject, most: 50 },
      { head: 'predicted', of: ({ predicted }) => effectText(predicted), right: true },
      { head: 'measured', of: ({ measured }) => (measured === null ? '-' : percentOf(measured.effect)), right: true },
      { head: 'by', of: (one) => one.authorName ?? one.author, most: 20 },
      { head: 'since', of: (one) => one.at },
    ])) {
      out(line);
    }
    out(`${calibration.within} of ${calibration.trials} measured effects were within their predicted interval.`);
    for (const { category, trials: of, within, nextFactor, nextBias } of calibration.categories) {
      out(
        `  ${category}: ${within} of ${of}; the next prediction is multiplied by ${nextBias.toFixed(2)}, its interval is ${nextFactor.toFixed(2)} times less to more.`,
      );
    }
    return exitCodes.ok;
  },
  revert: async (client, [id], _values, { out }) => {
    if (id === undefined) throw new UsageError('revert needs the id of a trial.', 'See: autopilot tune status');
    const trial = await client.revertTrial(id);
    out(`${trial.subject}: ${trial.state}. ${trial.reason}`);
    return exitCodes.ok;
  },
  stop: async (client, _operands, values, { out }) => {
    const { version } = await client.getConfig(serviceOf(values));
    await client.patchConfig(
      { optimization: { stopped: true } },
      { ...serviceOf(values), ifVersion: version, note: 'autopilot tune stop' },
    );
    out('The autopilot changes nothing by itself any more (optimization.stopped is on).');
    const { trials } = await client.listTrials({ ...serviceOf(values), limit: 200 });
    const open = trials.filter(({ category, state }) => category !== null && isOpen(state));
    if (values['revert'] !== 'true') {
      for (const { id, subject, state } of open) out(`Goes on: ${id} (${subject}, ${state})`);
      return exitCodes.ok;
    }
    for (const { id } of open) {
      const { subject, state } = await client.revertTrial(id);
      out(`${subject}: ${state}`);
    }
    return exitCodes.ok;
  },
};

/** `autopilot tune`: what could be changed, and the trials of it, through a control plane. */
export const tune: Command = {
  summary: 'plan, try and take back changes',
  description: [
    '  plan                        works out what is recommended and says what each guard thinks; changes nothing\n  apply [recommendation]      begins a trial of it; without one, of the best that the guards let in\n  status [trial]              the trials, or one with its steps\n  revert trial                ends a trial and takes back what it changed, one that was kept too\n  stop                        the kill switch: nothing that nobody asked for; --revert takes back open trials',
    'It needs a token with the scope operate, for stop admin, by the environment alone: AUTOPILOT_TOKEN.\nExit codes: 0 ok, 1 refused or nothing to be done, 2 used wrongly, 3 the control plane does not answer.',
  ],
  operands: `<${Object.keys(uses).join('|')}> ...`,
  flags: {
    url: urlFlag,
    service: { value: 'name', description: 'Of a control plane of several services; default: its first' },
    database: { value: 'name', description: 'Of plan, apply and status: only this watched database' },
    changes: { value: 'number', description: 'Of plan and apply: most changes at a time; default 1' },
    category: { value: tuningCategories.join('|'), description: 'Of plan and apply: only this' },
    follow: { value: null, description: 'Of apply: waits for the end of the trial; exit code 1 when it is taken back' },
    revert: { value: null, description: 'Of stop: takes back what is open' },
    json: { value: null, description: 'Of plan, apply and status: the answer as JSON' },
  },
  run: async (values, terminal, [name, ...operands]) => {
    const use = name !== undefined && Object.hasOwn(uses, name) ? uses[name] : undefined;
    if (use === undefined) {
      const nearest = name === undefined ? null : nearestName(name, Object.keys(uses));
      throw new UsageError(
        name === undefined ? 'It is not said what to do.' : `${JSON.stringify(name)} is nothing that can be done.`,
        nearest === null ? `Write one of ${Object.keys(uses).join(', ')}.` : `"${nearest}" was probably meant.`,
      );
    }
    return await askControlPlane(values['url'], terminal, (client) => use(client, operands, values, terminal));
  },
};

function serviceOf({ service }: Values): { readonly service?: string } {
  return service === undefined ? {} : { service };
}

function scopeOf(values: Values): { readonly service?: string; readonly database?: string } {
  const { database } = values;
  return { ...serviceOf(values), ...(database === undefined ? {} : { database }) };
}

function orderOf({ changes, category }: Values): {
  readonly maxChanges?: number;
  readonly categories?: readonly TuningCategory[];
} {
  const maxChanges = changes === undefined ? undefined : Number(changes);
  if (maxChanges !== undefined && !(Number.isInteger(maxChanges) && maxChanges >= 1 && maxChanges <= 20)) {
    throw new UsageError(`--changes is ${JSON.stringify(changes)}.`, 'It is a number from 1 to 20.');
  }
  const known = tuningCategories.find((one) => one === category);
  if (category !== undefined && known === undefined) {
    throw new UsageError(`${JSON.stringify(category)} is no category.`, `It is ${tuningCategories.join(' or ')}.`);
  }
  return {
    ...(maxChanges === undefined ? {} : { maxChanges }),
    ...(known === undefined ? {} : { categories: [known] }),
  };
}

function told({ mode, steps, notes }: AutoTuneAnswer, values: Values, { out }: Terminal): number {
  const allowed = steps.some((step) => step.allowed);
  if (values['json'] === 'true') {
    out(JSON.stringify({ mode, steps, notes }));
    return allowed ? exitCodes.ok : exitCodes.failed;
  }
  if (steps.length === 0) out('There is nothing to be changed.');
  for (const { recommendation, subject, change, predicted, refusals, trial } of steps) {
    out(`${recommendation}  ${subject}: ${effectText(predicted)} of the time expected`);
    for (const line of change) out(`  ${line}`);
    if (trial !== null) out(`  begun: trial ${trial}`);
    else if (refusals.length === 0) out('  allowed');
    for (const refusal of refusals) out(`  not now: ${refusal}`);
  }
  for (const note of notes) out(note);
  return allowed || steps.length === 0 ? exitCodes.ok : exitCodes.failed;
}

/** Says each new step of a trial until it has ended. */
async function follow(client: Client, id: string, { out, status }: Terminal): Promise<number> {
  let said = 0;
  for (;;) {
    const trial = await client.getTrial(id);
    status?.('');
    for (const { at, text } of trial.steps.slice(said)) out(`${at}  ${text}`);
    said = trial.steps.length;
    if (!isOpen(trial.state)) {
      for (const line of headLines(trial)) out(line);
      return trial.state === 'kept' ? exitCodes.ok : exitCodes.failed;
    }
    status?.(`${trial.state}: ${trial.reason}`);
    await delay(FOLLOW_EVERY_MS);
  }
}

function headLines({ subject, state, reason, predicted, measured }: TrialHead): readonly string[] {
  return [
    `${subject}: ${state}`,
    reason,
    `predicted ${effectText(predicted)} of the time, measured ${percentOf(measured?.effect ?? null)}`,
  ];
}

function isOpen(state: TrialHead['state']): boolean {
  return state === 'proposed' || state === 'applying' || state === 'watching' || state === 'reverting';
}

function effectText(predicted: PredictedEffect | null): string {
  if (predicted === null) return '-';
  const { effect, low, high } = predicted;
  return `${percentOf(effect)} (${percentOf(low)} to ${percentOf(high)})`;
}

function percentOf(ratio: number | null): string {
  return ratio === null ? '-' : `${(100 * ratio).toFixed(ratio < 0.1 ? 1 : 0)} %`;
}

function ms(value: number | null): string {
  return value === null ? '-' : `${value.toFixed(2)} ms`;
}
