import { Button, Code, CopyButton, Group, MultiSelect, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import type { ApiToken, User } from '@enchilada/contract';
import { permissionsOf, TOKEN_PERMISSIONS, type TokenPermission } from '@enchilada/core/access';
import { useQuery } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { api } from '../api/client.ts';
import { useMe } from '../api/me.ts';
import { useConfirm } from '../components/confirm.tsx';
import { Modal } from '../components/layer.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { Table } from '../components/table.tsx';
import { Section } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';
import { useStepUp } from './step-up.tsx';

const DAYS = 90;

/** Whose tokens, and what they can carry. */
interface TokenOwner {
  readonly key: readonly string[];
  readonly offered: readonly TokenPermission[];
  readonly list: (signal: AbortSignal) => Promise<{ readonly items: readonly ApiToken[] }>;
  readonly create: (body: ApiTokenWish) => Promise<{ readonly value: string }>;
  readonly remove: (id: string) => Promise<unknown>;
}
interface ApiTokenWish {
  name: string;
  scope: TokenPermission[];
  days: number;
}

/** The own API tokens, on the page of the account. */
export function OwnTokens() {
  const text = useText();
  const me = useMe();
  return (
    <Section title={text('tokens.title')} lead={text('tokens.lead')}>
      <Tokens
        owner={{
          key: ['tokens'],
          offered: TOKEN_PERMISSIONS.filter((permission) => me.permissions.includes(permission)),
          list: (signal) => api('listTokens', {}, { signal }),
          create: (body) => api('createToken', { body }),
          remove: (id) => api('removeToken', { params: { id } }),
        }}
      />
    </Section>
  );
}

/** Those of a service account, for whoever may change accounts. */
export function ServiceTokens({ user }: { readonly user: Pick<User, 'id' | 'role'> }) {
  const me = useMe();
  const { id } = user;
  const held = permissionsOf(user.role);
  return (
    <Tokens
      owner={{
        key: ['tokens', id],
        offered: TOKEN_PERMISSIONS.filter((permission) => me.permissions.includes(permission) && held.has(permission)),
        list: (signal) => api('listUserTokens', { params: { id } }, { signal }),
        create: (body) => api('createUserToken', { params: { id }, body }),
        remove: (tokenId) => api('removeUserToken', { params: { id, tokenId } }),
      }}
    />
  );
}

function Tokens({ owner }: { readonly owner: TokenOwner }) {
  const text = useText();
  const tokens = useQuery({ queryKey: owner.key, queryFn: ({ signal }) => owner.list(signal) });
  const [draft, setDraft] = useState<ApiTokenWish>();
  const [value, setValue] = useState<string>();
  const [confirmation, ask] = useConfirm();
  const [busy, run] = useAction();
  const [dialog, attempt] = useStepUp();
  const create = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (draft === undefined) return;
    const body = draft;
    // The dialog for the fresh proof comes in place of this one.
    setDraft(undefined);
    void run(async () => {
      setValue((await attempt(() => owner.create(body))).value);
      await tokens.refetch();
    }).then((done) => {
      if (!done) setDraft(body);
    });
  };
  return (
    <>
      <Listing
        query={tokens}
        items={tokens.data?.items ?? []}
        empty={<p className="palette-none">{text('tokens.none')}</p>}
      >
        {(items) => (
          <Table
            columns={[text('field.name'), text('tokens.scope'), text('tokens.expires'), text('factor.last-used')]}
            actions
          >
            {items.map((token) => (
              <tr key={token.id}>
                <td>{token.name}</td>
                <td className="mono">{token.scope.join(', ')}</td>
                <td className="sub">
                  <Moment at={token.expiresAt} />
                </td>
                <td className="sub">
                  <Moment at={token.lastUsedAt} /> {token.lastUsedAddress ?? ''}
                </td>
                <td className="actions">
                  <Button
                    size="xs"
                    variant="default"
                    aria-label={`${text('tokens.remove')} ${token.name}`}
                    onClick={() =>
                      ask({
                        title: text('factor.remove-title', { name: token.name }),
                        body: text('tokens.remove-body'),
                        action: text('tokens.remove'),
                        run: async () => {
                          await owner.remove(token.id);
                          await tokens.refetch();
                        },
                      })
                    }
                  >
                    {text('tokens.remove')}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      {owner.offered.length > 0 && (
        <Group mt="md">
          <Button
            variant="default"
            leftSection={<IconKey size={16} aria-hidden />}
            loading={busy}
            onClick={() => setDraft({ name: '', scope: [], days: DAYS })}
          >
            {text('tokens.add')}
          </Button>
        </Group>
      )}
      <Modal opened={draft !== undefined} onClose={() => setDraft(undefined)} title={text('tokens.add')}>
        {draft !== undefined && (
          <form onSubmit={create}>
            <Stack>
              <TextInput
                label={text('field.name')}
                required
                maxLength={100}
                data-autofocus
                value={draft.name}
                onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
              />
              <MultiSelect
                label={text('tokens.scope')}
                description={text('tokens.scope-help')}
                data={[...owner.offered]}
                value={draft.scope}
                onChange={(scope) => setDraft({ ...draft, scope })}
              />
              <NumberInput
                label={text('tokens.days')}
                min={1}
                max={366}
                value={draft.days}
                onChange={(days) => setDraft({ ...draft, days: typeof days === 'number' ? days : DAYS })}
              />
              <Button type="submit" disabled={draft.scope.length === 0 || draft.name.trim() === ''}>
                {text('tokens.add')}
              </Button>
            </Stack>
          </form>
        )}
      </Modal>
      <Modal opened={value !== undefined} onClose={() => setValue(undefined)} title={text('tokens.made')}>
        {value !== undefined && (
          <Stack>
            <Text size="sm">{text('tokens.made-lead')}</Text>
            <Code block className="totp-key">
              {value}
            </Code>
            <CopyButton value={value}>
              {({ copied, copy }) => (
                <Button onClick={copy} data-autofocus>
                  {text(copied ? 'common.copied' : 'tokens.copy')}
                </Button>
              )}
            </CopyButton>
          </Stack>
        )}
      </Modal>
      {confirmation}
      {dialog}
    </>
  );
}
