import type { ReactElement } from 'react';
import { AccessPage } from '../access/access-page.tsx';
import { CompressionPage } from '../compression/compression-page.tsx';
import { ConfigurationPage } from '../configuration/configuration-page.tsx';
import { DatabasePage } from '../database/database-page.tsx';
import { InstancesPage } from '../instances/instances-page.tsx';
import { LoadTestPage } from '../load/load-test-page.tsx';
import { LoadTestsPage } from '../load/load-tests-page.tsx';
import { OverviewPage } from '../overview/overview-page.tsx';
import { RoutePage } from '../route/route-page.tsx';
import { ResourcesPage } from '../usage/resources-page.tsx';
import { TenantsPage } from '../usage/tenants-page.tsx';

/** A page of the dashboard. */
export interface Page {
  /** Its address below the dashboard's own; a part after a colon is given to `render`. */
  readonly pattern: string;
  /** Its name in the navigation; null: it is reached from other pages. */
  readonly label: string | null;
  /** It is about the present alone: no range is chosen for it, and no release. */
  readonly isOfPresent?: true;
  readonly render: (parameter: string) => ReactElement;
}

/** Every page, in the order of the navigation: this table is all that a new one needs. */
export const pages: readonly Page[] = [
  { pattern: '/', label: 'Overview', render: () => <OverviewPage /> },
  { pattern: '/instances', label: 'Instances', render: () => <InstancesPage /> },
  { pattern: '/tenants', label: 'Tenants', render: () => <TenantsPage /> },
  { pattern: '/resources', label: 'Resources', render: () => <ResourcesPage /> },
  { pattern: '/database', label: 'Database', isOfPresent: true, render: () => <DatabasePage part="" /> },
  { pattern: '/database/:part', label: null, isOfPresent: true, render: (part) => <DatabasePage part={part} /> },
  { pattern: '/compression', label: 'Compression', render: () => <CompressionPage /> },
  {
    pattern: '/configuration',
    label: 'Configuration',
    isOfPresent: true,
    render: () => <ConfigurationPage part="" />,
  },
  {
    pattern: '/configuration/:part',
    label: null,
    isOfPresent: true,
    render: (part) => <ConfigurationPage part={part} />,
  },
  { pattern: '/access', label: 'Access', isOfPresent: true, render: () => <AccessPage /> },
  { pattern: '/load', label: 'Load tests', isOfPresent: true, render: () => <LoadTestsPage /> },
  { pattern: '/load/:test', label: null, isOfPresent: true, render: (id) => <LoadTestPage key={id} id={id} /> },
  { pattern: '/routes/:route', label: null, render: (route) => <RoutePage key={route} route={route} /> },
];
