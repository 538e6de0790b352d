import type { ConfigInstance, ConfigInstanceList } from '@teamflow/autopilot/contract';

/** How an instance stands with the configuration. */
export interface Standing {
  readonly tone: 'ok' | 'warn' | 'bad' | 'none';
  readonly words: string;
  readonly detail: string | null;
}

/** The same in words; `newest` is the version that it should run. */
export function standingOf(one: ConfigInstance, newest: number): Standing {
  const { state, version, current, safeMode, pendingRestart, error } = one;
  const of = version === null ? 'no version known' : version === 0 ? 'no version yet' : `version ${version}`;
  if (state === 'gone') return { tone: 'none', words: 'gone', detail: version === null ? null : `ran ${of}` };
  if (safeMode) return { tone: 'warn', words: 'safe mode', detail: 'It runs with the defaults alone.' };
  if (error !== null) return { tone: 'bad', words: of, detail: error };
  if (!current) {
    const waits = state === 'stalled' ? 'It does not answer at present.' : `It has not taken version ${newest} yet.`;
    return { tone: 'warn', words: of, detail: waits };
  }
  const restart = pendingRestart.length === 0 ? null : `Waits for a restart: ${pendingRestart.join(', ')}`;
  return { tone: restart === null ? 'ok' : 'warn', words: of, detail: restart };
}

/** Live instances that run a version, or a later one, of all that are live. */
export function progressOf(
  list: ConfigInstanceList | undefined,
  version: number,
): { readonly done: number; readonly all: number } {
  const live = (list?.instances ?? []).filter(({ state }) => state !== 'gone');
  return { done: live.filter((one) => runs(one, version)).length, all: live.length };
}

function runs(instance: ConfigInstance, version: number): boolean {
  return instance.current && instance.version !== null && instance.version >= version;
}
