import assert from 'node:assert/strict';
import { ConfigKeeper } from '../../packages/autopilot/src/config/config-keeper.ts';
import { emptyContent } from '../../packages/autopilot/src/config/layers.ts';
import type { Journal, Trial } from '../../packages/autopilot/src/storage/ports.ts';
import { PostgresConfigStore } from '../../packages/autopilot/src/storage/postgres/postgres-config-store.ts';
import {
  ConfigurationTrialActuator,
  type ConfigurationTrialChange,
} from '../../packages/autopilot/src/tune/configuration-trial-actuator.ts';
import type { Orders } from '../../packages/autopilot/src/tune/orders.ts';

const KEY = 'compression.minBytes';
const VALUE = 4_096;
const INSTANCE = 'web-1';

/** A setting that one instance tries first, and all are given when it is kept. */
export const canaryTried: ConfigurationTrialChange = {
  kind: 'configuration-trial',
  service: 'orders',
  subject: KEY,
  author: 'ann',
  origin: 'person',
  differences: [{ key: KEY, layer: 'instance', instance: INSTANCE, after: VALUE }],
  promotion: [{ key: KEY, layer: 'fleet', after: VALUE }],
  note: '',
};

/** A trial of it as it is proposed. */
export function canaryTrial(id: string): Trial {
  const { service, kind, subject, author, origin, differences, promotion = [], note } = canaryTried;
  const change = JSON.parse(JSON.stringify({ differences, promotion, note })) as Trial['change']; // texts and numbers
  const head = { id, service, kind, subject, author, origin, state: 'proposed', reason: '', change } as const;
  const about = { canary: { instance: INSTANCE, others: 1, promotedAt: null } };
  return { ...head, undo: null, scope: 'configuration orders', about, at: '', updatedAt: '' };
}

/** Changes settings by the versions in a database. */
export function settingsActuator(url: string): {
  readonly keeper: ConfigKeeper;
  readonly actuator: ConfigurationTrialActuator;
  readonly close: () => Promise<void>;
} {
  const store = new PostgresConfigStore(url);
  const keeper = new ConfigKeeper({
    store,
    file: () => ({}),
    lastGood: () => null,
    onChange: () => {},
    onTrouble: () => {},
  });
  return { keeper, actuator: new ConfigurationTrialActuator(keeper), close: () => store.close() };
}

/** What was kept on the one is given to all. */
export async function promote(orders: Orders, trial: Trial): Promise<void> {
  const about = { canary: { instance: INSTANCE, others: 1, promotedAt: new Date().toISOString() } };
  const promoted: Trial = { ...trial, about };
  await orders.promote(promoted, { ...promoted, state: 'kept' });
}

/** What is set is what the journal says, wherever it was killed; nothing is set afterwards. Finishes a promotion that was begun. */
export async function canaryHolds(
  keeper: ConfigKeeper,
  journal: Journal,
  orders: Orders,
  round: number,
): Promise<void> {
  const found = async (): Promise<string> => {
    const { fleet, instances } = (await keeper.newest('orders'))?.content ?? emptyContent;
    return JSON.stringify([fleet[KEY] ?? null, instances[INSTANCE]?.[KEY] ?? null]);
  };
  const newest = async (): Promise<Trial | undefined> =>
    (await journal.history('orders', 1, { kind: 'configuration-trial' }))[0];
  const begun = await newest();
  const isPromoting = (begun?.about as { canary?: { promotedAt: string | null } } | null)?.canary?.promotedAt != null; // canaryTrial() wrote it
  if (begun?.state === 'watching' && isPromoting) await orders.promote(begun, { ...begun, state: 'kept' });
  const trial = await newest();
  const set = trial?.state === 'kept' ? [VALUE, null] : trial?.state === 'watching' ? [null, VALUE] : [null, null];
  assert.equal(
    await found(),
    JSON.stringify(set),
    `round ${round}: ${trial?.state ?? 'no trial'}, and all and the one have something else`,
  );
  if (trial?.state === 'proposed') await journal.write({ ...trial, state: 'reverted' }, 'proposed');
  else if (trial?.state === 'watching' || trial?.state === 'kept') await orders.revert(trial, 'Enough.');
  assert.equal(await found(), JSON.stringify([null, null]), `round ${round}: it is not taken back`);
}
