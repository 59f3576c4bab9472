import type { keys as english } from '../en/keys.ts';

export const keys: Readonly<Record<keyof typeof english, string>> = {
  'keys.all-current': 'Alles in der Datenbank ist mit dem aktuellen Schlüssel versiegelt.',
  'keys.answered': 'Hat geantwortet',
  'keys.answered-before': 'Antwort zuvor:',
  'keys.failed': 'Fehlgeschlagen',
  'keys.reason': 'Wie im Protokoll, auf Englisch:',
  'keys.file': 'Schlüsseldatei',
  'keys.key': 'Schlüssel',
  'keys.lead':
    'Jedes gespeicherte Geheimnis und jede Aufzeichnung hat einen eigenen Schlüssel; dieser Schlüssel verschlüsselt sie. Ohne ihn öffnet sich nichts davon.',
  'keys.lost': 'Fehlt',
  'keys.lost-next':
    'Diesen Schlüssel wieder in keyEncryption.alsoOpens oder die Schlüsseldatei eintragen und neu starten. Sonst muss neu eingegeben werden, was er versiegelt hat.',
  'keys.lost-title.one': '{count} Geheimnis ist mit einem Schlüssel versiegelt, der nicht konfiguriert ist',
  'keys.lost-title.other': '{count} Geheimnisse sind mit einem Schlüssel versiegelt, der nicht konfiguriert ist',
  'keys.no-service': 'Aus der Datei gelesen',
  'keys.nodes':
    '{nodes} mit diesem Schlüssel in keyEncryption.alsoOpens neu starten. Bis dahin öffnet sich dort nicht, was dieser Knoten versiegelt, und nichts kann neu versiegelt werden.',
  'keys.nodes-title': 'Anderen Knoten fehlt der aktuelle Schlüssel',
  'keys.not-asked': 'Noch nicht gefragt',
  'keys.of-node':
    'Wie der Knoten {node} es seit seinem Start gesehen hat; ein Dienst wird nur gefragt, wenn etwas versiegelt oder geöffnet wird.',
  'keys.opens': 'Öffnet nur',
  'keys.progress': 'Mit dem aktuellen Schlüssel versiegelt',
  'keys.recordings':
    'Aufzeichnungen sind nicht mitgezählt: Jede bleibt unter dem Schlüssel, der sie versiegelt hat. Ihn bis zum Ende ihrer Aufbewahrung behalten.',
  'keys.remaining.one': '{count} Geheimnis ist noch mit einem anderen Schlüssel versiegelt.',
  'keys.remaining.other': '{count} Geheimnisse sind noch mit einem anderen Schlüssel versiegelt.',
  'keys.rewrap': 'Neu versiegeln',
  'keys.rewrap-help':
    'Alle arbeiten währenddessen weiter, und es darf abgebrochen werden. Auf der Befehlszeile: enchilada keys rewrap',
  'keys.running': 'Gerade wird neu versiegelt.',
  'keys.seals': 'Versiegelt',
  'keys.sealed': 'Damit versiegelt',
  'keys.service': 'Dienst',
  'keys.stuck.one': '{count} Geheimnis ließ sich nicht neu versiegeln',
  'keys.stuck.other': '{count} Geheimnisse ließen sich nicht neu versiegeln',
  'keys.stuck-next': 'Das Protokoll des Gateways nennt jedes mit dem Grund. Es kann erneut versucht werden.',
  'keys.title': 'Hauptschlüssel',
  'keys.unknown': 'Kein konfigurierter Schlüssel',
  'keys.use': 'Verwendung',
};
