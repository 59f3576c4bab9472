import { Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';

type Query = Pick<UseQueryResult, 'isPending' | 'isError' | 'error' | 'refetch'>;

/** In place of a section's content while it is loading, or when that failed. */
export function Loading({ query }: { readonly query: Query }) {
  const text = useText();
  if (query.isPending) return <Skeleton height={72} role="status" aria-label={text('common.loading')} />;
  if (query.isError) return <FaultNotice error={query.error} onRetry={() => void query.refetch()} />;
  return null;
}

/** One of the states of a list: loading, failed, empty, or its rows. */
export function Listing<T>(props: {
  readonly query: Query;
  readonly items: readonly T[];
  readonly empty: ReactNode;
  readonly children: (items: readonly T[]) => ReactNode;
}) {
  const text = useText();
  if (props.query.isPending) {
    return (
      <div className="panel" role="status" aria-label={text('common.loading')}>
        {Array.from({ length: 6 }, (_, index) => (
          <div key={index} className="listing-skeleton">
            <Skeleton height={14} width={`${35 + ((index * 19) % 45)}%`} />
          </div>
        ))}
      </div>
    );
  }
  if (props.query.isError) return <FaultNotice error={props.query.error} onRetry={() => void props.query.refetch()} />;
  return <div className="panel table-wrap">{props.items.length === 0 ? props.empty : props.children(props.items)}</div>;
}

/** A moment: relative, with the exact time on hover. */
export function Moment(props: { readonly at: number | undefined }) {
  const text = useText();
  if (props.at === undefined) return <span className="sub never">–</span>;
  return (
    <time dateTime={new Date(props.at).toISOString()} title={text.dateTime(props.at)}>
      {text.relative(props.at)}
    </time>
  );
}
