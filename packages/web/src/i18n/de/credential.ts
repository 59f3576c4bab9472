export const credential = {
  'authority.activate': 'Damit signieren',
  'authority.activate-body':
    'Erst wenn jede Maschine ihm vertraut. Was der jetzige Schlüssel signiert hat, gilt noch Minuten, und ihm wird vertraut, bis er entfernt ist.',
  'authority.activate-title': 'Mit dem nächsten Schlüssel signieren',
  'authority.copy': 'Kopieren',
  'authority.copy-file': 'Nur die Schlüssel kopieren',
  'authority.lead':
    'Signiert für jede Sitzung ein Zertifikat, das Minuten und nur für diese Person gilt. Maschinen müssen ihren Schlüsseln einmal vertrauen; sonst liegt nichts auf ihnen.',
  'authority.key': 'Signierschlüssel',
  'authority.made': 'Erzeugt',
  'authority.make-first': 'Zertifizierungsstelle anlegen',
  'authority.make-next': 'Nächsten Schlüssel vorbereiten',
  'authority.none': 'Noch kein Signierschlüssel',
  'authority.remove-body':
    'Die Maschinen dürfen ihn vergessen. Eine Sitzung, die gerade mit einem Zertifikat dieses Schlüssels geöffnet wird, scheitert.',
  'authority.rotation':
    'Schlüsselwechsel: den nächsten vorbereiten, beide auf die Maschinen bringen, mit dem nächsten signieren, dann den alten entfernen.',
  'authority.steps': 'Auf jeder Maschine',
  'authority.title': 'Zertifizierungsstelle',
  'authority-state.current': 'signiert',
  'authority-state.next': 'nächster',
  'authority-state.previous': 'voriger',
  'credential-kind.certificate': 'Kurzlebiges Zertifikat',
  'credential-kind.certificate.help':
    'Vom Gateway für jede Sitzung ausgestellt, unter einem Schlüssel, der nur im Speicher lebt. Nichts Geheimes wird gespeichert.',
  'credentials.minutes': 'Gültig für, in Minuten',
  'credentials.minutes-help': 'Lang genug zum Verbinden; die Sitzung läuft weiter.',
  'credentials.principals': 'Namen im Zertifikat',
  'credentials.principals-help':
    'Einer je Zeile. Leer: der Benutzername. Mit AuthorizedPrincipalsFile auf der Maschine können es Rollen sein.',
  'credentials.source-networks': 'Vorgezeigt von',
  'credentials.source-networks-help':
    'Netze des Gateways, wie Maschinen es sehen, eines je Zeile, als 10.0.0.0/8. Leer: von überall.',
  'credentials.username-template':
    '{username} steht für den Anmeldenamen der Person, ein leeres Feld auch; außerdem {email.local} und {attribute.NAME}.',
  'credentials.kept': 'Wo es liegt',
  'credentials.kept-here': 'Hier, versiegelt',
  'credentials.kept-help':
    'Bei einem Geheimnisspeicher halten die Zugangsdaten nur den Ort; der Wert wird für jede Sitzung geholt und nirgends behalten.',
  'credentials.path': 'Pfad des Geheimnisses',
  'credentials.computer': 'Computer im Verzeichnis',
  'credentials.computer-help':
    '{host} ist der Hostname der geöffneten Maschine, {host.name} der Teil vor dem ersten Punkt, {name} der Name der Maschine hier. Für gefundene Maschinen gilt nur {host}.',
  'credentials.field': 'Feld',
  'credentials.field-help': 'Eines Wertes, der ein JSON-Objekt ist. Leer: der ganze Wert.',
  'credentials.passphrase-field': 'Feld seiner Passphrase',
  'credentials.signed': 'Unterschrieben von',
  'credentials.signed-help': 'Die Zertifizierungsstelle, der Maschinen vertrauen.',
  'credentials.signed-here': 'Das Gateway',
  'credentials.role-path': 'Pfad der Rolle, die unterschreibt',
  'secret-stores.add': '{kind} hinzufügen',
  'secret-stores.external-id': 'Externe Kennung',
  'secret-stores.external-id-help': 'Die Vertrauensrichtlinie der Rolle muss sie verlangen.',
  'secret-stores.external-id-later':
    'Mit einer Rolle: zuerst speichern, dann wird die externe Kennung für ihre Vertrauensrichtlinie gezeigt.',
  'secret-stores.lead':
    'Geheimnisse, die bleiben, wo sie sind: Zugangsdaten nennen den Ort, und das Gateway holt den Wert für eine Sitzung.',
  'secret-stores.none': 'Noch kein Geheimnisspeicher',
  'secret-stores.remove-body': 'Nur möglich, solange keine Zugangsdaten darauf verweisen.',
  'secret-stores.title': 'Geheimnisspeicher',
  'secret-stores.uses': 'Zugangsdaten',
} as const;
