import type { EgressPolicy } from '@enchilada/core/access';
import type { Notification, NotifierType } from '@enchilada/core/notification';
import { asWords } from '../shared/as-words.ts';
import { postJson, secretUrl } from '../shared/post-json.ts';

/** Cards read Markdown, `<at>` and `{{DATE()}}`: what people wrote becomes none of them. */
function escaped(text: string): string {
  const signs = /[\\[\](){}*_~`<>|#!]|^\s*[-+](?=\s)/gu;
  return asWords(text.replaceAll(signs, (sign) => `\\${sign.trimStart()}`));
}

/** An Adaptive Card in a message, as workflows ("post to a channel when a webhook request is received") take it. */
export function teamsPayload({ title, facts, link, loud }: Notification): object {
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            {
              ...{ type: 'TextBlock', text: escaped(title), wrap: true, size: 'Medium', weight: 'Bolder' },
              ...(loud ? { color: 'Attention' } : {}),
            },
            { type: 'FactSet', facts: facts.map(({ name, value }) => ({ title: name, value: escaped(value) })) },
          ],
          actions: [{ type: 'Action.OpenUrl', title: 'Enchilada', url: link }],
        },
      },
    ],
  };
}

export function teams({ egress }: { readonly egress: EgressPolicy }): NotifierType {
  return {
    manifest: {
      kind: 'teams',
      label: { en: 'Microsoft Teams and compatible', de: 'Microsoft Teams und kompatible' },
      parameters: [],
      secret: {
        label: { en: 'Webhook address', de: 'Webhook-Adresse' },
        help: {
          en: 'Of a workflow that posts what it receives. Whoever knows it may post there, so it is kept sealed.',
          de: 'Eines Workflows, der veröffentlicht, was er empfängt. Wer sie kennt, darf dort schreiben; darum wird sie versiegelt aufbewahrt.',
        },
        required: true,
      },
    },
    open({ secret }) {
      const url = secretUrl(secret);
      return {
        deliver: (notification, signal) =>
          postJson({ url, body: JSON.stringify(teamsPayload(notification)), egress, signal }),
      };
    },
  };
}
