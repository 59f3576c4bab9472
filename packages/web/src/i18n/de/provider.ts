import type { provider as en } from '../en/provider.ts';

export const provider: Readonly<Record<keyof typeof en, string>> = {
  'nav.providers': 'Anmeldung',
  'sign-in.with': 'Weiter mit {name}',
  'sign-in.last-used': 'Hier zuletzt benutzt',
  'sign-in.or-password': 'oder mit Kennwort',
  'sign-in.where': 'Konto bei',
  'sign-in.here': 'Diese Bastion',
  'sign-in.coming-back': 'Anmeldung wird abgeschlossen …',
  'sign-in.start-again': 'Zurück zur Anmeldung',
  'sign-in.expired-title': 'Ein neues Kennwort ist fällig',
  'sign-in.expired-lead':
    'Das Verzeichnis verlangt für {name} ein neues Kennwort. Es wird dort geändert, nicht nur hier.',
  'sign-in.expired-submit': 'Ändern und anmelden',
  'providers.lead':
    'Wo Menschen nachweisen, wer sie sind. Konten entstehen bei der ersten Anmeldung, werden an der dauerhaften Kennung des Anbieters unterschieden und nach Ihren Regeln Gruppen zugeordnet.',
  'providers.add': 'Anbieter hinzufügen',
  'providers.empty': 'Nur lokale Konten',
  'providers.empty-body':
    'Binden Sie Ihren Anbieter oder Ihr Verzeichnis an, und alle melden sich mit dem an, was sie haben.',
  'providers.enabled': 'Bei der Anmeldung angeboten',
  'providers.enabled-help':
    'Ausschalten beendet die Anmeldungen, die darauf beruhen. Behalten Sie eine lokale Administration.',
  'providers.on': 'An',
  'providers.off': 'Aus',
  'providers.people': 'Personen',
  'providers.rules': 'Gruppen und Rollen',
  'providers.rules-help':
    'Gelesen bei jeder Anmeldung. Wer links in der Gruppe des Anbieters ist, kommt in Ihre Gruppe oder erhält die Rolle. Von Hand gegebene Mitgliedschaften bleiben.',
  'providers.rules-none': 'Noch keine Regeln',
  'providers.rule-from': 'Gruppe beim Anbieter',
  'providers.rule-group': 'Wird Mitglied von',
  'providers.rule-role': 'Erhält die Rolle',
  'providers.rule-keep': 'unverändert',
  'providers.rule-add': 'Regel hinzufügen',
  'providers.rule-remove': 'Regel {number} entfernen',
  'providers.admits': 'Wer sich anmelden darf',
  'providers.admits-matched': 'Nur Personen, auf die eine Regel passt',
  'providers.admits-everyone': 'Alle, die der Anbieter kennt',
  'providers.trusts-factor': 'Seinem zweiten Faktor vertrauen',
  'providers.trusts-factor-help':
    'Wer dort einen gegeben hat, wird hier nicht danach gefragt. Für Maschinen, die einen frischen Faktor verlangen, zählt der Zeitpunkt jener Anmeldung.',
  'providers.return-to': 'Rücksprungadresse',
  'providers.logout-to': 'Adresse für Back-Channel-Abmeldung',
  'providers.after-saving': 'Die Adressen, die beim Anbieter einzutragen sind, erscheinen nach dem Speichern.',
  'providers.secret-kept': 'Versiegelt gespeichert. Leer lassen, um es zu behalten.',
  'providers.remove-body':
    'Anmeldungen, die darauf beruhen, enden, und seine Mitgliedschaften werden zurückgenommen. Konten bleiben, ohne Anmeldeweg, sofern sie keinen anderen haben.',
};
