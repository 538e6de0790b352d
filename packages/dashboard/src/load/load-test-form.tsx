import { Button, TextInput } from '@mantine/core';
import type { LoadTestKind, LoadTestLimits, LoadTestOrder } from '@teamflow/autopilot/contract';
import { type ReactElement, type SubmitEvent, useId, useState } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { formatSpan } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { goTo } from '../shell/page-link.tsx';

interface LoadTestFormProps {
  readonly service: string;
  readonly limits: LoadTestLimits;
}

const KINDS: readonly { readonly kind: LoadTestKind; readonly words: string }[] = [
  { kind: 'load', words: 'Load: how it feels' },
  { kind: 'smoke', words: 'Smoke: whether it works' },
  { kind: 'spike', words: 'Spike: a burst, and after' },
  { kind: 'soak', words: 'Soak: whether it drifts' },
  { kind: 'stress', words: 'Stress: where it breaks' },
];

/** Makes a plan of a few fields, or takes one that is written out. */
export function LoadTestForm({ service, limits }: LoadTestFormProps): ReactElement {
  const id = useId();
  const [kind, setKind] = useState<LoadTestKind>('load');
  const [target, setTarget] = useState(limits.targets[0] ?? '');
  const [path, setPath] = useState('/');
  const [rate, setRate] = useState(String(Math.min(20, limits.maxRatePerSecond)));
  const [users, setUsers] = useState(String(Math.min(20, limits.maxUsers)));
  const [seconds, setSeconds] = useState(String(Math.min(30, limits.maxDurationMs / 1000)));
  const [threshold, setThreshold] = useState('p99 < 500');
  const [isApart, setIsApart] = useState(limits.keepApart);
  const [written, setWritten] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isStarting, setIsStarting] = useState(false);

  const plan = (): object => ({
    name: `GET ${path}`,
    ...(target === '' ? {} : { target }),
    load: {
      kind: 'arrivals',
      spacing: 'poisson',
      users: Number(users),
      stages: [{ durationMs: 1000 * Number(seconds), ratePerSecond: Number(rate) }],
    },
    ...(threshold.trim() === '' ? {} : { thresholds: threshold.split(';').map((one) => one.trim()) }),
    flows: [{ name: 'get', steps: [{ name: path, path }] }],
  });
  const start = (event: SubmitEvent): void => {
    event.preventDefault();
    // As it is written: mistakes are told with its lines.
    const order: LoadTestOrder = { plan: written ?? plan(), kind, apart: isApart };
    setIsStarting(true);
    setTrouble(null);
    api.startLoadTest(order, { service }).then(
      (test) => goTo(`/load/${test.id}`),
      (error: unknown) => {
        const { detail, problem } = failureOf(error);
        const remedy = problem?.remedy ?? '';
        setTrouble(detail.includes(remedy) ? detail : `${detail} ${remedy}`);
        setIsStarting(false);
      },
    );
  };
  if (!limits.mayStart) {
    return <p className="card card-empty">You can look at load tests; starting one needs the scope operate.</p>;
  }
  const field = (label: string, hint: string, value: string, set: (text: string) => void): ReactElement => (
    <TextInput
      size="xs"
      label={label}
      description={hint}
      value={value}
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
  return (
    <form className="card load-form" aria-labelledby={`${id}-title`} onSubmit={start}>
      <h2 className="card-title" id={`${id}-title`}>
        Start a test
      </h2>
      <div className="load-fields">
        <label>
          <span>What is to be found out</span>
          <select
            className="bar-select"
            value={kind}
            // `as`: the options have no other values.
            onChange={(event) => setKind(event.target.value as LoadTestKind)}
          >
            {KINDS.map((one) => (
              <option key={one.kind} value={one.kind}>
                {one.words}
              </option>
            ))}
          </select>
        </label>
        {written === null && (
          <>
            <label>
              <span>Target</span>
              <select className="bar-select" value={target} onChange={(event) => setTarget(event.target.value)}>
                {limits.targets.map((origin) => (
                  <option key={origin} value={origin}>
                    {origin}
                  </option>
                ))}
              </select>
            </label>
            {field('Path', 'what is asked for', path, setPath)}
            {field('Arrivals a second', `at most ${formatQuantity('count', limits.maxRatePerSecond)}`, rate, setRate)}
            {field('Users at once', `at most ${formatQuantity('count', limits.maxUsers)}`, users, setUsers)}
            {field('Seconds', `at most ${formatSpan(limits.maxDurationMs)}`, seconds, setSeconds)}
            {field('Must hold', 'separated by ";"', threshold, setThreshold)}
          </>
        )}
      </div>
      {written !== null && (
        <div className="load-plan">
          <label htmlFor={`${id}-plan`}>
            Plan in YAML or JSON: at most {formatQuantity('count', limits.maxRatePerSecond)} arrivals a second,{' '}
            {formatQuantity('count', limits.maxUsers)} users, {formatSpan(limits.maxDurationMs)}; targets{' '}
            {limits.targets.join(', ')}
          </label>
          <textarea
            id={`${id}-plan`}
            rows={16}
            spellCheck={false}
            value={written}
            onChange={(event) => setWritten(event.target.value)}
          />
        </div>
      )}
      <label className="load-apart">
        <input type="checkbox" checked={isApart} onChange={(event) => setIsApart(event.target.checked)} />
        Keep its requests out of the figures of routes and tenants
      </label>
      {trouble !== null && (
        <p className="load-trouble" role="alert">
          {trouble}
        </p>
      )}
      <div className="load-actions">
        <Button type="submit" size="xs" loading={isStarting} disabled={limits.targets.length === 0}>
          Start the test
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() => setWritten(written === null ? JSON.stringify(plan(), null, 2) : null)}
        >
          {written === null ? 'Write the plan out' : 'Back to the fields'}
        </Button>
        {limits.targets.length === 0 && (
          <p className="load-quiet">Nothing may be tested yet: the setting load.targets opens origins.</p>
        )}
      </div>
    </form>
  );
}
