import { ActionIcon, Menu } from '@mantine/core';
import { IconDownload, IconFileText, IconMovie, IconPackage } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useState } from 'react';
import { hrefOf } from '../api/client.ts';
import { useText } from '../i18n/text.tsx';
import { desktopStages } from './desktop-stages.ts';
import { canExportVideo } from './video-export.ts';
import { VideoExportDialog, type VideoSubject } from './video-export-dialog.tsx';

/** What a recording can be taken away as; which forms there are depends on its surface. */
export function ExportMenu(props: {
  readonly id: string;
  readonly recording: RouteOutput<'getRecording'>['recording'] | undefined;
}) {
  const text = useText();
  const { id, recording } = props;
  const [filmed, setFilmed] = useState<VideoSubject>();
  return (
    <>
      <Menu width={240}>
        <Menu.Target>
          <ActionIcon aria-label={text('player.export')} title={text('player.export')}>
            <IconDownload size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {recording?.surface === 'terminal' && (
            <>
              <Menu.Item
                component="a"
                leftSection={<IconMovie size={16} aria-hidden />}
                href={hrefOf('exportRecording', { params: { id }, query: { format: 'asciicast' } })}
                download
              >
                {text('player.export-asciicast')}
              </Menu.Item>
              <Menu.Item
                component="a"
                leftSection={<IconFileText size={16} aria-hidden />}
                href={hrefOf('exportRecording', { params: { id }, query: { format: 'text' } })}
                download
              >
                {text('player.export-text')}
              </Menu.Item>
            </>
          )}
          {recording !== undefined && desktopStages[recording.surface] !== undefined && (
            <Menu.Item
              leftSection={<IconMovie size={16} aria-hidden />}
              disabled={!canExportVideo()}
              onClick={() => setFilmed({ id, surface: recording.surface, durationMs: recording.durationMs })}
            >
              {text('player.export-video')}
            </Menu.Item>
          )}
          {recording !== undefined && recording.surface !== 'terminal' && (
            <Menu.Item
              component="a"
              leftSection={<IconMovie size={16} aria-hidden />}
              href={hrefOf('exportRecording', { params: { id }, query: { format: 'surface' } })}
              download
            >
              {text('player.export-surface')}
            </Menu.Item>
          )}
          <Menu.Item
            component="a"
            leftSection={<IconPackage size={16} aria-hidden />}
            href={hrefOf('downloadRecording', { params: { id } })}
            download
          >
            {text('player.download')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {filmed !== undefined && <VideoExportDialog subject={filmed} onClose={() => setFilmed(undefined)} />}
    </>
  );
}
