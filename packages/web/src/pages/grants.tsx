import { Button, Checkbox, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconShieldCheck, IconTrash, IconUserQuestion } from '@tabler/icons-react';
import type { Grant } from '@enchilada/contract';
import { GRANT_ACTIONS, GRANT_EFFECTS, type GrantAction, type GrantEffect } from '@enchilada/core/access';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { useConfirm } from '../components/confirm.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { RowAction, Table } from '../components/table.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { AddButton, Page } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';
import { AccessDrawer } from './access-drawer.tsx';
import { ConditionFields, type ConditionDraft, conditionsOf, NO_CONDITIONS } from './grant-conditions.tsx';
import { selectorOf } from './grant-selector.ts';
import { EffectOfGrant } from './grant-effect.tsx';
import { GrantSentence } from './grant-sentence.tsx';
import { MachineSelect } from './machine-select.tsx';
import { SubjectSelect } from './subject-select.tsx';

export function GrantsPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'access.write');
  const [adding, setAdding] = useState(false);
  const [checking, setChecking] = useState(false);
  const [confirmation, ask] = useConfirm();
  const grants = useQuery({ queryKey: ['grants'], queryFn: ({ signal }) => api('listGrants', {}, { signal }) });
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['grants'] });
  const remove = (grant: Grant): void =>
    ask({
      title: text('grants.withdraw'),
      body: (
        <Stack gap="xs">
          <GrantSentence grant={grant} />
          <EffectOfGrant change={{ remove: grant.id }} />
          <Text size="sm" c="dimmed">
            {text('grants.withdraw-body')}
          </Text>
        </Stack>
      ),
      action: text('grants.withdraw'),
      run: async () => {
        await api('deleteGrant', { params: { id: grant.id } });
        await changed();
      },
    });
  const add = mayWrite && <AddButton label={text('grants.add')} onClick={() => setAdding(true)} />;
  return (
    <Page
      title={text('nav.grants')}
      lead={text('grants.lead')}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconUserQuestion size={16} aria-hidden />}
            onClick={() => setChecking(true)}
          >
            {text('access.check')}
          </Button>
          {add}
        </>
      }
    >
      <Listing
        query={grants}
        items={grants.data?.items ?? []}
        empty={
          <EmptyState icon={<IconShieldCheck size={22} />} title={text('grants.empty')} action={add}>
            {text('grants.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table columns={[text('grants.grant'), text('grants.given')]} actions>
            {items.map((grant) => (
              <tr key={grant.id}>
                <td>
                  <GrantSentence grant={grant} />
                </td>
                <td className="sub">
                  <Moment at={grant.createdAt} /> · {grant.createdBy}
                </td>
                <td className="actions">
                  {mayWrite && (
                    <RowAction
                      icon={IconTrash}
                      label={text('grants.withdraw-from', { name: grant.subjectName })}
                      onClick={() => remove(grant)}
                    />
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      {adding && (
        <GrantForm
          onClose={() => setAdding(false)}
          onSaved={() => {
            setAdding(false);
            void changed();
          }}
        />
      )}
      {checking && <AccessDrawer onClose={() => setChecking(false)} />}
      {confirmation}
    </Page>
  );
}

const SCOPES = ['labels', 'target-group', 'target', 'all'] as const;
type ScopeKind = (typeof SCOPES)[number];

function GrantForm(props: { readonly onClose: () => void; readonly onSaved: () => void }) {
  const text = useText();
  const [subjectKind, setSubjectKind] = useState<'group' | 'user'>('group');
  const [subjectId, setSubjectId] = useState<string | null>(null);
  const [scopeKind, setScopeKind] = useState<ScopeKind>('labels');
  const [scopeId, setScopeId] = useState<string | null>(null);
  const [labels, setLabels] = useState('');
  const [actions, setActions] = useState<GrantAction[]>(['connect']);
  const [effect, setEffect] = useState<GrantEffect>('allow');
  const [draft, setDraft] = useState<ConditionDraft>(NO_CONDITIONS);
  const targetGroups = useQuery({
    queryKey: ['target-groups'],
    queryFn: ({ signal }) => api('listTargetGroups', {}, { signal }),
  });
  const selector = selectorOf(labels);
  const scope =
    scopeKind === 'all'
      ? ({ kind: 'all' } as const)
      : scopeKind === 'labels'
        ? Object.keys(selector).length > 0 && ({ kind: 'labels', selector } as const)
        : scopeId !== null && ({ kind: scopeKind, id: scopeId } as const);
  const ready = subjectId !== null && scope !== false && actions.length > 0;
  const conditions = conditionsOf(draft, effect);
  const grant = ready && {
    ...{ subject: { kind: subjectKind, id: subjectId }, scope, actions, effect },
    ...(conditions === undefined ? {} : { conditions }),
  };
  const save = useSave(async () => {
    if (grant === false) return;
    await api('createGrant', { body: grant });
    props.onSaved();
  });
  return (
    <FormDrawer
      title={text('grants.add')}
      size={480}
      save={save}
      submit={text('grants.add')}
      ready={ready}
      onClose={props.onClose}
    >
      <fieldset className="form-group">
        <legend>{text('grants.who')}</legend>
        <Stack gap="xs">
          <SegmentedControl
            size="xs"
            value={subjectKind}
            data={(['group', 'user'] as const).map((value) => ({ value, label: text(`grants.subject-${value}`) }))}
            onChange={(value) => {
              setSubjectKind(value === 'user' ? 'user' : 'group');
              setSubjectId(null);
            }}
          />
          <SubjectSelect
            key={subjectKind}
            kind={subjectKind}
            aria-label={text('grants.who')}
            required
            value={subjectId}
            onChange={setSubjectId}
          />
        </Stack>
      </fieldset>
      <Stack gap={4}>
        <Text size="sm" fw={600}>
          {text('grants.effect')}
        </Text>
        <SegmentedControl
          size="xs"
          aria-label={text('grants.effect')}
          value={effect}
          data={GRANT_EFFECTS.map((value) => ({ value, label: text(`grants.effect-${value}`) }))}
          onChange={(value) => setEffect(value === 'deny' ? 'deny' : 'allow')}
        />
        {effect === 'deny' && (
          <Text size="xs" c="dimmed">
            {text('grants.deny-help')}
          </Text>
        )}
      </Stack>
      <Checkbox.Group
        label={text('grants.may')}
        value={actions}
        onChange={(values) => setActions(GRANT_ACTIONS.filter((action) => values.includes(action)))}
      >
        <Stack gap={6} mt={6}>
          {GRANT_ACTIONS.map((action) => (
            <Checkbox key={action} value={action} label={text(`grant-action.${action}`)} />
          ))}
        </Stack>
      </Checkbox.Group>
      <fieldset className="form-group">
        <legend>{text('grants.which')}</legend>
        <Stack gap="xs">
          <Select
            aria-label={text('grants.which')}
            allowDeselect={false}
            data={SCOPES.map((kind) => ({ value: kind, label: text(`grants.scope-kind-${kind}`) }))}
            value={scopeKind}
            onChange={(kind) => {
              setScopeKind(kind ?? 'labels');
              setScopeId(null);
            }}
          />
          {scopeKind === 'labels' && (
            <TextInput
              aria-label={text('field.labels')}
              description={text('grants.labels-help')}
              placeholder="env=prod,stage team=payments"
              value={labels}
              onChange={(event) => setLabels(event.currentTarget.value)}
              spellCheck={false}
            />
          )}
          {scopeKind === 'target' && (
            <MachineSelect
              aria-label={text('grants.scope-kind-target')}
              required
              value={scopeId}
              onChange={setScopeId}
            />
          )}
          {scopeKind === 'target-group' && (
            <Select
              aria-label={text('grants.scope-kind-target-group')}
              searchable
              required
              data={(targetGroups.data?.items ?? []).map((group) => ({ value: group.id, label: group.name }))}
              value={scopeId}
              onChange={setScopeId}
              placeholder={text('grants.choose')}
            />
          )}
        </Stack>
      </fieldset>
      <ConditionFields effect={effect} draft={draft} onChange={setDraft} />
      {grant !== false && <EffectOfGrant change={{ add: grant }} />}
    </FormDrawer>
  );
}
