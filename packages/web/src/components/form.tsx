import { Button, Group, Stack } from '@mantine/core';
import { useEffect, useRef, useState, type SyntheticEvent, type ReactNode } from 'react';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { Drawer } from './layer.tsx';

export interface Save {
  readonly busy: boolean;
  readonly fault: unknown;
  readonly onSubmit: (event: SyntheticEvent) => void;
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
export function FormFault(props: { readonly save: Save; readonly next?: string | undefined }) {
  const { fault } = props.save;
  const notice = useRef<HTMLDivElement>(null);
  // Chromium answers a promise, which is no clean-up.
  useEffect(() => {
    notice.current?.scrollIntoView({ block: 'nearest' });
  }, [fault]);
  if (fault === undefined) return null;
  return (
    <div ref={notice}>
      <FaultNotice error={fault} next={props.next} />
    </div>
  );
}

/** A form at the side of its list. Who may only read sees the fields and no buttons. */
export function FormDrawer(props: {
  readonly title: string;
  readonly size: number;
  readonly save: Save;
  readonly readOnly?: boolean;
  readonly submit?: string;
  readonly ready?: boolean;
  /** What to do about the fault, where the form knows better. */
  readonly next?: string | undefined;
  /** Further acts, opposite to the form's own. */
  readonly aside?: ReactNode;
  /** What stands below the form and is no part of it. */
  readonly below?: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const text = useText();
  const { save, readOnly = false } = props;
  return (
    // A click beside it must not lose what was typed.
    <Drawer
      opened
      onClose={props.onClose}
      closeOnClickOutside={readOnly}
      size={props.size}
      title={props.title}
      classNames={{ content: 'form-drawer' }}
    >
      <form onSubmit={save.onSubmit} autoComplete="off">
        <fieldset className="form-group" disabled={readOnly}>
          <Stack>
            {props.children}
            <FormFault save={save} next={props.next} />
          </Stack>
        </fieldset>
        {!readOnly && (
          <div className="form-foot">
            <span>{props.aside}</span>
            <Group gap="sm" ml="auto">
              <Button variant="default" onClick={props.onClose}>
                {text('common.cancel')}
              </Button>
              <Button type="submit" loading={save.busy} disabled={props.ready === false}>
                {props.submit ?? text('common.save')}
              </Button>
            </Group>
          </div>
        )}
      </form>
      {props.below}
    </Drawer>
  );
}
