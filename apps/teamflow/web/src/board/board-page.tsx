import type { ReactElement } from 'react';
import { useProject } from '../api/queries.ts';
import { isMissing } from '../api/request.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { MissingProject } from '../projects/missing-project.tsx';
import { ProjectHead } from '../projects/project-head.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { Failure, Loading } from '../ui/states.tsx';
import { BoardColumns } from './board-columns.tsx';
import { useBoard } from './use-board.ts';

/** A project's tasks as cards in columns, to be moved. */
export function BoardPage({ projectId }: { readonly projectId: number }): ReactElement {
  const organization = useOrganization();
  const project = useProject(organization.id, projectId);
  const board = useBoard(organization.id, projectId);
  usePageTitle(project.data === undefined ? undefined : `${project.data.name}: board`);
  if (board.isError && isMissing(board.error)) return <MissingProject />;
  return (
    <>
      <ProjectHead projectId={projectId} project={project.data} view="board" />
      {board.data !== undefined ? (
        <BoardColumns board={board.data} />
      ) : board.isError ? (
        <Failure error={board.error} onRetry={() => void board.refetch()} />
      ) : (
        <Loading />
      )}
    </>
  );
}
