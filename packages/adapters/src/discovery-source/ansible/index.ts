import type { SourceType } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';
import { inventoryFolder, PATH_FIELD } from '../shared/inventory-folder.ts';
import { inventorySource } from '../shared/inventory-source.ts';
import { parseAnsible } from './ansible-inventory.ts';

const WATCH_MS = 2_000;

/** An inventory of Ansible: INI, YAML, or what `ansible-inventory --list` prints. */
export function ansible({ clock, folder }: { readonly clock: Clock; readonly folder: string }): SourceType {
  return {
    manifest: {
      kind: 'ansible',
      label: { en: 'Ansible inventory', de: 'Ansible-Inventar' },
      parameters: [PATH_FIELD],
    },
    open({ parameters }) {
      const documents = inventoryFolder(folder, parameters);
      return Promise.resolve(inventorySource({ documents, parse: parseAnsible, clock, watchMs: WATCH_MS }));
    },
  };
}
