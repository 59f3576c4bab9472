import { Alert, Checkbox, Select, SimpleGrid, Skeleton, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { IconUrgent } from '@tabler/icons-react';
import type { Machine, RequestTerms } from '@enchilada/contract';
import { TAG_PREFIX } from '@enchilada/core/discovery';
import type { GrantAction } from '@enchilada/core/access';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { EmptyState } from '../app/page-states.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { useText, type Text as Words } from '../i18n/text.tsx';

type Terms = RequestTerms['items'][number];

const LENGTHS = [15, 30, 60, 120, 240, 480, 1_440, 2_880, 10_080];
const USUAL_MINUTES = 60;

function lengthWords(text: Words, minutes: number): string {
  return minutes % 60 === 0 ? text.count('requests.hours', minutes / 60) : text.count('requests.minutes', minutes);
}

/** Asks for a machine, or for all that carry one of its labels. */
export function RequestForm(props: { readonly machine: Machine; readonly onClose: () => void }) {
  const text = useText();
  const { machine, onClose } = props;
  const terms = useQuery({
    queryKey: ['request-terms', machine.id],
    queryFn: ({ signal }) => api('getRequestTerms', { params: { id: machine.id } }, { signal }),
  });
  const rule = terms.data?.items[0];
  if (rule === undefined)
    return (
      <FormDrawer
        title={text('requests.ask-title', { name: machine.name })}
        size={460}
        save={{ busy: false, fault: terms.error ?? undefined, onSubmit: (event) => event.preventDefault() }}
        submit={text('requests.ask')}
        ready={false}
        onClose={onClose}
      >
        {terms.isPending && (
          <Stack role="status" aria-label={text('common.loading')}>
            {[20, 96, 76, 60].map((height) => (
              <Skeleton key={height} height={height} />
            ))}
          </Stack>
        )}
        {terms.isSuccess && (
          <EmptyState icon={<IconUrgent size={22} />} title={text('requests.none-possible')}>
            {text('fault.APPROVAL_REQUIRED.next')}
          </EmptyState>
        )}
      </FormDrawer>
    );
  return <Form machine={machine} rule={rule} onClose={onClose} />;
}

function Form({ machine, rule, onClose }: { machine: Machine; rule: Terms; onClose: () => void }) {
  const text = useText();
  const client = useQueryClient();
  const labels = Object.entries(machine.labels).filter(([key]) => !key.startsWith(TAG_PREFIX));
  const [label, setLabel] = useState('');
  const [actions, setActions] = useState<readonly GrantAction[]>(rule.actions);
  const [begin, setBegin] = useState('');
  const [minutes, setMinutes] = useState(Math.min(USUAL_MINUTES, rule.minutes));
  const [reason, setReason] = useState('');
  const [hurry, setHurry] = useState(false);
  const chosen = labels.find(([key]) => key === label);
  const save = useSave(async () => {
    const from = begin === '' || hurry ? undefined : new Date(begin).getTime();
    await api('createRequest', {
      body: {
        scope:
          chosen === undefined
            ? { kind: 'target', id: machine.id }
            : { kind: 'labels', selector: { [chosen[0]]: [chosen[1]] } },
        actions: rule.actions.filter((action) => action === 'connect' || actions.includes(action)),
        ...(from === undefined ? {} : { from }),
        until: (from ?? Date.now()) + minutes * 60_000,
        reason: reason.trim(),
        ...(hurry ? { breakGlass: true } : {}),
      },
    });
    await Promise.all(['machines', 'requests'].map((key) => client.invalidateQueries({ queryKey: [key] })));
    onClose();
  });
  const lengths = [...new Set([...LENGTHS.filter((length) => length < rule.minutes), rule.minutes])];
  return (
    <FormDrawer
      title={text('requests.ask-title', { name: machine.name })}
      size={460}
      save={save}
      submit={text(hurry ? 'requests.hurry-submit' : 'requests.ask')}
      ready={reason.trim().length >= 3}
      onClose={onClose}
    >
      <Text size="sm">
        {text.count('requests.ask-lead', rule.count, { groups: rule.groups.join(', ') })}{' '}
        {text.count('requests.good-for', rule.sessions)}
      </Text>
      <Textarea
        label={text('requests.reason')}
        description={text('requests.reason-help')}
        required
        autosize
        minRows={2}
        maxLength={1000}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value.replaceAll('\n', ' '))}
        data-autofocus
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <Select
          label={text('requests.length')}
          allowDeselect={false}
          data={lengths.map((length) => ({ value: String(length), label: lengthWords(text, length) }))}
          value={String(minutes)}
          onChange={(value) => setMinutes(Number(value))}
        />
        <TextInput
          type="datetime-local"
          label={text('requests.begin')}
          description={text('requests.begin-help')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          disabled={hurry}
          value={begin}
          onChange={(event) => setBegin(event.currentTarget.value)}
        />
      </SimpleGrid>
      {labels.length > 0 && (
        <Select
          label={text('requests.scope')}
          allowDeselect={false}
          data={[
            { value: '', label: text('requests.scope-machine') },
            ...labels.map(([key, value]) => ({
              value: key,
              label: text('requests.scope-label', { label: `${key}=${value}` }),
            })),
          ]}
          value={label}
          onChange={(value) => setLabel(value ?? '')}
        />
      )}
      {rule.actions.length > 1 && (
        <Checkbox.Group
          label={text('requests.also')}
          value={[...actions]}
          onChange={(values) => setActions(rule.actions.filter((action) => values.includes(action)))}
        >
          {rule.actions
            .filter((action) => action !== 'connect')
            .map((action) => (
              <Checkbox key={action} mt={6} value={action} label={text(`grant-action.${action}`)} />
            ))}
        </Checkbox.Group>
      )}
      {rule.breakGlass && (
        <Checkbox
          label={text('requests.hurry')}
          checked={hurry}
          onChange={(event) => setHurry(event.currentTarget.checked)}
        />
      )}
      {hurry && (
        <Alert color="red" variant="light" icon={<IconUrgent size={18} aria-hidden />}>
          {text('requests.hurry-help')}
        </Alert>
      )}
    </FormDrawer>
  );
}
