import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import type { Listed } from '../api/wire.ts';
import { Pager } from './pager.tsx';
import { Failure, Loading } from './states.tsx';

interface PagedListProps<Item> {
  readonly list: UseQueryResult<Listed<Item>>;
  /** What is counted: "task". */
  readonly noun: string;
  /** Default: the noun with an s. */
  readonly plural?: string;
  /** In place of an empty list. */
  readonly empty: ReactNode;
  readonly onCursor: (cursor: string) => void;
  readonly children: (items: readonly Item[]) => ReactNode;
}

/** A page of a list and the ways to its others; or what there is in its place. */
export function PagedList<Item>({ list, empty, children, ...pager }: PagedListProps<Item>): ReactElement {
  if (list.isError) return <Failure error={list.error} onRetry={() => void list.refetch()} />;
  if (list.data === undefined) return <Loading />;
  const { items, page } = list.data;
  if (items.length === 0) return <div className="card">{empty}</div>;
  return (
    <>
      {children(items)}
      <Pager page={page} shown={items.length} isStale={list.isPlaceholderData} {...pager} />
    </>
  );
}
