import { Fault } from '@enchilada/core/fault';
import { DOMParser } from '@xmldom/xmldom';

export const NS = {
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
} as const;

const MOST_DEPTH = 60;
const MOST_TAGS = 60_000;

export function refused(why: string, cause?: unknown): Fault {
  return new Fault('PROVIDER_REFUSED', why, cause === undefined ? {} : { cause });
}

/** No key that is known of the provider has signed it: perhaps one that is new. */
export function signedByNobody(cause?: unknown): Fault {
  const facts = { unknownKey: true };
  return new Fault('PROVIDER_REFUSED', 'the signature is not by a key of the provider', {
    facts,
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * A message as a document without anything that two readers may read differently: no DTD, comment, CDATA section or processing instruction.
 * @throws Fault PROVIDER_REFUSED
 */
export function parseMessage(xml: string): Element {
  const body = xml.replace(/^\uFEFF?\s*<\?xml\s[^<>?]*\?>\s*/u, '');
  if (/<[!?]/u.test(body)) throw refused('the message has a DTD, comment, CDATA section or processing instruction');
  return parse(body);
}

/** What a provider says of itself. Comments are usual there. @throws Fault PROVIDER_REFUSED */
export function parseMetadata(xml: string): Element {
  if (/<!(?:DOCTYPE|ENTITY)/iu.test(xml)) throw refused('the metadata has a DTD');
  return parse(xml.replace(/^\uFEFF/u, ''));
}

function parse(xml: string): Element {
  requireShallow(xml);
  if (!/^\s*<.*>\s*$/su.test(xml)) throw refused('text stands beside the root');
  const fail = (message: unknown): never => {
    throw refused(`the XML is not well-formed: ${String(message).replaceAll(/\s+/gu, ' ').slice(0, 120)}`);
  };
  const parser = new DOMParser({ errorHandler: { warning: fail, error: fail, fatalError: fail } });
  const document = parser.parseFromString(xml, 'text/xml') as Document | undefined;
  const elements = [...nodesOf(document?.childNodes)].filter(isElement);
  const [root] = elements;
  if (root === undefined || elements.length !== 1) throw refused('the XML has no root or several');
  return root;
}

/** Readers of XML call themselves; a message of brackets must not exhaust them. */
function requireShallow(xml: string): void {
  let depth = 0;
  let tags = 0;
  for (const [tag] of xml.matchAll(/<(?:"[^"]*"|'[^']*'|[^'">])*>/gu)) {
    tags += 1;
    if (/^<[!?]/u.test(tag)) continue;
    if (tag.startsWith('</')) depth -= 1;
    else if (!tag.endsWith('/>')) depth += 1;
    if (depth > MOST_DEPTH || tags > MOST_TAGS) throw refused('the XML is too deep or too long');
  }
}

function* nodesOf(list: NodeListOf<Node> | undefined): Generator<Node> {
  for (let index = 0; index < (list?.length ?? 0); index++) {
    const node = list?.item(index);
    if (node !== null && node !== undefined) yield node;
  }
}

function isElement(node: Node): node is Element {
  return node.nodeType === 1;
}

export function childrenOf(parent: Element): readonly Element[] {
  return [...nodesOf(parent.childNodes)].filter(isElement);
}

export function isNamed(element: Element, namespace: string, name: string): boolean {
  return element.namespaceURI === namespace && element.localName === name;
}

export function allOf(parent: Element, namespace: string, name: string): readonly Element[] {
  return childrenOf(parent).filter((child) => isNamed(child, namespace, name));
}

/** The one child of this name, or none. @throws Fault PROVIDER_REFUSED where there are several */
export function oneOf(parent: Element, namespace: string, name: string): Element | undefined {
  const found = allOf(parent, namespace, name);
  if (found.length > 1) throw refused(`there are several elements ${name}`);
  return found[0];
}

/** @throws Fault PROVIDER_REFUSED */
export function theOne(parent: Element, namespace: string, name: string): Element {
  const found = oneOf(parent, namespace, name);
  if (found === undefined) throw refused(`the element ${name} is missing`);
  return found;
}

export function* everyElement(root: Element): Generator<Element> {
  yield root;
  for (const child of childrenOf(root)) yield* everyElement(child);
}

export function attributeOf(element: Element, name: string): string | undefined {
  return element.hasAttribute(name) ? (element.getAttribute(name) ?? '') : undefined;
}

/** The text of an element that holds nothing else. @throws Fault PROVIDER_REFUSED */
export function textOf(element: Element): string {
  const nodes = [...nodesOf(element.childNodes)];
  if (nodes.some(({ nodeType }) => nodeType !== 3)) throw refused(`${element.localName} holds more than text`);
  return nodes
    .map(({ nodeValue }) => nodeValue ?? '')
    .join('')
    .trim();
}

/** Text of an attribute or element of a message that we write. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[\t\n\r]/gu, ' ');
}
