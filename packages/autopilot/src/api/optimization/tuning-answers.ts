import type { Job } from '../../contract/load-tests.ts';
import type { Principal } from '../../contract/principal.ts';
import type {
  AutoTuneOrder,
  Recommendation,
  RecommendationList,
  TrialDetail,
  TrialHead,
  TrialList,
} from '../../contract/tuning.ts';
import type { TuningOperationId } from '../../contract/tuning-operations.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { linkHeader, type Pager } from '../../page/page.ts';
import type { Journal, Trial } from '../../storage/ports.ts';
import { hasEnded } from '../../storage/trial-refusals.ts';
import { aboutOf } from '../../tune/trial-about.ts';
import type { TrialRunner } from '../../tune/trial-runner.ts';
import { patchOf } from '../config/content-patch.ts';
import { listPage } from '../database/list-page.ts';
import type { Answering } from '../handler.ts';
import { type JobSource, startedJob } from '../jobs.ts';
import { jsonOf } from '../request-body.ts';
import { jsonResponse } from '../responses.ts';
import type { ConfigurationTrials } from './configuration-trials.ts';
import { detailOf, headOfTrial, type UserName } from './trial-view.ts';
import type { TuningDesk } from './tuning-desk.ts';

/** What the calls about tuning are answered from. */
export interface TuningSources {
  readonly desk: TuningDesk;
  readonly settings: ConfigurationTrials;
  readonly runner: TrialRunner;
  readonly journal: Journal;
  readonly pager: Pager;
  /** Why the autopilot changes nothing by itself; null: it may. */
  readonly stopped: () => string | null;
  /** How far the build of a trial has got, 0 to 1; null: nothing is built. */
  readonly buildProgress: (trial: Trial) => Promise<number | null>;
  /** The service that a call is about. @throws AutopilotError AP_SERVICE_UNKNOWN */
  readonly serviceOf: (named: string | undefined) => string;
  readonly userName: UserName;
}

const PATH = '/api/v1/optimization/trials';
/** Trials that lists reach back. */
const MOST_TRIALS = 1_000;

