import { useMutation } from '@tanstack/react-query';
import { organizationPath } from '../api/queries.ts';
import { request } from '../api/request.ts';
import type { ProjectExport } from '../api/wire.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { sayDone, sayFailed } from '../ui/toasts.tsx';

const LOOK_EVERY_MS = 500;
/** Longer ones are told of by a notification. */
const PATIENCE_MS = 30_000;

/** Asks for a project's tasks as CSV, waits for the file and hands it to the browser. */
export function useExport(projectId: number): { readonly isPending: boolean; readonly mutate: () => void } {
  const { id } = useOrganization();
  const path = organizationPath(id);
  return useMutation({
    mutationFn: async () => {
      let one = await request<ProjectExport>('POST', `${path}/projects/${projectId}/exports`);
      for (let waited = 0; waited < PATIENCE_MS && /queued|running/.test(one.status); waited += LOOK_EVERY_MS) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
        one = await request<ProjectExport>('GET', `${path}/exports/${one.id}`);
      }
      return one;
    },
    onSuccess: ({ id: exportId, status, isCut }) => {
      if (status === 'failed') sayFailed('The file was not made.', new Error('Its background job failed; try again.'));
      else if (status !== 'done') sayDone('The file takes a while. A notification tells when it is there.');
      else {
        sayDone(isCut ? 'The file holds the first part of the tasks; the project has more.' : 'The file is made.');
        location.assign(`${path}/exports/${exportId}/file`);
      }
    },
    onError: (error) => sayFailed('The file was not asked for.', error),
  });
}
