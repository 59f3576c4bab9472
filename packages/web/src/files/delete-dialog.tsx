import { Alert, Button, Group, Progress, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { FileEntry } from '@enchilada/contract';
import { useEffect, useRef, useState } from 'react';
import { Modal } from '../components/layer.tsx';
import { presentFault } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';

const MOST_NAMED = 8;

interface Course {
  readonly state: 'asked' | 'running' | 'over';
  readonly done: number;
  readonly failed: readonly { readonly entry: FileEntry; readonly error: unknown }[];
}

/** Several at once: asks, deletes one after another, and tells which are still there. */
export function DeleteDialog(props: {
  readonly entries: readonly FileEntry[];
  readonly run: (entry: FileEntry) => Promise<unknown>;
  /** With what is still there. */
  readonly onClose: (left: readonly FileEntry[]) => void;
}) {
  const text = useText();
  const { entries } = props;
  const [course, setCourse] = useState<Course>({ state: 'asked', done: 0, failed: [] });
  const isStopped = useRef(false);
  useEffect(() => {
    isStopped.current = false;
    return () => {
      isStopped.current = true;
    };
  }, []);
  const countsOf = ({ done }: Course) => ({ done: text.number(done), count: text.number(entries.length) });
  const close = (now: Course): void =>
    props.onClose([...now.failed.map(({ entry }) => entry), ...entries.slice(now.done + now.failed.length)]);
  const run = async (): Promise<void> => {
    let now: Course = { state: 'running', done: 0, failed: [] };
    for (const entry of entries) {
      if (isStopped.current) break;
      setCourse(now);
      now = await props.run(entry).then(
        () => ({ ...now, done: now.done + 1 }),
        (error: unknown) => ({ ...now, failed: [...now.failed, { entry, error }] }),
      );
    }
    if (now.failed.length > 0) return setCourse({ ...now, state: 'over' });
    if (now.done < entries.length) notifications.show({ message: text('files.delete-stopped', countsOf(now)) });
    close(now);
  };
  const cancel = (): void => {
    isStopped.current = true;
    if (course.state !== 'running') close(course);
  };
  return (
    <Modal opened onClose={cancel} title={text.count('files.delete-count', entries.length)}>
      <Stack>
        {course.state === 'asked' && (
          <>
            <Text size="sm">
              {text('files.delete-selected-body')}
              {entries.some(({ kind }) => kind === 'folder') && ` ${text('files.delete-folder-body')}`}
            </Text>
            <Names names={entries.map(({ name }) => name)} />
          </>
        )}
        {course.state === 'running' && (
          <>
            <Progress
              value={((course.done + course.failed.length) / entries.length) * 100}
              aria-label={text('files.deleting')}
            />
            <Text size="sm" role="status">
              {text('files.deleted-of', countsOf(course))}
            </Text>
          </>
        )}
        {course.state === 'over' && (
          <Alert role="alert" color="red" title={text.count('files.delete-failed', course.failed.length)}>
            {text('files.deleted-of', countsOf(course))}
            <Names
              names={course.failed.map(({ entry, error }) => `${entry.name}: ${presentFault(error, text).title}`)}
            />
            {course.failed.some(({ entry }) => entry.kind === 'folder') && text('files.delete-folder-body')}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" data-autofocus onClick={cancel}>
            {text(course.state === 'over' ? 'common.close' : 'common.cancel')}
          </Button>
          {course.state !== 'over' && (
            <Button loading={course.state === 'running'} onClick={() => void run()}>
              {text('files.delete')}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}

function Names({ names }: { readonly names: readonly string[] }) {
  const text = useText();
  return (
    <ul className="files-named">
      {names.slice(0, MOST_NAMED).map((name, index) => (
        <li key={`${index} ${name}`}>{name}</li>
      ))}
      {names.length > MOST_NAMED && <li>{text.count('files.and-more', names.length - MOST_NAMED)}</li>}
    </ul>
  );
}
