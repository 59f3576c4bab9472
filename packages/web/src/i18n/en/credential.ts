export const credential = {
  'authority.activate': 'Sign with it',
  'authority.activate-body':
    'Only once every machine trusts it. What the present key signed stays valid for minutes, and that key stays trusted until it is removed.',
  'authority.activate-title': 'Sign with the next key',
  'authority.copy': 'Copy',
  'authority.copy-file': 'Copy the keys alone',
  'authority.lead':
    'Signs a certificate for each session, good for minutes and for this one person. Machines need to trust its keys once; nothing else is kept on them.',
  'authority.key': 'Signing key',
  'authority.made': 'Made',
  'authority.make-first': 'Make the authority',
  'authority.make-next': 'Prepare the next key',
  'authority.none': 'No signing key yet',
  'authority.remove-body':
    'Machines may forget it. A session that is being opened with a certificate of this key right now fails.',
  'authority.rotation':
    'To change the key: prepare the next one, bring both to the machines, sign with the next one, then remove the old one.',
  'authority.steps': 'On each machine',
  'authority.title': 'Certificate authority',
  'authority-state.current': 'signs',
  'authority-state.next': 'next',
  'authority-state.previous': 'before',
  'credential-kind.certificate': 'Short-lived certificate',
  'credential-kind.certificate.help':
    'Made by the gateway for each session under a key that lives only in memory. Nothing secret is stored.',
  'credentials.minutes': 'Valid for, in minutes',
  'credentials.minutes-help': 'Long enough to connect; the session goes on.',
  'credentials.principals': 'Names in the certificate',
  'credentials.principals-help':
    'One a line. Empty: the user name. With AuthorizedPrincipalsFile on the machine these can be roles.',
  'credentials.source-networks': 'Presented from',
  'credentials.source-networks-help':
    'Networks of the gateway as machines see it, one a line, as 10.0.0.0/8. Empty: from everywhere.',
  'credentials.username-template':
    '{username} stands for the person’s sign-in name, as does an empty field; also {email.local} and {attribute.NAME}.',
  'credentials.kept': 'Where it is kept',
  'credentials.kept-here': 'Here, sealed',
  'credentials.kept-help':
    'In a secret store, the credential holds the place alone; the value is fetched for each session and kept nowhere.',
  'credentials.path': 'Path of the secret',
  'credentials.computer': 'Computer in the directory',
  'credentials.computer-help':
    '{host} is the host name of the machine that is opened, {host.name} the part before its first dot, {name} the machine’s name here. Discovered machines take {host} alone.',
  'credentials.field': 'Field',
  'credentials.field-help': 'Of a value that is a JSON object. Empty: the whole value.',
  'credentials.passphrase-field': 'Field of its passphrase',
  'credentials.signed': 'Signed by',
  'credentials.signed-help': 'The authority that machines trust.',
  'credentials.signed-here': 'The gateway',
  'credentials.role-path': 'Path of the role that signs',
  'secret-stores.add': 'Add {kind}',
  'secret-stores.external-id': 'External id',
  'secret-stores.external-id-help': 'The trust policy of the role must ask for it.',
  'secret-stores.external-id-later': 'With a role: save first, the external id for its trust policy is shown then.',
  'secret-stores.lead':
    'Secrets that stay where they are: credentials name the place, and the gateway fetches the value for one session.',
  'secret-stores.none': 'No secret store yet',
  'secret-stores.remove-body': 'Only possible while no credential refers to it.',
  'secret-stores.title': 'Secret stores',
  'secret-stores.uses': 'Credentials',
} as const;
