import { Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { AuthorityKey } from '@enchilada/contract';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Loading, Moment } from '../components/listing.tsx';
import { Section } from '../components/page.tsx';
import { RemoveAction, Table } from '../components/table.tsx';
import { useAction } from '../components/use-action.ts';
import { useText } from '../i18n/text.tsx';

const TONES = { current: 'ok', next: 'quiet', previous: 'quiet' } as const;

/** The keys that sign certificates for machines, and what machines are told about them. */
export function CertificateAuthority() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'credential.write');
  const [busy, run] = useAction();
  const [confirmation, ask] = useConfirm();
  const authority = useQuery({
    queryKey: ['certificate-authority'],
    queryFn: ({ signal }) => api('getAuthority', {}, { signal }),
  });
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    await work();
    await client.invalidateQueries({ queryKey: ['certificate-authority'] });
  };
  const activate = ({ id }: AuthorityKey): void =>
    ask({
      title: text('authority.activate-title'),
      body: text('authority.activate-body'),
      action: text('authority.activate'),
      run: () => act(() => api('activateAuthorityKey', { params: { id } })),
    });
  const remove = ({ id, fingerprint }: AuthorityKey): void =>
    ask(
      removal(text, {
        name: fingerprint,
        body: text('authority.remove-body'),
        run: () => act(() => api('deleteAuthorityKey', { params: { id } })),
      }),
    );
  const keys = authority.data?.keys ?? [];
  const steps = authority.data === undefined ? '' : text.of(authority.data.steps);
  const mayMake = mayWrite && authority.data !== undefined && keys.every(({ state }) => state !== 'next');
  return (
    <Section title={text('authority.title')} lead={text('authority.lead')}>
      <Stack>
        <Loading query={authority} />
        {keys.length === 0 && authority.data !== undefined && <Text size="sm">{text('authority.none')}</Text>}
        {keys.length > 0 && (
          <Table columns={[text('authority.key'), text('field.state'), text('authority.made')]} actions>
            {keys.map((key) => (
              <tr key={key.id}>
                <td className="mono">{key.fingerprint}</td>
                <td>
                  <span className="state" data-tone={TONES[key.state]}>
                    {text(`authority-state.${key.state}`)}
                  </span>
                </td>
                <td className="sub">
                  <Moment at={key.createdAt} />
                </td>
                <td className="actions">
                  {mayWrite && key.state === 'next' && (
                    <Button variant="default" size="compact-sm" onClick={() => activate(key)}>
                      {text('authority.activate')}
                    </Button>
                  )}
                  {mayWrite && key.state !== 'current' && (
                    <RemoveAction name={key.fingerprint} onClick={() => remove(key)} />
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
        {mayMake && (
          <Group>
            <Button
              variant="default"
              loading={busy}
              onClick={() => void run(() => act(() => api('createAuthorityKey', {})))}
            >
              {text(keys.length === 0 ? 'authority.make-first' : 'authority.make-next')}
            </Button>
          </Group>
        )}
        {keys.length > 0 && (
          <>
            <Text size="sm" c="dimmed">
              {text('authority.rotation')}
            </Text>
            <Text fw={600}>{text('authority.steps')}</Text>
            <Code block tabIndex={0} aria-label={text('authority.steps')}>
              {steps}
            </Code>
            <Group gap="sm">
              <Copy value={steps} label={text('authority.copy')} />
              <Copy value={authority.data?.trustFile ?? ''} label={text('authority.copy-file')} />
            </Group>
          </>
        )}
      </Stack>
      {confirmation}
    </Section>
  );
}

function Copy(props: { readonly value: string; readonly label: string }) {
  const text = useText();
  return (
    <CopyButton value={props.value}>
      {({ copied, copy }) => (
        <Button variant="default" onClick={copy}>
          {copied ? text('common.copied') : props.label}
        </Button>
      )}
    </CopyButton>
  );
}
