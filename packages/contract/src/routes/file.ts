import { Type } from 'typebox';
import {
  DownloadQuery,
  FileChange,
  FileListing,
  FilesQuery,
  TransferParams,
  TransferProgress,
  UploadQuery,
  UploadResult,
} from '../models/file.ts';
import { routes } from '../route.ts';
import { IdParams, Nothing } from '../schema.ts';

/** The files of a machine, through the caller's own live session with it. The directions need the grants `file-in` and `file-out`. */
export const fileRoutes = routes({
  listFiles: {
    method: 'GET',
    path: '/sessions/:id/files',
    access: 'machine.use',
    summary: 'A folder of the machine; without a path the one where the account begins.',
    params: IdParams,
    query: FilesQuery,
    response: { 200: FileListing },
  },
  changeFile: {
    method: 'POST',
    path: '/sessions/:id/files/changes',
    access: 'machine.use',
    summary: 'Renames, deletes, makes a folder, or sets permissions.',
    params: IdParams,
    body: FileChange,
    response: { 204: Nothing },
    audit: ['file.changed'],
  },
  downloadFile: {
    method: 'GET',
    path: '/sessions/:id/files/content',
    access: 'machine.use',
    summary: 'The content of a file, from an offset on.',
    params: IdParams,
    query: DownloadQuery,
    response: { 200: Type.String({ format: 'binary' }) },
    stream: 'application/octet-stream',
    audit: ['file.transfer-started', 'file.transferred'],
  },
  uploadFile: {
    method: 'PUT',
    path: '/sessions/:id/files/content',
    access: 'machine.use',
    summary: 'The next piece of a file; the last one gives it its name.',
    params: IdParams,
    query: UploadQuery,
    upload: 'application/octet-stream',
    response: { 200: UploadResult },
    audit: ['file.transfer-started', 'file.transferred'],
  },
  getTransfer: {
    method: 'GET',
    path: '/sessions/:id/files/transfers/:transfer',
    access: 'machine.use',
    summary: 'How far a transfer has come, from which it can go on.',
    params: TransferParams,
    response: { 200: TransferProgress },
  },
  cancelTransfer: {
    method: 'DELETE',
    path: '/sessions/:id/files/transfers/:transfer',
    access: 'machine.use',
    summary: 'Forgets a transfer and removes the part that an upload left.',
    params: TransferParams,
    response: { 204: Nothing },
    audit: ['file.transferred'],
  },
});
