import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { Link } from 'wouter';
import { organizationPath } from '../api/queries.ts';
import { request } from '../api/request.ts';
import type { Project } from '../api/wire.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { showOverlay } from '../shell/overlay.ts';
import { PlusIcon } from '../ui/icons.tsx';
import { sayDone, sayFailed } from '../ui/toasts.tsx';
import { EditProjectDialog } from './edit-project-dialog.tsx';
import { useExport } from './use-export.ts';

interface ProjectHeadProps {
  readonly projectId: number;
  /** Undefined while it is read. */
  readonly project: Project | undefined;
  readonly view: 'list' | 'board';
}

/** Names the project, and changes between its list and its board. */
export function ProjectHead({ projectId, project, view }: ProjectHeadProps): ReactElement {
  const { slug } = useOrganization();
  const [isEditing, setEditing] = useState(false);
  const archive = useArchive(projectId);
  const csv = useExport(projectId);
  const address = organizationAddress(slug, `/projects/${projectId}`);
  return (
    <div className="page-head">
      <h1>{project?.name ?? 'Project'}</h1>
      {project !== undefined && project.archivedAt !== null && <span className="chip">Archived</span>}
      <nav className="tabs" aria-label="Views of the project">
        <Link href={address} {...(view === 'list' ? { 'aria-current': 'page' } : {})}>
          List
        </Link>
        <Link href={`${address}/board`} {...(view === 'board' ? { 'aria-current': 'page' } : {})}>
          Board
        </Link>
      </nav>
      <div className="page-tools">
        {project !== undefined && (
          <>
            <Button variant="default" onClick={() => archive.mutate(project.archivedAt === null)}>
              {project.archivedAt === null ? 'Archive' : 'Take back'}
            </Button>
            <Button variant="default" loading={csv.isPending} onClick={() => csv.mutate()} title="The tasks as a file">
              CSV
            </Button>
            <Button variant="default" onClick={() => setEditing(true)}>
              Edit
            </Button>
          </>
        )}
        <Button leftSection={<PlusIcon />} onClick={() => showOverlay({ kind: 'new-task', projectId })}>
          New task
        </Button>
      </div>
      {project !== undefined && project.description !== '' && <p className="page-note">{project.description}</p>}
      {isEditing && project !== undefined && <EditProjectDialog project={project} onClose={() => setEditing(false)} />}
    </div>
  );
}

function useArchive(projectId: number): { readonly mutate: (archived: boolean) => void } {
  const organization = useOrganization();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (archived: boolean) =>
      request<Project>('PATCH', `${organizationPath(organization.id)}/projects/${projectId}`, { body: { archived } }),
    onSuccess: async (project) => {
      sayDone(project.archivedAt === null ? `${project.name} is active again.` : `${project.name} is archived.`);
      client.setQueryData(['organization', organization.id, 'project', projectId], project);
      await client.invalidateQueries({ queryKey: ['organization', organization.id, 'projects'] });
    },
    onError: (error) => sayFailed('The project was not changed.', error),
  });
}
