import { Alert, Anchor, Button, Stack, Switch, TagsInput, Text, Title } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { CommandLine } from '../components/command-line.tsx';
import { CopyField } from '../components/copy-field.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { useText } from '../i18n/text.tsx';
import { KindFields, sentOf, useKindDraft, useRefusal } from './kind-form.tsx';
import { PreviewResult } from './source-preview.tsx';
import { usePreview } from './use-preview.ts';
import type { Source, SourceKind } from './source.ts';

/** A source's settings, with a look at what it would do before it is switched on. */
export function SourceForm(props: {
  readonly source: Source | undefined;
  readonly kind: SourceKind;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const text = useText();
  const { source, kind } = props;
  const { title, draft, set } = useKindDraft(kind, source);
  const [protectedTags, setProtectedTags] = useState<readonly string[]>(source?.protectedTags ?? []);
  const [enabled, setEnabled] = useState(source?.enabled ?? false);
  const preview = usePreview();
  const fields = { ...sentOf(draft), protectedTags: [...protectedTags], enabled };
  const save = useSave(async () => {
    if (source === undefined) await api('createSource', { body: { ...fields, kind: kind.kind } });
    else await api('updateSource', { params: { id: source.id }, body: { ...fields, version: source.version } });
    props.onSaved();
  });
  const { refused, next } = useRefusal(kind, save.fault);
  return (
    <FormDrawer
      title={title}
      size={620}
      save={save}
      next={next}
      readOnly={props.readOnly}
      aside={
        <Button
          variant="default"
          loading={preview.busy}
          leftSection={<IconEye size={16} aria-hidden />}
          onClick={() => {
            const id = source === undefined ? {} : { sourceId: source.id };
            preview.look({ ...id, source: { ...fields, kind: kind.kind } });
          }}
        >
          {text('sources.preview')}
        </Button>
      }
      onClose={props.onClose}
    >
      <KindFields refused={refused} kind={kind} draft={draft} readOnly={props.readOnly} onChange={set} />
      <TagsInput
        label={text('sources.protected-tags')}
        description={text('sources.protected-tags-help')}
        maxTags={50}
        value={[...protectedTags]}
        onChange={setProtectedTags}
      />
      {kind.usesExternalId === true &&
        (source === undefined ? (
          <Alert color="gray">{text('sources.external-id-later')}</Alert>
        ) : (
          <CopyField
            label={text('sources.external-id')}
            description={text('sources.external-id-help')}
            value={source.externalId}
          />
        ))}
      {source !== undefined && <Templates source={source} />}
      <Switch
        label={text('sources.enabled')}
        description={text('sources.enabled-help')}
        checked={enabled}
        onChange={(event) => setEnabled(event.currentTarget.checked)}
      />
      <PreviewResult state={preview} />
      <Text size="xs" c="dimmed">
        {text('sources.preview-help')}
      </Text>
    </FormDrawer>
  );
}

/** What is to be deployed in the cloud before the source can read it. */
function Templates({ source }: { readonly source: Source }) {
  const text = useText();
  const onboarding = useQuery({
    queryKey: ['onboarding', source.id, source.version],
    queryFn: ({ signal }) => api('getOnboarding', { params: { id: source.id } }, { signal }),
  });
  const files = onboarding.data?.files ?? [];
  if (files.length === 0) return null;
  return (
    <Stack gap="sm">
      <Title order={3} size="h3">
        {text('sources.templates')}
      </Title>
      {files.map((file) => (
        <Stack key={file.name} gap="xs">
          <Anchor
            className="mono"
            underline="always"
            w="fit-content"
            download={file.name}
            href={`data:application/json;charset=utf-8,${encodeURIComponent(file.text)}`}
          >
            {file.name}
          </Anchor>
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {text.of(file.use)}
          </Text>
          {file.commands.map((line) => (
            <CommandLine key={line} line={line} />
          ))}
        </Stack>
      ))}
    </Stack>
  );
}
