import { useState, type FormEvent } from 'react';
import { FaultNotice } from '../faults/fault-notice.tsx';

export interface Save {
  readonly busy: boolean;
  readonly fault: unknown;
  readonly onSubmit: (event: FormEvent) => void;
}

/** What a form does when it is submitted; a failure is shown in the form, whose fields keep what was typed. */
export function useSave(act: () => Promise<unknown>): Save {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();
  const save = async (): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      await act();
    } catch (error) {
      setFault(error);
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    fault,
    onSubmit: (event) => {
      event.preventDefault();
      void save();
    },
  };
}

/** Why the form was not saved. */
export function FormFault(props: { readonly save: Save }) {
  return props.save.fault === undefined ? null : <FaultNotice error={props.save.fault} />;
}
