import { Button, Group, Text } from '@mantine/core';
import { IconDeviceMobile, IconFingerprint } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { api } from '../api/client.ts';
import { meQuery, type Me } from '../api/me.ts';
import { useConfirm } from '../components/confirm.tsx';
import { Modal } from '../components/layer.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { Table } from '../components/table.tsx';
import { Section } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';
import { Enrolment } from './enrolment.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';
import { factorsQuery, isStepUp, useStepUp } from './step-up.tsx';

/** The own second factors, on the page of the account. */
export function OwnFactors() {
  const text = useText();
  const client = useQueryClient();
  const factors = useQuery(factorsQuery);
  const [adding, setAdding] = useState<'totp' | 'passkey'>();
  const [codes, setCodes] = useState<readonly string[]>();
  const [confirmation, ask] = useConfirm();
  const [busy, run] = useAction();
  const [dialog, attempt] = useStepUp();
  const changed = (me?: Me): void => {
    if (me !== undefined) client.setQueryData(meQuery.queryKey, me);
    void client.invalidateQueries({ queryKey: factorsQuery.queryKey });
  };
  const add = (kind: 'totp' | 'passkey'): void => {
    setAdding(kind);
  };
  // The dialog for the fresh proof cannot lie on top of this one: it comes first, and this one again.
  const proveFirst = useCallback(
    (error: unknown): boolean => {
      if (!isStepUp(error)) return false;
      const kind = adding;
      setAdding(undefined);
      let isFirst = true;
      void attempt(() => {
        const result = isFirst ? Promise.reject(error) : Promise.resolve();
        isFirst = false;
        return result;
      }).then(
        () => setAdding(kind),
        () => undefined,
      );
      return true;
    },
    [adding, attempt],
  );
  const data = factors.data;
  return (
    <Section title={text('factor.own')} lead={text('factor.own-lead')}>
      <Listing
        query={factors}
        items={data?.items ?? []}
        empty={<p className="palette-none">{text('factor.own-none')}</p>}
      >
        {(items) => (
          <Table columns={[text('field.name'), text('factor.added'), text('factor.last-used')]} actions>
            {items.map((factor) => (
              <tr key={factor.id}>
                <td>
                  {factor.name} <span className="sub">{text(`factor-kind.${factor.kind}`)}</span>
                </td>
                <td className="sub">
                  <Moment at={factor.createdAt} />
                </td>
                <td className="sub">
                  <Moment at={factor.lastUsedAt} />
                </td>
                <td className="actions">
                  <Button
                    size="xs"
                    variant="default"
                    aria-label={`${text('common.remove')} ${factor.name}`}
                    disabled={data?.required === true && items.length === 1}
                    onClick={() =>
                      ask({
                        title: text('factor.remove-title', { name: factor.name }),
                        body: text('factor.remove-body'),
                        action: text('common.remove'),
                        run: async () => {
                          await attempt(() => api('removeFactor', { params: { id: factor.id } }));
                          changed();
                        },
                      })
                    }
                  >
                    {text('common.remove')}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      <Group mt="md">
        <Button
          variant="default"
          leftSection={<IconFingerprint size={16} aria-hidden />}
          disabled={data?.passkeys !== true}
          title={data?.passkeys === false ? text('factor.no-passkeys-here') : undefined}
          onClick={() => add('passkey')}
        >
          {text('factor.add-passkey')}
        </Button>
        <Button variant="default" leftSection={<IconDeviceMobile size={16} aria-hidden />} onClick={() => add('totp')}>
          {text('factor.add-totp')}
        </Button>
        {data !== undefined && data.items.length > 0 && (
          <>
            <Button
              variant="subtle"
              color="gray"
              loading={busy}
              onClick={() =>
                void run(async () => {
                  setCodes((await attempt(() => api('renewRecoveryCodes'))).recoveryCodes);
                  changed();
                })
              }
            >
              {text('factor.recovery-renew')}
            </Button>
            <Text size="sm" c="dimmed">
              {text.count('factor.recovery-left', data.recoveryCodes)}
            </Text>
          </>
        )}
      </Group>
      <Modal
        opened={adding !== undefined || codes !== undefined}
        onClose={() => {
          setAdding(undefined);
          setCodes(undefined);
        }}
        title={text(codes === undefined ? 'factor.enrol-title' : 'factor.recovery-title')}
      >
        {codes !== undefined && <RecoveryCodes codes={codes} onKept={() => setCodes(undefined)} />}
        {codes === undefined && adding !== undefined && (
          <Enrolment
            key={adding}
            kind={adding}
            passkeys
            onFault={proveFirst}
            onEnrolled={(me) => {
              setAdding(undefined);
              changed(me);
            }}
          />
        )}
      </Modal>
      {confirmation}
      {dialog}
    </Section>
  );
}
