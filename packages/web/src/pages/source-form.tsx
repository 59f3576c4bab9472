import { Alert, Anchor, Button, Stack, Switch, TagsInput, Text, TextInput, Title } from '@mantine/core';
import { IconCopy, IconEye } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { useAction } from '../components/use-action.ts';
import { FormDrawer, useSave } from '../components/form.tsx';
import { useText } from '../i18n/text.tsx';
import { ParameterInput } from './parameter-field.tsx';
import { PreviewResult } from './source-preview.tsx';
import type { Source, SourceKind } from './sources.tsx';
import { filled, type ParameterValue } from './target-values.ts';

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
  const [name, setName] = useState(source?.name ?? text.of(kind.label));
  const [parameters, setParameters] = useState<Readonly<Record<string, ParameterValue>>>(source?.parameters ?? {});
  const [protectedTags, setProtectedTags] = useState<readonly string[]>(source?.protectedTags ?? []);
  const [enabled, setEnabled] = useState(source?.enabled ?? false);
  const [preview, setPreview] = useState<RouteOutput<'previewDiscovery'>>();
  const [looking, look] = useAction();
  const fields = { name: name.trim(), parameters: filled(parameters), protectedTags: [...protectedTags], enabled };
  const save = useSave(async () => {
    if (source === undefined) await api('createSource', { body: { ...fields, kind: kind.kind } });
    else await api('updateSource', { params: { id: source.id }, body: { ...fields, version: source.version } });
    props.onSaved();
  });
  const groups = [...new Set(kind.parameters.map((field) => text.of(field.group)))];
  return (
    <FormDrawer
      title={source?.name ?? text.of(kind.label)}
      size={620}
      save={save}
      readOnly={props.readOnly}
      aside={
        <Button
          variant="default"
          loading={looking}
          leftSection={<IconEye size={16} aria-hidden />}
          onClick={() =>
            void look(async () => {
              const draft = { ...fields, kind: kind.kind };
              const id = source === undefined ? {} : { sourceId: source.id };
              setPreview(await api('previewDiscovery', { body: { ...id, source: draft } }));
            })
          }
        >
          {text('sources.preview')}
        </Button>
      }
      onClose={props.onClose}
    >
      <TextInput
        label={text('field.name')}
        required
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      {groups.map((group) => (
        <Stack key={group} gap="sm">
          <Title order={3} size="h5">
            {group}
          </Title>
          {kind.parameters
            .filter((field) => text.of(field.group) === group)
            .map((field) => (
              <ParameterInput
                key={field.name}
                field={field}
                value={parameters[field.name]}
                disabled={props.readOnly}
                onChange={(value) => setParameters({ ...parameters, [field.name]: value })}
              />
            ))}
        </Stack>
      ))}
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
          <TextInput
            label={text('sources.external-id')}
            description={text('sources.external-id-help')}
            readOnly
            classNames={{ input: 'mono' }}
            value={source.externalId}
            rightSection={<IconCopy size={14} aria-hidden />}
            onFocus={(event) => event.currentTarget.select()}
          />
        ))}
      {source !== undefined && <Templates source={source} />}
      <Switch
        label={text('sources.enabled')}
        description={text('sources.enabled-help')}
        checked={enabled}
        onChange={(event) => setEnabled(event.currentTarget.checked)}
      />
      {preview !== undefined && <PreviewResult preview={preview} />}
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
      <Title order={3} size="h5">
        {text('sources.templates')}
      </Title>
      {files.map((file) => (
        <div key={file.name}>
          <Anchor
            className="mono"
            download={file.name}
            href={`data:application/json;charset=utf-8,${encodeURIComponent(file.text)}`}
          >
            {file.name}
          </Anchor>
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {text.of(file.use)}
          </Text>
        </div>
      ))}
    </Stack>
  );
}
