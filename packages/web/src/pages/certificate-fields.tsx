import { NumberInput, Textarea } from '@mantine/core';
import type { CertificateTerms } from '@enchilada/contract';
import { MOST_CERTIFICATE_MINUTES } from '@enchilada/core/credential';
import { useState } from 'react';
import { useText } from '../i18n/text.tsx';

const USUAL_MINUTES = 3;

export function termsOf(terms: CertificateTerms | undefined): CertificateTerms {
  return terms ?? { principals: [], minutes: USUAL_MINUTES, sourceNetworks: [] };
}

/** What the certificates of a credential say besides the person. */
export function CertificateFields(props: {
  readonly terms: CertificateTerms;
  readonly onChange: (terms: CertificateTerms) => void;
}) {
  const text = useText();
  const { terms, onChange } = props;
  return (
    <>
      <Lines
        label={text('credentials.principals')}
        description={text('credentials.principals-help')}
        values={terms.principals}
        onChange={(principals) => onChange({ ...terms, principals })}
      />
      <NumberInput
        label={text('credentials.minutes')}
        description={text('credentials.minutes-help')}
        min={1}
        max={MOST_CERTIFICATE_MINUTES}
        allowDecimal={false}
        value={terms.minutes}
        onChange={(minutes) => onChange({ ...terms, minutes: Number(minutes) || USUAL_MINUTES })}
      />
      <Lines
        label={text('credentials.source-networks')}
        description={text('credentials.source-networks-help')}
        values={terms.sourceNetworks}
        onChange={(sourceNetworks) => onChange({ ...terms, sourceNetworks })}
      />
    </>
  );
}

/** Keeps what is typed while it is typed; blank lines are left out of the values. */
function Lines(props: {
  readonly label: string;
  readonly description: string;
  readonly values: readonly string[];
  readonly onChange: (values: string[]) => void;
}) {
  const [typed, setTyped] = useState(props.values.join('\n'));
  return (
    <Textarea
      classNames={{ input: 'mono' }}
      label={props.label}
      description={props.description}
      autosize
      minRows={2}
      maxRows={6}
      spellCheck={false}
      autoComplete="off"
      value={typed}
      onChange={(event) => {
        const { value } = event.currentTarget;
        setTyped(value);
        const lines = value.split('\n').map((line) => line.trim());
        props.onChange(lines.filter((line) => line !== ''));
      }}
    />
  );
}
