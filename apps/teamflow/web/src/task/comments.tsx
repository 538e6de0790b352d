import { Button, Textarea } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { organizationPath } from '../api/queries.ts';
import { request, searchOf } from '../api/request.ts';
import type { Comment, Listed, Me, Task } from '../api/wire.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { CommentCard } from './comment-card.tsx';

/** What people say about a task, oldest first, and a place to say more. */
export function Comments({ me, task }: { readonly me: Me; readonly task: Task }): ReactElement {
  const organization = useOrganization();
  const path = `${organizationPath(organization.id)}/tasks/${task.id}/comments`;
  const key = ['organization', organization.id, 'task', task.id, 'comments'];
  const comments = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      request<Listed<Comment>>('GET', `${path}${searchOf({ cursor: pageParam, limit: 100 })}`, { signal }),
    initialPageParam: '',
    getNextPageParam: ({ page }) => page.next,
  });
  const shown = comments.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <section className="task-section" aria-labelledby="comments-title">
      <h2 id="comments-title">
        Comments {task.commentCount > 0 && <span className="chip numbers">{task.commentCount}</span>}
      </h2>
      {comments.isError ? (
        <Failure error={comments.error} onRetry={() => void comments.refetch()} />
      ) : comments.data === undefined ? (
        <Loading />
      ) : (
        <>
          <ol className="comment-list">
            {shown.map((comment) => (
              <CommentCard
                key={comment.id}
                comment={comment}
                path={`${path}/${comment.id}`}
                listKey={key}
                isMine={comment.authorId === me.id}
                mayDelete={comment.authorId === me.id || organization.role !== 'member'}
              />
            ))}
          </ol>
          {comments.hasNextPage && (
            <button
              type="button"
              className="quiet-button framed"
              disabled={comments.isFetchingNextPage}
              onClick={() => void comments.fetchNextPage()}
            >
              Show more
            </button>
          )}
        </>
      )}
      <NewComment path={path} />
    </section>
  );
}

function NewComment({ path }: { readonly path: string }): ReactElement {
  const { id } = useOrganization();
  const client = useQueryClient();
  const [text, setText] = useState('');
  const say = useMutation({
    mutationFn: (body: string) => request<Comment>('POST', path, { body: { body } }),
    onSuccess: async () => {
      setText('');
      await client.invalidateQueries({ queryKey: ['organization', id] });
    },
  });
  const send = (): void => {
    if (text.trim() !== '' && !say.isPending) say.mutate(text);
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {say.isError && <Failure error={say.error} />}
      <Textarea
        label="Add a comment"
        rows={3}
        maxLength={20_000}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send();
        }}
      />
      <div className="form-actions">
        <Button type="submit" variant="default" loading={say.isPending} disabled={text.trim() === ''}>
          Comment
        </Button>
      </div>
    </form>
  );
}
