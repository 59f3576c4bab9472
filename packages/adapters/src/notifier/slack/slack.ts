import type { EgressPolicy } from '@enchilada/core/access';
import type { Notification, NotifierType } from '@enchilada/core/notification';
import { asWords } from '../shared/as-words.ts';
import { postJson, secretUrl } from '../shared/post-json.ts';

/** https://docs.slack.dev/messaging/formatting-message-text: what is between angle brackets mentions and links. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Plain text and blocks; others that take Slack's payload read at least the text, and Markdown and `@` in it. */
export function slackPayload({ title, facts, link, loud }: Notification): object {
  const headline = `${loud ? '🚨 ' : ''}${asWords(title)}`;
  return {
    text: escaped(headline),
    blocks: [
      { type: 'section', text: { type: 'plain_text', emoji: false, text: headline.slice(0, 3_000) } },
      {
        type: 'section',
        fields: facts.slice(0, 10).map(({ name, value }) => ({
          ...{ type: 'plain_text', emoji: false },
          text: `${name}: ${asWords(value)}`.slice(0, 2_000),
        })),
      },
      { type: 'section', text: { type: 'mrkdwn', text: `<${encodeURI(link)}|Enchilada>` } },
    ],
  };
}

/** An incoming webhook of Slack, or of whatever takes the same payload (Mattermost, Rocket.Chat, Discord's `/slack`). */
export function slack({ egress }: { readonly egress: EgressPolicy }): NotifierType {
  return {
    manifest: {
      kind: 'slack',
      label: { en: 'Slack and compatible', de: 'Slack und kompatible' },
      parameters: [],
      secret: {
        label: { en: 'Webhook address', de: 'Webhook-Adresse' },
        help: {
          en: 'Whoever knows it may post there, so it is kept sealed.',
          de: 'Wer sie kennt, darf dort schreiben; darum wird sie versiegelt aufbewahrt.',
        },
        required: true,
      },
    },
    open({ secret }) {
      const url = secretUrl(secret);
      return {
        deliver: (notification, signal) =>
          postJson({ url, body: JSON.stringify(slackPayload(notification)), egress, signal }),
      };
    },
  };
}
