import { Button } from '@mantine/core';
import { useText } from '../i18n/text.tsx';

const PAGE_ROWS = 100;

export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string;
}

/** How an endless list is asked for, page by page. */
export function pagesOf<P extends { readonly next?: string | undefined }>(
  list: (page: PageQuery, signal: AbortSignal) => Promise<P>,
) {
  return {
    queryFn: ({ pageParam, signal }: { readonly pageParam: string; readonly signal: AbortSignal }) =>
      list({ limit: PAGE_ROWS, ...(pageParam === '' ? {} : { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last: P) => last.next,
  };
}

/** Brings the next page, as long as there is one. */
export function MoreButton(props: {
  readonly query: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly fetchNextPage: () => Promise<unknown>;
  };
}) {
  const text = useText();
  const { query } = props;
  if (!query.hasNextPage) return null;
  return (
    <Button mt="sm" variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
      {text('common.more')}
    </Button>
  );
}
