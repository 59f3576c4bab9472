import type { FileChange as ChangeRequest, FileEntry as EntryView } from '@enchilada/contract';
import { type FileAttributes, type FileEntry, pathText, splitPath } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { FileChange } from '@enchilada/core/session';
import type { Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';

type FileHandlers = Pick<
  Handlers,
  'listFiles' | 'changeFile' | 'downloadFile' | 'uploadFile' | 'getTransfer' | 'cancelTransfer'
>;

const raw = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const bytesOf = (path: string): Uint8Array => Buffer.from(path, 'base64url');

function viewOf({ name, target, ...attributes }: FileEntry): EntryView {
  return {
    name: pathText(name),
    raw: raw(name),
    ...attributesOf(attributes),
    ...(target === undefined ? {} : { target: attributesOf(target) }),
  };
}

function attributesOf({ kind, size, modifiedAt, mode }: FileAttributes): NonNullable<EntryView['target']> {
  return {
    kind,
    ...(size === undefined ? {} : { size }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
    ...(mode === undefined ? {} : { mode }),
  };
}

function needed<T>(field: string, value: T | undefined): T {
  if (value === undefined)
    throw new Fault('INVALID_REQUEST', `${field} must be given with this change`, {
      facts: { field: `body/${field}` },
    });
  return value;
}

function changeOf(body: ChangeRequest): FileChange {
  const path = bytesOf(body.path);
  switch (body.change) {
    case 'rename':
      return { change: 'rename', path, to: bytesOf(needed('to', body.to)) };
    case 'mode':
      return { change: 'mode', path, mode: needed('mode', body.mode) };
    case 'delete':
    case 'make-folder':
      return { change: body.change, path };
  }
}

export function fileHandlers({ sessions }: ApiParts): FileHandlers {
  return {
    listFiles: async ({ identity, address }, { params, query }) => {
      const { files, caller } = await sessions.files(identity, params.id, address);
      const listing = await files.list(caller, query.path === undefined ? undefined : bytesOf(query.path));
      return { path: raw(listing.path), entries: listing.entries.map(viewOf), truncated: listing.truncated };
    },

    changeFile: async ({ identity, address }, { params, body }) => {
      const { files, caller } = await sessions.files(identity, params.id, address);
      await files.change(caller, changeOf(body));
      return undefined;
    },

    downloadFile: async ({ identity, address }, { params, query }) => {
      const { files, caller } = await sessions.files(identity, params.id, address);
      const path = bytesOf(query.path);
      const offset = query.offset ?? 0;
      const { attributes, bytes } = await files.download(caller, { path, transfer: query.transfer, offset });
      // A file of /proc says 0 and holds more: its end is told by the end of the answer.
      const size = attributes.size ?? 0;
      return {
        bytes,
        filename: pathText(splitPath(path).name),
        ...(size === 0 ? {} : { length: Math.max(0, size - offset) }),
      };
    },

    uploadFile: async ({ identity, address }, { params, query, body }) => {
      const { files, caller } = await sessions.files(identity, params.id, address);
      const { path, transfer, offset, size, replace, version } = query;
      return files.upload(
        caller,
        { path: bytesOf(path), transfer, offset, size, replace: replace === true, version },
        body,
      );
    },

    getTransfer: async ({ identity, address }, { params }) => {
      const { files } = await sessions.files(identity, params.id, address);
      return { received: files.progress(params.transfer) };
    },

    cancelTransfer: async ({ identity, address }, { params }) => {
      const { files } = await sessions.files(identity, params.id, address);
      await files.cancel(params.transfer);
      return undefined;
    },
  };
}
