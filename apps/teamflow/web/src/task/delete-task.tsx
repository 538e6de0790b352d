import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useLocation } from 'wouter';
import { organizationPath } from '../api/queries.ts';
import { request } from '../api/request.ts';
import type { Task } from '../api/wire.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Failure } from '../ui/states.tsx';
import { sayDone } from '../ui/toasts.tsx';

/** Deletes a task, after asking. */
export function DeleteTask({ task }: { readonly task: Task }): ReactElement {
  const { id, slug } = useOrganization();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [isAsking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => request<void>('DELETE', `${organizationPath(id)}/tasks/${task.id}`),
    onSuccess: async () => {
      navigate(organizationAddress(slug, `/projects/${task.projectId}`));
      sayDone(`“${task.title}” is deleted.`);
      await client.invalidateQueries({ queryKey: ['organization', id] });
    },
  });
  return (
    <>
      <Button variant="default" className="danger" size="xs" onClick={() => setAsking(true)}>
        Delete the task
      </Button>
      {isAsking && (
        <Dialog title="Delete this task?" onClose={() => setAsking(false)}>
          <div className="form">
            <p>
              “{task.title}” goes with its {task.commentCount} comments. This can not be taken back.
            </p>
            {remove.isError && <Failure error={remove.error} />}
            <div className="form-actions">
              <Button variant="default" onClick={() => setAsking(false)}>
                Keep it
              </Button>
              <Button loading={remove.isPending} onClick={() => remove.mutate()}>
                Delete it
              </Button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
