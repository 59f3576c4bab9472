import { ApiFault } from '../api/http.ts';

export interface PieceResult {
  readonly received: number;
  readonly done: boolean;
}

/** One piece of an upload. XMLHttpRequest, because fetch does not tell how far a request has come. @throws ApiFault, DOMException when aborted */
export function sendPiece(
  address: string,
  piece: Blob,
  how: { readonly signal: AbortSignal; readonly progress: (sent: number) => void },
): Promise<PieceResult> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const onAbort = (): void => request.abort();
    const settle = (): void => how.signal.removeEventListener('abort', onAbort);
    request.open('PUT', address);
    request.setRequestHeader('x-enchilada', '1');
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.onprogress = (event) => how.progress(event.loaded);
    request.onload = () => {
      settle();
      if (request.status === 200) resolve(JSON.parse(request.responseText) as PieceResult);
      else reject(problemOf(request));
    };
    request.onerror = () => {
      settle();
      reject(new ApiFault({ code: 'NETWORK', status: 0 }));
    };
    request.onabort = () => {
      settle();
      reject(new DOMException('the transfer was stopped', 'AbortError'));
    };
    if (how.signal.aborted) return reject(new DOMException('the transfer was stopped', 'AbortError'));
    how.signal.addEventListener('abort', onAbort);
    request.send(piece);
  });
}

function problemOf(request: XMLHttpRequest): ApiFault {
  try {
    const problem = JSON.parse(request.responseText) as ConstructorParameters<typeof ApiFault>[0];
    return new ApiFault({ ...problem, status: request.status });
  } catch {
    return new ApiFault({
      code: request.status === 0 || request.status >= 502 ? 'NETWORK' : 'INTERNAL',
      status: request.status,
    });
  }
}
