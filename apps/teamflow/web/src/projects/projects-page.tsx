import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { useProjects, useSummary } from '../api/queries.ts';
import { searchOf } from '../api/request.ts';
import type { Project, Summary } from '../api/wire.ts';
import { agoText } from '../format/time.ts';
import { countText } from '../format/words.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { showOverlay } from '../shell/overlay.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { PlusIcon, ProjectsIcon } from '../ui/icons.tsx';
import { PagedList } from '../ui/paged-list.tsx';
import { Empty } from '../ui/states.tsx';
import { SummaryTiles } from './summary-tiles.tsx';
import './projects.css';

/** An organization's front page: how it stands, and its projects. */
export function ProjectsPage(): ReactElement {
  const organization = useOrganization();
  const parameters = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  const archived = parameters.get('archived') === 'true';
  const cursor = parameters.get('cursor');
  const projects = useProjects(organization.id, { archived, cursor, counted: true });
  const summary = useSummary(organization.id);
  usePageTitle('Projects');
  const address = organizationAddress(organization.slug);

  return (
    <>
      <div className="page-head">
        <h1>{organization.name}</h1>
        <div className="page-tools">
          <Button leftSection={<PlusIcon />} onClick={() => showOverlay({ kind: 'new-project' })}>
            New project
          </Button>
        </div>
      </div>
      {summary.data !== undefined && summary.data.total > 0 && <SummaryTiles summary={summary.data} />}
      <section aria-labelledby="projects-title">
        <div className="section-head">
          <h2 id="projects-title">Projects</h2>
          <nav className="tabs" aria-label="Which projects">
            <Link href={address} {...(archived ? {} : { 'aria-current': 'page' })}>
              Active
            </Link>
            <Link href={`${address}?archived=true`} {...(archived ? { 'aria-current': 'page' } : {})}>
              Archived
            </Link>
          </nav>
        </div>
        <PagedList
          list={projects}
          noun="project"
          onCursor={(to) => navigate(`${address}${searchOf({ archived: archived ? 'true' : null, cursor: to })}`)}
          empty={<NoProjects isArchive={archived} />}
        >
          {(items) => <ProjectList projects={items} summary={summary.data} />}
        </PagedList>
      </section>
    </>
  );
}

function NoProjects({ isArchive }: { readonly isArchive: boolean }): ReactElement {
  if (isArchive) return <Empty title="Nothing is archived">What you archive is kept here, out of the way.</Empty>;
  return (
    <Empty
      title="No projects yet"
      actions={<Button onClick={() => showOverlay({ kind: 'new-project' })}>Start the first project</Button>}
    >
      A project holds tasks and shows them as a list and on a board.
    </Empty>
  );
}

interface ProjectListProps {
  readonly projects: readonly Project[];
  readonly summary: Summary | undefined;
}

function ProjectList({ projects, summary }: ProjectListProps): ReactElement {
  const { slug } = useOrganization();
  const open = new Map(summary?.busiestProjects.map((one) => [one.projectId, one.open]));
  return (
    <ul className="card project-list">
      {projects.map(({ id, name, description, updatedAt }) => {
        const count = open.get(id);
        return (
          <li key={id}>
            <span className="project-icon">
              <ProjectsIcon />
            </span>
            <span className="project-name">
              <Link href={organizationAddress(slug, `/projects/${id}`)}>{name}</Link>
              {description !== '' && <small>{description}</small>}
            </span>
            {count !== undefined && <span className="chip numbers">{countText(count)} open</span>}
            <span className="project-time wide-only">changed {agoText(updatedAt)}</span>
            <Link
              href={organizationAddress(slug, `/projects/${id}/board`)}
              className="quiet-button framed"
              aria-label={`Board of ${name}`}
            >
              Board
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
