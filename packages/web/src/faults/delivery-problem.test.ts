import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERY_REASONS, readDeliveryProblem } from '@enchilada/core/notification';
import { de } from '../i18n/de/index.ts';
import { en } from '../i18n/en/index.ts';
import { createText } from '../i18n/text-functions.ts';
import { deliverySentence, deliveryWords } from './delivery-problem.ts';

const LANGUAGES = [createText('en', en), createText('de', de)];

test('every reason is a sentence of its own in both languages, with host and status', () => {
  const known = DELIVERY_REASONS.filter((reason) => reason !== 'other');
  for (const text of LANGUAGES) {
    const sentences = known.map((reason) => deliverySentence({ reason, host: 'chat.example', status: 503 }, text));
    assert.equal(new Set(sentences).size, known.length);
    for (const sentence of sentences) assert.doesNotMatch(sentence ?? '{', /\{/u);
  }
  const [english, german] = LANGUAGES.map((text) =>
    deliveryWords({ reason: 'refused', host: 'chat.example', status: 403 }, text),
  );
  assert.match(english ?? '', /^chat\.example refused the message \(status 403\)\. Check/u);
  assert.match(german ?? '', /^chat\.example hat die Nachricht abgelehnt \(Status 403\)\. Prüfen/u);
});

test('rows of an earlier version are shown as they are, and hide nothing', () => {
  for (const text of LANGUAGES) {
    assert.equal(deliveryWords(readDeliveryProblem('hooks.example answered 500'), text), 'hooks.example answered 500');
    assert.equal(deliveryWords({ reason: 'other', detail: 'a\u202eb' }, text), 'a\\u{202e}b');
    assert.doesNotMatch(deliveryWords({ reason: 'refused', host: 'a\u202eb' }, text), /\u202e/u);
  }
});
