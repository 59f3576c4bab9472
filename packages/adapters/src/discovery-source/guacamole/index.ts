import type { SourceType } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';
import { inventoryFolder, PATH_FIELD } from '../shared/inventory-folder.ts';
import { inventorySource } from '../shared/inventory-source.ts';
import { parseConnections } from './connections.ts';

const WATCH_MS = 2_000;

/** An export of the connections of Apache Guacamole. */
export function guacamole({ clock, folder }: { readonly clock: Clock; readonly folder: string }): SourceType {
  return {
    manifest: {
      kind: 'guacamole',
      label: { en: 'Guacamole connections', de: 'Guacamole-Verbindungen' },
      parameters: [PATH_FIELD],
    },
    open({ parameters }) {
      const documents = inventoryFolder(folder, parameters);
      return Promise.resolve(inventorySource({ documents, parse: parseConnections, clock, watchMs: WATCH_MS }));
    },
  };
}
