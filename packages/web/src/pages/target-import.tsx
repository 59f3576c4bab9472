import { Button, FileButton, Group, SegmentedControl, Stack, Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconUpload } from '@tabler/icons-react';
import type { ImportResult } from '@enchilada/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { Drawer } from '../components/layer.tsx';
import { useAction } from '../components/use-action.ts';
import { Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';

const EXAMPLE = 'name,protocol,host,port,group,labels\nweb-01,…,web-01.example.net,22,Production/Web,env=prod;team=web';
const SHOWN_ROWS = 500;

/** Machines from a file: looked at first, then all of them or none. */
export function TargetImportDrawer(props: {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const text = useText();
  const [format, setFormat] = useState('csv');
  const engines = useQuery({ queryKey: ['engines'], queryFn: ({ signal }) => api('listEngines', {}, { signal }) });
  const files = (engines.data?.items ?? []).flatMap(({ id, importsFile }) =>
    importsFile === undefined ? [] : [{ value: id, label: text.of(importsFile) }],
  );
  const isTable = format === 'csv' || format === 'yaml';
  const [content, setContent] = useState('');
  const [preview, setPreview] = useState<ImportResult>();
  const [busy, run] = useAction();
  const send = (kind: 'preview' | 'save'): Promise<boolean> =>
    run(async () => {
      const result = await api('importTargets', { body: { format, text: content, preview: kind === 'preview' } });
      setPreview(result);
      if (!result.saved) return;
      notifications.show({
        message: text('import.saved', { created: result.created, updated: result.updated }),
        color: 'green',
      });
      setContent('');
      setPreview(undefined);
      props.onSaved();
    });
  return (
    <Drawer opened={props.opened} onClose={props.onClose} size={720} title={text('catalog.import')}>
      <Stack>
        <Text size="sm" c="dimmed">
          {text('import.lead')}
        </Text>
        <Group>
          <SegmentedControl
            size="xs"
            aria-label={text('import.format')}
            value={format}
            data={[{ value: 'csv', label: 'CSV' }, { value: 'yaml', label: 'YAML' }, ...files]}
            onChange={(value) => {
              setFormat(value);
              setPreview(undefined);
            }}
          />
          <FileButton
            {...(isTable ? { accept: '.csv,.yaml,.yml,text/csv,application/yaml' } : {})}
            onChange={(file) => {
              if (file === null) return;
              if (isTable) setFormat(/\.ya?ml$/iu.test(file.name) ? 'yaml' : 'csv');
              void file.text().then((value) => {
                setContent(value);
                setPreview(undefined);
              });
            }}
          >
            {(button) => (
              <Button {...button} size="xs" variant="default" leftSection={<IconUpload size={14} aria-hidden />}>
                {text('import.file')}
              </Button>
            )}
          </FileButton>
        </Group>
        <Textarea
          aria-label={text('import.text')}
          className="mono"
          autosize
          minRows={6}
          maxRows={14}
          placeholder={isTable ? EXAMPLE : ''}
          value={content}
          onChange={(event) => {
            setContent(event.currentTarget.value);
            setPreview(undefined);
          }}
          spellCheck={false}
        />
        {preview !== undefined && (
          <>
            <Text size="sm" role="status" fw={600}>
              {text('import.summary', { created: preview.created, updated: preview.updated, refused: preview.refused })}
            </Text>
            <div className="panel table-wrap">
              <Table
                columns={[
                  { number: text('import.line') },
                  text('field.name'),
                  text('field.address'),
                  text('import.outcome'),
                ]}
                short
              >
                {preview.rows.slice(0, SHOWN_ROWS).map((row) => (
                  <tr key={row.line}>
                    <td className="number">{row.line}</td>
                    <td>{row.name}</td>
                    <td className="mono">{row.host}</td>
                    <td>
                      <span className="state" data-tone={row.outcome === 'refused' ? 'bad' : 'ok'}>
                        {text(`import-outcome.${row.outcome}`)}
                      </span>
                      {row.problems.map((problem, index) => (
                        <div key={index} className="sub">
                          {problem.field === '' ? problem.message : `${problem.field}: ${problem.message}`}
                        </div>
                      ))}
                    </td>
                  </tr>
                ))}
              </Table>
            </div>
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>
            {text('common.cancel')}
          </Button>
          {preview === undefined || preview.refused > 0 ? (
            <Button loading={busy} disabled={content.trim() === ''} onClick={() => void send('preview')}>
              {text('import.preview')}
            </Button>
          ) : (
            <Button loading={busy} onClick={() => void send('save')}>
              {text.count('import.save', preview.created + preview.updated)}
            </Button>
          )}
        </Group>
      </Stack>
    </Drawer>
  );
}
