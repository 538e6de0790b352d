import { Button, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { request } from '../api/request.ts';
import type { Comment } from '../api/wire.ts';
import { agoText, momentText } from '../format/time.ts';
import { Avatar } from '../ui/avatar.tsx';
import { sayFailed } from '../ui/toasts.tsx';

interface CommentCardProps {
  readonly comment: Comment;
  /** Where the API has it. */
  readonly path: string;
  readonly listKey: readonly unknown[];
  readonly isMine: boolean;
  readonly mayDelete: boolean;
}

/** What somebody said, which its author may change. */
export function CommentCard({ comment, path, listKey, isMine, mayDelete }: CommentCardProps): ReactElement {
  const client = useQueryClient();
  const [draft, setDraft] = useState<string | null>(null);
  const onSuccess = (): Promise<void> => client.invalidateQueries({ queryKey: listKey });
  const change = useMutation({
    mutationFn: (body: string) => request<Comment>('PATCH', path, { body: { body } }),
    onSuccess: async () => {
      setDraft(null);
      await onSuccess();
    },
    onError: (error) => sayFailed('The comment was not changed.', error),
  });
  const remove = useMutation({
    mutationFn: () => request<void>('DELETE', path),
    onSuccess,
    onError: (error) => sayFailed('The comment was not deleted.', error),
  });
  const author = comment.authorName ?? 'A former member';
  return (
    <li className="card comment">
      <div className="comment-head">
        <Avatar name={comment.authorName} />
        <strong>{author}</strong>
        <time dateTime={comment.createdAt} title={momentText(comment.createdAt)}>
          {agoText(comment.createdAt)}
          {comment.editedAt !== null && ', edited'}
        </time>
        <span className="comment-tools">
          {isMine && draft === null && (
            <button type="button" className="quiet-button" onClick={() => setDraft(comment.body)}>
              Edit
            </button>
          )}
          {mayDelete && (
            <button type="button" className="quiet-button" disabled={remove.isPending} onClick={() => remove.mutate()}>
              Delete
            </button>
          )}
        </span>
      </div>
      {draft === null ? (
        <p className="comment-body">{comment.body}</p>
      ) : (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate(draft);
          }}
        >
          <Textarea
            aria-label="Comment"
            rows={3}
            maxLength={20_000}
            value={draft}
            onChange={(event) => setDraft(event.currentTarget.value)}
          />
          <div className="form-actions">
            <Button variant="default" size="xs" onClick={() => setDraft(null)}>
              Cancel
            </Button>
            <Button type="submit" size="xs" loading={change.isPending} disabled={draft.trim() === ''}>
              Save
            </Button>
          </div>
        </form>
      )}
    </li>
  );
}
