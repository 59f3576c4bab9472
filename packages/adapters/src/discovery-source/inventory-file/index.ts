import type { SourceType } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';
import { inventoryFolder, PATH_FIELD } from '../shared/inventory-folder.ts';
import { inventorySource } from '../shared/inventory-source.ts';
import { parseMachineList } from '../shared/machine-list.ts';

const WATCH_MS = 2_000;

/** A list of machines in a file, or in several in a folder. */
export function inventoryFile({ clock, folder }: { readonly clock: Clock; readonly folder: string }): SourceType {
  return {
    manifest: {
      kind: 'inventory-file',
      label: { en: 'List of machines (YAML, JSON, CSV)', de: 'Liste von Maschinen (YAML, JSON, CSV)' },
      parameters: [PATH_FIELD],
    },
    open({ parameters }) {
      const documents = inventoryFolder(folder, parameters);
      return Promise.resolve(inventorySource({ documents, parse: parseMachineList, clock, watchMs: WATCH_MS }));
    },
  };
}
