import { Fault } from '../fault/index.ts';

/** What the place of a machine's own secret may say of the machine. */
export interface NamedMachine {
  readonly name: string;
  readonly host: string;
}

const TOKEN = /\{([^{}]*)\}/gu;
const TOKENS = ['host', 'host.name', 'name'];
/** Nothing that separates, quotes or matches several. */
const FIT = /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,252}$/u;

/** What is wrong with a template, for whoever writes it; undefined where nothing is. */
export function placeProblem(template: string): string | undefined {
  if (/[{}]/u.test(template.replaceAll(TOKEN, ''))) return `has a brace without its other half, received ${template}`;
  for (const [, token = ''] of template.matchAll(TOKEN))
    if (!TOKENS.includes(token)) return `must use {host}, {host.name} or {name}, received {${token}}`;
  return undefined;
}

/**
 * Whether the place follows from a name that others may give a machine in a cloud: the tag that names it here, or the first label of a public
 * address, which some clouds let the owner of the address choose. The whole host name is nobody's choice there.
 */
export function isPlacedByGivenName(template: string): boolean {
  return template.includes('{name}') || template.includes('{host.name}');
}

/** The place for one machine. @throws Fault SECRET_NOT_FOUND where the machine has no such value, or one that may not stand there */
export function fillPlace(template: string, { name, host }: NamedMachine): string {
  return template.replaceAll(TOKEN, (token) => {
    const value = token === '{name}' ? name : token === '{host.name}' ? firstLabel(host) : host;
    if (!FIT.test(value))
      throw new Fault('SECRET_NOT_FOUND', `${token} of ${name} names no computer, received ${value}`, {
        facts: { path: template },
      });
    return value;
  });
}

/** Of an address nothing: it has no labels. */
function firstLabel(host: string): string {
  return /^[\d.]+$|:/u.test(host) ? '' : (host.split('.')[0] ?? '');
}
