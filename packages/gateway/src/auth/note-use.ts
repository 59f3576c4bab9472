import { isFault } from '@enchilada/core/fault';

/** That somebody was there is noted where it can be: a database that takes no writes still answers what only has to be read. */
export async function noteUse(write: Promise<void>): Promise<void> {
  try {
    await write;
  } catch (failure) {
    if (!isFault(failure, 'STORE_UNAVAILABLE')) throw failure;
  }
}
