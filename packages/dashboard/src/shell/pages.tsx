import type { ReactElement } from 'react';
import { type PageCode, pageCode } from './page-code.ts';

// Each page's code comes when the page is first opened, or when a pointer rests on a link to it.
const overview = pageCode(async () => (await import('../overview/overview-page.tsx')).OverviewPage);
const instances = pageCode(async () => (await import('../instances/instances-page.tsx')).InstancesPage);
const tenants = pageCode(async () => (await import('../usage/tenants-page.tsx')).TenantsPage);
const resources = pageCode(async () => (await import('../usage/resources-page.tsx')).ResourcesPage);
const database = pageCode(async () => (await import('../database/database-page.tsx')).DatabasePage);
const compression = pageCode(async () => (await import('../compression/compression-page.tsx')).CompressionPage);
const configuration = pageCode(async () => (await import('../configuration/configuration-page.tsx')).ConfigurationPage);
const access = pageCode(async () => (await import('../access/access-page.tsx')).AccessPage);
const loadTests = pageCode(async () => (await import('../load/load-tests-page.tsx')).LoadTestsPage);
const loadTest = pageCode(async () => (await import('../load/load-test-page.tsx')).LoadTestPage);
const benchmarks = pageCode(async () => (await import('../load/benchmarks-page.tsx')).BenchmarksPage);
const tuning = pageCode(async () => (await import('../tuning/tuning-page.tsx')).TuningPage);
const trial = pageCode(async () => (await import('../tuning/trial-page.tsx')).TrialPage);
const route = pageCode(async () => (await import('../route/route-page.tsx')).RoutePage);

/** A page of the dashboard. */
export interface Page {
  /** Its address below the dashboard's own; a part after a colon is given to `render`. */
  readonly pattern: string;
  /** Its name in the navigation; null: it is reached from other pages. */
  readonly label: string | null;
  /** It is about the present alone: no range is chosen for it, and no release. */
  readonly isOfPresent?: true;
  readonly code: Pick<PageCode<object>, 'fetch'>;
  readonly render: (parameter: string) => ReactElement;
}

/** Every page, in the order of the navigation: this table is all that a new one needs. */
export const pages: readonly Page[] = [
  { pattern: '/', label: 'Overview', code: overview, render: () => <overview.Page /> },
  { pattern: '/instances', label: 'Instances', code: instances, render: () => <instances.Page /> },
  { pattern: '/tenants', label: 'Tenants', code: tenants, render: () => <tenants.Page /> },
  { pattern: '/resources', label: 'Resources', code: resources, render: () => <resources.Page /> },
  {
    pattern: '/database',
    label: 'Database',
    isOfPresent: true,
    code: database,
    render: () => <database.Page part="" />,
  },
  {
    pattern: '/database/:part',
    label: null,
    isOfPresent: true,
    code: database,
    render: (part) => <database.Page part={part} />,
  },
  { pattern: '/tuning', label: 'Tuning', isOfPresent: true, code: tuning, render: () => <tuning.Page /> },
  {
    pattern: '/tuning/:trial',
    label: null,
    isOfPresent: true,
    code: trial,
    render: (id) => <trial.Page key={id} id={id} />,
  },
  { pattern: '/compression', label: 'Compression', code: compression, render: () => <compression.Page /> },
  {
    pattern: '/configuration',
    label: 'Configuration',
    isOfPresent: true,
    code: configuration,
    render: () => <configuration.Page part="" />,
  },
  {
    pattern: '/configuration/:part',
    label: null,
    isOfPresent: true,
    code: configuration,
    render: (part) => <configuration.Page part={part} />,
  },
  { pattern: '/access', label: 'Access', isOfPresent: true, code: access, render: () => <access.Page /> },
  { pattern: '/load', label: 'Load tests', isOfPresent: true, code: loadTests, render: () => <loadTests.Page /> },
  {
    pattern: '/load/:test',
    label: null,
    isOfPresent: true,
    code: loadTest,
    render: (id) => <loadTest.Page key={id} id={id} />,
  },
  { pattern: '/benchmark', label: 'Benchmark', isOfPresent: true, code: benchmarks, render: () => <benchmarks.Page /> },
  { pattern: '/routes/:route', label: null, code: route, render: (one) => <route.Page key={one} route={one} /> },
];
