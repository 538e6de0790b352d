import type { ConfigDifference, SettingValue } from '../../contract/configuration.ts';
import type { PredictedEffect, TrialDetail, TrialHead, TrialMoment, TrialStatement } from '../../contract/tuning.ts';
import type { JsonValue, Trial, TrialNote } from '../../storage/ports.ts';
import type { ConfigurationTrialChange } from '../../tune/configuration-trial-actuator.ts';
import type { IndexDefinition } from '../../tune/index-actuator.ts';
import { aboutOf, type TrialAbout, type TrialPrediction } from '../../tune/trial-about.ts';
import type { TrialSample } from '../../tune/trial-judgement.ts';
import type { ValuesChange } from '../../tune/values-actuator.ts';

/** How a service calls its users; null: it has not said. */
export type UserName = (service: string, id: string) => string | null;

/** A trial as lists show it. */
export function headOfTrial(trial: Trial, userName: UserName): TrialHead {
  const { id, service, kind, subject, author, origin, state, reason, at, updatedAt } = trial;
  const about = aboutOf(trial);
  const judgement = about?.judgement ?? null;
  return {
    id,
    service,
    kind,
    category: about?.category ?? null,
    subject,
    author,
    authorName: userName(service, author),
    origin,
    state,
    reason: withNames(reason, service, userName),
    at,
    updatedAt,
    appliedAt: about?.appliedAt ?? null,
    endedAt: about?.endedAt ?? null,
    predicted: about?.predicted == null ? null : predictedOf(about.predicted),
    measured:
      judgement === null
        ? null
        : {
            verdict: judgement.verdict,
            effect: judgement.effect,
            low: judgement.interval[0],
            high: judgement.interval[1],
            evidence: judgement.evidence,
          },
  };
}

/** One trial with everything that is known of it. */
export function detailOf(
  trial: Trial,
  notes: readonly TrialNote[],
  buildProgress: number | null,
  userName: UserName,
): TrialDetail {
  const about = aboutOf(trial);
  return {
    ...headOfTrial(trial, userName),
    database: about?.database ?? null,
    recommendation: about?.recommendation ?? null,
    change: statementsOf(trial.kind, trial.change),
    undo: statementsOf(trial.kind, trial.undo, true),
    statements: about === null ? [] : rowsOf(about),
    canary: about?.canary ?? null,
    guards: about?.guards ?? [],
    steps: notes.flatMap(({ kind, at, detail }) =>
      kind === 'step' && typeof detail === 'string' ? [{ at, text: withNames(detail, trial.service, userName) }] : [],
    ),
    moments: about === null ? [] : notes.flatMap((note) => momentOf(note, about)),
    buildProgress,
  };
}

/** The journal holds ids, which stay; people read names, which change. */
function withNames(text: string, service: string, userName: UserName): string {
  return text.replaceAll(/\bby ([\w.:@-]*\w)/g, (whole, id: string) => {
    const name = userName(service, id);
    return name === null ? whole : `by ${name}`;
  });
}

function predictedOf({ effect, low, high, savedMsPerHour, learntFrom }: TrialPrediction): PredictedEffect {
  return { effect, low, high, savedMsPerHour, learntFrom };
}

/** What an order does, as lines for people; the actuator of its kind wrote it. */
function statementsOf(kind: string, plan: JsonValue, isUndo = false): readonly string[] {
  if (plan === null) return [];
  if (kind === 'server-settings' || kind === 'table-options') return valueLines(plan as unknown as ValuesPlan); // of this kind
  if (kind === 'configuration-trial') {
    // Written by describe() and plan() of this kind.
    const { differences, promotion } = plan as unknown as Pick<ConfigurationTrialChange, 'differences' | 'promotion'>;
    const lines = (of: readonly ConfigDifference[], where: string): readonly string[] =>
      of.map(({ key, instance, before, after }) => {
        const sides = [valueText(before), valueText(after)];
        const place = instance === undefined ? where : ` of ${instance}`;
        return `${key}${place}: ${(isUndo ? sides.toReversed() : sides).join(' to ')}`;
      });
    return [
      ...lines(differences, ''),
      ...lines(promotion ?? [], isUndo ? ' of all, once they have it' : ' of all, when it is kept'),
    ];
  }
  if (kind !== 'indexes') return [JSON.stringify(plan)];
  // Written by describe() and plan() of this kind.
  const { create, drop } = plan as unknown as { create: readonly IndexDefinition[]; drop: readonly IndexDefinition[] };
  return [
    ...create.map(({ ddl }) => `${ddl};`),
    ...drop.map(({ schema, name }) => `DROP INDEX CONCURRENTLY "${schema}"."${name}";`),
  ];
}

type ValuesPlan = Pick<ValuesChange, 'place' | 'values'>;

function valueLines({ place, values }: ValuesPlan): readonly string[] {
  if (place.kind === 'table') {
    const set = values.map(({ name, value }) => (value === null ? `RESET (${name})` : `SET (${name} = ${value})`));
    return [`ALTER TABLE "${place.schema}"."${place.table}" ${set.join(', ')};`];
  }
  const owner = place.kind === 'system' ? 'SYSTEM' : `${place.kind.toUpperCase()} ...`;
  const lines = values.map(
    ({ name, value }) => `ALTER ${owner} ${value === null ? `RESET ${name}` : `SET ${name} = '${value}'`};`,
  );
  return place.kind === 'system' ? [...lines, 'SELECT pg_reload_conf();'] : lines;
}

function valueText(value: SettingValue | undefined): string {
  return value === undefined ? 'what it was without' : JSON.stringify(value);
}

function rowsOf({ judgement, texts, spreads = {} }: TrialAbout): readonly TrialStatement[] {
  return (judgement?.statements ?? []).map(({ statement, time, verdict, ...rest }) => ({
    text: texts[statement] ?? statement,
    verdict,
    callsBefore: rest.callsBefore,
    callsAfter: rest.callsAfter,
    meanMsBefore: rest.meanMsBefore,
    meanMsAfter: rest.meanMsAfter,
    buffersBefore: rest.buffersBefore,
    buffersAfter: rest.buffersAfter,
    effect: time.effect,
    low: time.interval[0],
    high: time.interval[1],
    evidence: time.evidence,
    spreadBefore: spreads[statement]?.before ?? null,
    spreadAfter: spreads[statement]?.after ?? null,
  }));
}

function momentOf({ kind, detail }: TrialNote, { question }: TrialAbout): readonly TrialMoment[] {
  if (kind === 'step') return [];
  const { at, durationMs, statements } = detail as unknown as TrialSample; // the runner wrote it
  let [calls, totalMs] = [0, 0];
  for (const id of question.affected) {
    calls += statements[id]?.calls ?? 0;
    totalMs += statements[id]?.totalMs ?? 0;
  }
  return [
    { at: new Date(at).toISOString(), phase: kind, durationMs, calls, meanMs: calls === 0 ? null : totalMs / calls },
  ];
}
