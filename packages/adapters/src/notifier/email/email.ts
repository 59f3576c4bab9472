import { connect } from 'node:net';
import type { EgressPolicy } from '@enchilada/core/access';
import type { ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { deliveryFault, type Notification, type NotifierType } from '@enchilada/core/notification';
import { judgedLookup, literalRefusal } from '../../shared/judged-lookup.ts';
import { forbidden, socketFailure } from '../shared/delivery-failure.ts';

const GROUP = { en: 'Delivery', de: 'Zustellung' };
const ADDRESS = '^[^\\s@<>",;]+@[^\\s@<>",;]+$';
const LIMIT_MS = 15_000;

function textOf(parameters: ParameterValues, name: string): string {
  const value = parameters[name];
  return typeof value === 'string' ? value : '';
}

function bodyOf({ title, facts, link }: Notification): string {
  return [
    title,
    '',
    ...facts.map(({ name, value }) => `${name}: ${value.replaceAll(/\s+/gu, ' ')}`),
    '',
    link,
    '',
  ].join('\n');
}

interface MailFailure extends Error {
  readonly code?: string;
  /** Of the socket, where the code says only in which step it failed. */
  readonly originalCode?: string;
  readonly responseCode?: number | false;
}

/** INVARIANT: names the host and the status, never what was said: an answer may repeat the password. */
function mailFailure(host: string, cause: MailFailure): Fault {
  const { code, originalCode, responseCode } = cause;
  const status = typeof responseCode === 'number' ? responseCode : undefined;
  const told = { host, ...(status === undefined ? {} : { status }) };
  const message = `${host}: ${status ?? originalCode ?? code ?? cause.message}`.slice(0, 300);
  if (code === 'EAUTH') return deliveryFault({ reason: 'sign-in-refused', ...told }, message);
  if (code === 'ETLS') return deliveryFault({ reason: 'tls-failed', ...told }, message);
  // RFC 5321, 4.2.1: 4yz passes, 5yz does not.
  if (status !== undefined)
    return deliveryFault({ reason: status < 500 ? 'receiver-failed' : 'mail-refused', ...told }, message);
  if (code === 'ECONNECTION') return deliveryFault({ reason: 'unreachable', host }, message);
  return socketFailure(host, originalCode === undefined ? cause : { code: originalCode, message: cause.message });
}

/** Plain text over SMTP (RFC 5321), with TLS unless that was given up by name. */
export function email({ egress }: { readonly egress: EgressPolicy }): NotifierType {
  return {
    manifest: {
      kind: 'email',
      label: { en: 'E-mail (SMTP)', de: 'E-Mail (SMTP)' },
      parameters: [
        {
          name: 'host',
          kind: 'text',
          required: true,
          group: GROUP,
          label: { en: 'Mail server', de: 'Mailserver' },
          maxLength: 253,
          pattern: '^[A-Za-z0-9._:-]+$',
        },
        {
          name: 'port',
          kind: 'number',
          group: GROUP,
          label: { en: 'Port', de: 'Port' },
          default: 587,
          minimum: 1,
          maximum: 65_535,
        },
        {
          name: 'encryption',
          kind: 'choice',
          group: GROUP,
          label: { en: 'Encryption', de: 'Verschlüsselung' },
          default: 'starttls',
          options: [
            { value: 'starttls', label: { en: 'STARTTLS, required', de: 'STARTTLS, verlangt' } },
            { value: 'tls', label: { en: 'TLS from the first byte', de: 'TLS ab dem ersten Byte' } },
            {
              value: 'none',
              label: {
                en: 'None: without a name, in a trusted network',
                de: 'Keine: ohne Anmeldung, in einem vertrauten Netz',
              },
            },
          ],
        },
        {
          name: 'username',
          kind: 'text',
          group: GROUP,
          label: { en: 'User name', de: 'Benutzername' },
          default: '',
          maxLength: 200,
        },
        {
          name: 'from',
          kind: 'text',
          required: true,
          group: GROUP,
          label: { en: 'From', de: 'Von' },
          maxLength: 254,
          pattern: ADDRESS,
        },
        {
          name: 'to',
          kind: 'list',
          required: true,
          group: GROUP,
          label: { en: 'To', de: 'An' },
          maxItems: 50,
          maxLength: 254,
          pattern: ADDRESS,
        },
      ],
      secret: {
        label: { en: 'Password', de: 'Passwort' },
        help: { en: 'Of the user name at the mail server.', de: 'Zum Benutzernamen am Mailserver.' },
        required: false,
      },
    },
    open({ parameters, secret }) {
      const [host, username, encryption] = ['host', 'username', 'encryption'].map((name) => textOf(parameters, name));
      const to = parameters['to'];
      const invalid = (key: string, message: string): Fault =>
        new Fault('CONFIGURATION_INVALID', message, { facts: { key } });
      if (host === undefined || host === '') throw invalid('host', 'name a mail server');
      if (!Array.isArray(to) || to.length === 0) throw invalid('to', 'name at least one recipient');
      const hasName = username !== undefined && username !== '';
      if (hasName && secret === undefined) throw invalid('secret', 'a user name needs its password');
      if (hasName && encryption === 'none') throw invalid('encryption', 'a password is not sent without encryption');
      const port = typeof parameters['port'] === 'number' ? parameters['port'] : 587;
      return {
        async deliver(notification, signal) {
          const refusal = literalRefusal(host, egress);
          if (refusal !== undefined) throw forbidden(host, refusal);
          const { createTransport } = await import('nodemailer');
          const transport = createTransport({
            ...{ host, port, secure: encryption === 'tls', requireTLS: encryption === 'starttls' },
            ...{ ignoreTLS: encryption === 'none', disableFileAccess: true, disableUrlAccess: true },
            ...{ connectionTimeout: LIMIT_MS, greetingTimeout: LIMIT_MS, socketTimeout: LIMIT_MS },
            ...(hasName ? { auth: { user: username, pass: secret?.reveal() ?? '' } } : {}),
            // The address that is connected to is the one that was judged.
            getSocket: (_options, callback) => {
              const socket = connect({ host, port, lookup: judgedLookup(egress), signal });
              socket.once('error', callback);
              socket.once('connect', () => {
                socket.off('error', callback);
                callback(null, { connection: socket });
              });
            },
          });
          try {
            await transport.sendMail({
              from: textOf(parameters, 'from'),
              to: to.filter((address) => typeof address === 'string'),
              subject: `${notification.loud ? '[!] ' : ''}${notification.title}`
                .replaceAll(/[\r\n]+/gu, ' ')
                .slice(0, 200),
              text: bodyOf(notification),
              headers: { 'auto-submitted': 'auto-generated' },
              messageId: `<${notification.id}@enchilada>`,
              ...(notification.loud ? { priority: 'high' as const } : {}),
            });
          } catch (cause) {
            throw mailFailure(host, cause as MailFailure);
          } finally {
            transport.close();
          }
        },
      };
    },
  };
}
