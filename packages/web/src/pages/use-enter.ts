import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { meQuery, type Me } from '../api/me.ts';
import { factorsQuery } from '../second-factor/step-up.tsx';
import { safeNext } from './safe-next.ts';

/** Through the door: to where the person was on the way to. Sessions and recordings are documents of their own. */
export function useEnter(next: string | undefined): (me: Me) => void {
  const client = useQueryClient();
  const router = useRouter();
  return (me) => {
    client.removeQueries({ queryKey: factorsQuery.queryKey });
    client.setQueryData(meQuery.queryKey, me);
    const path = safeNext(next);
    if (/^\/[sr]\//u.test(path)) location.assign(path);
    else router.history.push(path);
  };
}
