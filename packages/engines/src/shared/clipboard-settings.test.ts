import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clipboardAt, clipboardFilesAt } from './clipboard-settings.ts';

test('a direction is open where the grants, the settings and the seat allow it, each of them', () => {
  const settings = { viewOnly: false, disableCopy: false, disablePaste: false };
  const seat = { mode: 'control', viewOnly: false, clipboard: { upload: true, download: true } } as const;
  assert.deepEqual(clipboardAt(seat, settings), { upload: true, download: true });
  for (const [closed, left] of [
    [
      clipboardAt({ ...seat, clipboard: { upload: false, download: true } }, settings),
      { upload: false, download: true },
    ],
    [
      clipboardAt({ ...seat, clipboard: { upload: true, download: false } }, settings),
      { upload: true, download: false },
    ],
    [clipboardAt(seat, { ...settings, disablePaste: true }), { upload: false, download: true }],
    [clipboardAt(seat, { ...settings, disableCopy: true }), { upload: true, download: false }],
    [clipboardAt(seat, { ...settings, viewOnly: true }), { upload: false, download: false }],
    [clipboardAt({ ...seat, viewOnly: true }, settings), { upload: false, download: false }],
    [clipboardAt({ ...seat, mode: 'watch' }, settings), { upload: false, download: false }],
  ] as const)
    assert.deepEqual(closed, left);
});

test('files go by the clipboard where the grants say so of files, whatever they say of text', () => {
  const settings = { viewOnly: false, disableCopy: false, disablePaste: true };
  const seat = {
    mode: 'control',
    viewOnly: false,
    clipboardFiles: { upload: true, download: true },
  } as const;
  assert.deepEqual(clipboardFilesAt(seat, settings), { upload: false, download: true });
  assert.deepEqual(clipboardFilesAt({ ...seat, mode: 'watch' }, settings), { upload: false, download: false });
});
