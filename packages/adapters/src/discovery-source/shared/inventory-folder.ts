import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { ParameterField, ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { type Documents, failed } from './inventory-source.ts';

const LARGEST = 32 * 1024 * 1024;
const MOST_FILES = 1_000;

/** Which file or folder, below the one folder from which inventories are read. */
export const PATH_FIELD: ParameterField = {
  name: 'path',
  kind: 'text',
  required: true,
  group: { en: 'Reading', de: 'Lesen' },
  label: { en: 'File or folder', de: 'Datei oder Ordner' },
  help: {
    en: 'Below the folder for inventories of the node (discovery.inventories). Of a folder, every file in it is read. Changes are seen within seconds.',
    de: 'Unterhalb des Ordners für Inventare des Knotens (discovery.inventories). Aus einem Ordner wird jede Datei gelesen. Änderungen werden in Sekunden gesehen.',
  },
  maxLength: 300,
  pattern: '^(?!\\.)[^\\\\\\u0000-\\u001f]*$',
};

/**
 * The files of a source. INVARIANT: nothing outside the folder is read, by whichever path or link: who may add a source may not read the
 * node's files by it.
 */
export function inventoryFolder(root: string, parameters: ParameterValues): Documents {
  const given = parameters['path'];
  const path = typeof given === 'string' ? given : '';
  if (path === '') throw new Fault('CONFIGURATION_INVALID', 'name a file or a folder', { facts: { key: 'path' } });
  const inside = async (relative: string): Promise<string> => {
    const [real, base] = await Promise.all([realpath(join(root, relative)), realpath(root)]);
    if (!real.startsWith(base + sep)) throw failed(relative, 'it lies outside the folder for inventories');
    return real;
  };
  return {
    async list() {
      try {
        const whole = await inside(path);
        const stat = await lstat(whole);
        if (!stat.isDirectory()) return new Map([[path, `${stat.mtimeMs} ${stat.size} ${stat.ino}`]]);
        const names = (await readdir(whole)).filter((name) => !name.startsWith('.') && !name.endsWith('~')).sort();
        if (names.length > MOST_FILES) throw failed(path, `it holds more than ${MOST_FILES} files`);
        const files = new Map<string, string>();
        for (const name of names) {
          const one = await lstat(join(whole, name)).catch((cause: unknown) => {
            // It was removed in this moment.
            if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
            throw cause;
          });
          if (one !== undefined && !one.isDirectory())
            files.set(`${path}/${name}`, `${one.mtimeMs} ${one.size} ${one.ino}`);
        }
        return files;
      } catch (cause) {
        throw reasonOf(path, cause);
      }
    },
    async read(name) {
      try {
        const real = await inside(name);
        const { size } = await lstat(real);
        if (size > LARGEST) throw failed(name, `it has ${size} bytes, and ${LARGEST} are the most`);
        return await readFile(real, 'utf8');
      } catch (cause) {
        // A file that was taken out of its folder names no machine any more; a source's only file that is not there is a mistake.
        if (name !== path && isMissing(cause)) {
          await inside(path);
          return undefined;
        }
        throw reasonOf(name, cause);
      }
    },
  };
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}

function reasonOf(name: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM')
    return new Fault('DISCOVERY_DENIED', `${name} may not be read by the node (${code})`, {
      cause,
      facts: { account: name, permission: 'read' },
    });
  return failed(name, code === 'ENOENT' ? 'there is no such file in the folder for inventories' : code);
}