/** Answers the calls about tuning. */
export function tuningAnswers(sources: TuningSources): Pick<Answering, TuningOperationId> {
  const { desk, settings, runner, journal, pager, stopped, buildProgress, serviceOf, userName } = sources;
  const headOf = (trial: Trial): TrialHead => headOfTrial(trial, userName);
  const started = (trial: Trial): Response => startedJob(headOf(trial), `${PATH}/${trial.id}`);
  const named = (service: string, one: Recommendation): Recommendation =>
    one.dismissal === null
      ? one
      : { ...one, dismissal: { ...one.dismissal, authorName: userName(service, one.dismissal.author) } };
  const found = async (id: string): Promise<Trial> => {
    const trial = await kept(() => journal.read(id));
    if (trial !== null) return trial;
    throw new AutopilotError('AP_TRIAL_UNKNOWN', `There is no trial ${JSON.stringify(id)}.`);
  };
  return {
    listRecommendations: async ({ query: { service: asked, database, fresh = false, limit, cursor }, url }) => {
      const service = serviceOf(asked);
      const { computedAt, computing, recommendations, notes } = await kept(() => desk.list(service, fresh, database));
      const rank = new Map(recommendations.map((one, at) => [one.id, recommendations.length - at]));
      const { items, page } = listPage(pager, recommendations, {
        cursor,
        limit,
        filter: ['recommendations', service, database ?? ''],
        valueOf: ({ id }: Recommendation) => rank.get(id) ?? 0,
        keyOf: ({ id }) => id,
      });
      const list: RecommendationList = {
        service,
        computedAt: computedAt === null ? null : new Date(computedAt).toISOString(),
        computing,
        recommendations: items.map((one) => named(service, one)),
        changes: recommendations.filter(({ verdict }) => verdict === 'change').length,
        notes,
        page,
      };
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
    applyRecommendation: async ({ params, query, principal }) =>
      started(
        await kept(() => desk.apply(serviceOf(query.service), String(params['id']), nameOf(principal), 'person')),
      ),
    dismissRecommendation: async ({ params, query, body, principal }) => {
      if (body === null) throw new TypeError('The operation takes a body.');
      const { reason } = jsonOf(body, body.declared) as { readonly reason: string }; // its shape was looked at
      if (reason.trim() === '') {
        throw new AutopilotError('AP_BODY_INVALID', 'The reason is empty.', {
          remedy: 'Say why, for whoever looks at this recommendation next.',
        });
      }
      const service = serviceOf(query.service);
      const id = String(params['id']);
      return jsonResponse(named(service, await kept(() => desk.dismiss(service, id, nameOf(principal), reason))));
    },
    autoTune: async ({ query, body, principal }) => {
      if (body === null) throw new TypeError('The operation takes a body.');
      const order = jsonOf(body, body.declared) as AutoTuneOrder; // its shape was looked at
      return jsonResponse(
        await kept(() => desk.autoTune(serviceOf(query.service), order, nameOf(principal), 'person', query.database)),
      );
    },
    trySettings: async ({ query, body, principal }) => {
      const { service: asked, instance = null, note = '', search } = query;
      if (search !== undefined) {
        return started(await kept(() => settings.search(serviceOf(asked), search, nameOf(principal), note)));
      }
      const revise = patchOf(body === null ? null : jsonOf(body, body.declared), instance);
      const proposal = {
        service: serviceOf(asked),
        ifVersion: null,
        author: nameOf(principal),
        note,
        cause: 'trial',
        revise,
      } as const;
      return started(await kept(() => settings.begin(proposal, instance)));
    },
    listTrials: async ({ query: { service: asked, database, limit, cursor }, url }) => {
      const service = serviceOf(asked);
      const all = await kept(() => journal.history(service, MOST_TRIALS));
      const trials = database === undefined ? all : all.filter((one) => aboutOf(one)?.database === database);
      const { items, page } = listPage(pager, trials, {
        cursor,
        limit,
        filter: ['trials', service, database ?? ''],
        valueOf: ({ at }: Trial) => Date.parse(at),
        keyOf: ({ id }) => id,
      });
      const calibration = await kept(() => desk.calibration(service));
      const heads: readonly TrialHead[] = items.map(headOf);
      const list: TrialList = { service, trials: heads, calibration, stopped: stopped(), page };
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
    getTrial: async ({ params }) => {
      const trial = await found(String(params['id']));
      const notes = await kept(() => journal.notes(trial.id, ['step', 'before', 'after']));
      // The server may be away; that is no reason to say nothing of the trial.
      const progress = await buildProgress(trial).catch(() => null);
      return jsonResponse(detailOf(trial, notes, progress, userName) satisfies TrialDetail);
    },
    revertTrial: async ({ params, principal }) => {
      const trial = await found(String(params['id']));
      await kept(() => runner.revert(trial, `Taken back by ${nameOf(principal)}.`));
      return jsonResponse(headOf(await found(trial.id)));
    },
  };
}

/** Trials as jobs; cancelling one takes it back. */
export function trialJobs({ desk, runner, journal, userName }: TuningSources): JobSource {
  return {
    find: async (id) => {
      const trial = await kept(() => journal.read(id));
      // The journal has orders of other kinds, too.
      return trial === null || aboutOf(trial) === null ? null : jobOf(trial, desk.progressOf(trial), userName);
    },
    cancel: async (id) => {
      const trial = await kept(() => journal.read(id));
      if (trial !== null) await kept(() => runner.revert(trial, 'Cancelled.'));
    },
  };
}

function jobOf(trial: Trial, progress: number, userName: UserName): Job {
  const { id, state, reason, at, endedAt } = headOfTrial(trial, userName);
  return {
    id,
    kind: 'trial',
    state: hasEnded(state) ? (state === 'refused' ? 'failed' : 'done') : 'running',
    progress,
    reason,
    startedAt: at,
    endedAt,
    result: `${PATH}/${id}`,
  };
}

function nameOf(principal: Principal | null): string {
  return principal?.id ?? 'nobody';
}

/** What goes wrong with the store is told as what it means here. */
async function kept<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof AutopilotError) || !error.code.startsWith('AP_STORE_')) throw error;
    throw new AutopilotError('AP_JOURNAL_UNAVAILABLE', error.message, {
      remedy: error.remedy ?? 'Try again later.',
      cause: error,
    });
  }
}
