import { createHmac } from 'node:crypto';
import type { EgressPolicy } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { NotifierType } from '@enchilada/core/notification';
import type { Clock } from '@enchilada/core/time';
import { postJson } from '../shared/post-json.ts';

export interface WebhookParts {
  readonly egress: EgressPolicy;
  readonly clock: Clock;
}

/** JSON to an address, signed: `X-Enchilada-Signature: t=SECONDS,v1=HEX`, the HMAC-SHA256 of `SECONDS.BODY`. */
export function webhook({ egress, clock }: WebhookParts): NotifierType {
  return {
    manifest: {
      kind: 'webhook',
      label: { en: 'Webhook (signed JSON)', de: 'Webhook (signiertes JSON)' },
      parameters: [
        {
          name: 'url',
          kind: 'text',
          required: true,
          group: { en: 'Delivery', de: 'Zustellung' },
          label: { en: 'Address', de: 'Adresse' },
          help: {
            en: 'Redirects are not followed; egress rules hold.',
            de: 'Weiterleitungen wird nicht gefolgt; die Regeln für ausgehende Verbindungen gelten.',
          },
          maxLength: 500,
          pattern: '^https://[^\\s#@]+$',
        },
      ],
      secret: {
        label: { en: 'Signing key', de: 'Signierschlüssel' },
        help: {
          en: 'At least 16 characters, shared with the receiver, who checks the signature of each message with it.',
          de: 'Mindestens 16 Zeichen, auch dem Empfänger bekannt, der damit die Signatur jeder Nachricht prüft.',
        },
        required: true,
      },
    },
    open({ parameters, secret }) {
      const url = URL.parse(String(parameters['url'] ?? ''));
      if (url?.protocol !== 'https:')
        throw new Fault('CONFIGURATION_INVALID', 'the address must begin with https://', { facts: { key: 'url' } });
      if (secret === undefined || secret.reveal().length < 16)
        throw new Fault('CONFIGURATION_INVALID', 'the signing key has at least 16 characters', {
          facts: { key: 'secret' },
        });
      return {
        deliver(notification, signal) {
          const body = JSON.stringify(notification);
          const seconds = Math.floor(clock.now() / 1_000);
          const mac = createHmac('sha256', secret.reveal()).update(`${seconds}.${body}`).digest('hex');
          const headers = {
            'x-enchilada-event': notification.event,
            'x-enchilada-delivery': notification.id,
            'x-enchilada-signature': `t=${seconds},v1=${mac}`,
          };
          return postJson({ url, body, headers, egress, signal });
        },
      };
    },
  };
}
