import { IconRefresh } from '@tabler/icons-react';
import { api } from '../api/client.ts';
import { Moment } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { EditAction, RemoveAction, RowAction, Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';
import type { Source, SourceKind } from './source.ts';

/** Sources with their health, and what may be done with each. */
export function SourceTable(props: {
  readonly sources: readonly Source[];
  readonly kindOf: (source: Source) => SourceKind | undefined;
  readonly readOnly: boolean;
  readonly onLook: (source: Source) => void;
  readonly onEdit: (source: Source) => void;
  readonly onRemove: (source: Source) => void;
  readonly onSwept: () => Promise<void>;
}) {
  const text = useText();
  return (
    <Table
      columns={[
        text('field.name'),
        text('sources.health'),
        { number: text('nav.machines') },
        text('sources.last-event'),
        text('sources.last-sweep'),
      ]}
      actions
    >
      {props.sources.map((source) => (
        <tr key={source.id}>
          <td>
            <button type="button" className="row-title" onClick={() => props.onLook(source)}>
              {source.name}
            </button>
            <div className="sub">{text.of(props.kindOf(source)?.label ?? { en: source.kind, de: source.kind })}</div>
          </td>
          <td>
            <Health source={source} />
          </td>
          <td className="number">{text.count('machines.count', source.machines)}</td>
          <td className="sub">
            <Moment at={source.lastEventAt} />
          </td>
          <td className="sub">
            <Moment at={source.lastSweepAt} />
          </td>
          <td className="actions">
            {!props.readOnly && (
              <>
                <SweepButton source={source} onDone={props.onSwept} />
                <EditAction name={source.name} onClick={() => props.onEdit(source)} />
                <RemoveAction
                  name={source.name}
                  disabled={source.enabled}
                  title={source.enabled ? text('sources.remove-off-first') : undefined}
                  onClick={() => props.onRemove(source)}
                />
              </>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** One word for the whole source, and what stands behind it. */
function Health({ source }: { readonly source: Source }) {
  const text = useText();
  const [tone, label] = ((): readonly [string, string] => {
    if (!source.enabled) return ['quiet', text('sources.off')];
    if (source.troubles.length > 0) return ['bad', text('sources.troubled')];
    if (source.heldScopes > 0) return ['warn', text('sources.held')];
    if (source.staleScopes > 0) return ['bad', text.count('sources.stale', source.staleScopes)];
    if (source.lastSweepAt === undefined) return ['quiet', text('sources.starting')];
    if (source.lateScopes > 0) return ['warn', text.count('sources.late', source.lateScopes)];
    return ['ok', text('sources.well')];
  })();
  return (
    <>
      <span className="state" data-tone={tone}>
        {label}
      </span>
      <div className="sub">
        {text.count('sources.scopes', source.scopes)}
        {source.retiredScopes > 0 && `, ${text.count('sources.retired-count', source.retiredScopes)}`}
      </div>
    </>
  );
}

function SweepButton({ source, onDone }: { readonly source: Source; readonly onDone: () => Promise<void> }) {
  const text = useText();
  const [busy, run] = useAction();
  return (
    <RowAction
      icon={IconRefresh}
      label={`${text('sources.sweep')} ${source.name}`}
      title={text('sources.sweep')}
      loading={busy}
      disabled={!source.enabled}
      onClick={() =>
        void run(async () => {
          await api('sweepSource', { params: { id: source.id } });
          await onDone();
        })
      }
    />
  );
}
