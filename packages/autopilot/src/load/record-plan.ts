import { stringify } from 'yaml';
import type { LoadPlan } from './plan.ts';

/** A route as it was asked for, by its pattern: nothing of any caller is in it. */
export interface RecordedRoute {
  /** "GET /tasks/:id" */
  readonly route: string;
  readonly requests: number;
}

/** What was observed of a service. */
export interface RecordedTraffic {
  readonly name: string;
  readonly target: string;
  readonly routes: readonly RecordedRoute[];
  /** Requests a second, step by step. */
  readonly ratesPerSecond: readonly (number | null)[];
  readonly stepMs: number;
  /** What stands for the parameters of routes, by their names: {taskId: ['1', '2']}. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** A plan made of observed traffic, and what of it is not in the plan. */
export interface RecordedPlan {
  readonly plan: LoadPlan;
  /** Sentences. */
  readonly leftOut: readonly string[];
  /** The plan as YAML, with what was left out as a comment. */
  readonly text: string;
}

const MOST_ROUTES = 100;
const PARAMETER = /:([A-Za-z_]\w*)/g;

/**
 * Makes a plan that asks for the same routes in the same mix and the same shape over time. Only what changes nothing is asked for:
 * reads whose parameters are known. Null: nothing of that kind was observed.
 */
export function recordPlan(traffic: RecordedTraffic): RecordedPlan | null {
  const { name, target, stepMs, values } = traffic;
  const leftOut: string[] = [];
  const total = traffic.routes.reduce((sum, { requests }) => sum + requests, 0);
  const share = (requests: number): string => `${((100 * requests) / total).toFixed(1)} % of the requests`;
  const used = new Set<string>();
  const taken = traffic.routes.slice(0, MOST_ROUTES).flatMap(({ route, requests }) => {
    const [method, path = ''] = route.split(' ', 2);
    if (method !== 'GET' || !path.startsWith('/')) {
      leftOut.push(`${route} (${share(requests)}): only reads are recorded.`);
      return [];
    }
    const names = Array.from(path.matchAll(PARAMETER), ([, parameter = '']) => parameter);
    const missing = names.filter((parameter) => (values[parameter] ?? []).length === 0);
    if (missing.length > 0 || path.includes('*')) {
      const what = missing.length > 0 ? `nothing stands for ${missing.join(', ')}` : 'it stands for many paths';
      leftOut.push(`${route} (${share(requests)}): ${what}.`);
      return [];
    }
    for (const parameter of names) used.add(parameter);
    const step = { name: route, path: path.replaceAll(PARAMETER, (_, parameter: string) => `\${${parameter}}`) };
    return [{ requests, flow: { name: route, weight: requests, steps: [step] } }];
  });
  for (const { route, requests } of traffic.routes.slice(MOST_ROUTES)) {
    leftOut.push(`${route} (${share(requests)}): the ${MOST_ROUTES} busiest routes are recorded.`);
  }
  const included = taken.reduce((sum, { requests }) => sum + requests, 0) / total;
  const ratesPerSecond = traffic.ratesPerSecond.map((rate) => Number(((rate ?? 0) * included).toPrecision(4)));
  const peak = Math.max(0, ...ratesPerSecond);
  if (taken.length === 0 || peak === 0) return null;
  const data = Object.fromEntries(
    [...used].map((parameter) => [parameter, { rows: [...(values[parameter] ?? [])], pick: 'random' as const }]),
  );
  const plan: LoadPlan = {
    name,
    target,
    // Room for requests of a second at the peak.
    load: { kind: 'replay', stepMs, ratesPerSecond, users: Math.max(10, Math.ceil(peak)) },
    ...(used.size === 0 ? {} : { data }),
    flows: taken.map(({ flow }) => flow),
  };
  const comment = [
    `Recorded: ${(100 * included).toFixed(1)} % of the requests, by route, in their mix and their shape over time.`,
    ...leftOut.map((sentence) => `Left out: ${sentence}`),
  ];
  return { plan, leftOut, text: `${comment.map((line) => `# ${line}`).join('\n')}\n${stringify(plan)}` };
}
