export const keys = {
  'keys.all-current': 'Everything in the database is sealed under the current key.',
  'keys.answered': 'Answered',
  'keys.answered-before': 'Answered before:',
  'keys.failed': 'Failed',
  'keys.reason': 'As the log has it:',
  'keys.file': 'Key file',
  'keys.key': 'Key',
  'keys.lead':
    'Each stored secret and each recording has a key of its own; this key encrypts those. Without it, none of them opens.',
  'keys.lost': 'Missing',
  'keys.lost-next':
    'Put that key back into keyEncryption.alsoOpens or the key file and restart. Otherwise what it sealed must be entered again.',
  'keys.lost-title.one': '{count} secret is sealed under a key that is not configured',
  'keys.lost-title.other': '{count} secrets are sealed under a key that is not configured',
  'keys.no-service': 'Read from the file',
  'keys.nodes':
    'Restart {nodes} with this key in keyEncryption.alsoOpens. Until then what this node seals does not open there, and nothing can be sealed anew.',
  'keys.nodes-title': 'Other nodes lack the current key',
  'keys.not-asked': 'Not asked yet',
  'keys.of-node':
    'As the node {node} has seen it since its start; a service is asked only when something is sealed or opened.',
  'keys.opens': 'Only opens',
  'keys.progress': 'Sealed under the current key',
  'keys.recordings':
    'Recordings are not counted: each stays under the key that sealed it, so keep that key until their retention ends.',
  'keys.remaining.one': '{count} secret is still sealed under another key.',
  'keys.remaining.other': '{count} secrets are still sealed under another key.',
  'keys.rewrap': 'Seal anew',
  'keys.rewrap-help':
    'Everybody goes on working meanwhile, and it may be broken off. On the command line: enchilada keys rewrap',
  'keys.running': 'They are being sealed anew right now.',
  'keys.seals': 'Seals',
  'keys.sealed': 'Sealed under it',
  'keys.service': 'Service',
  'keys.stuck.one': '{count} secret could not be sealed anew',
  'keys.stuck.other': '{count} secrets could not be sealed anew',
  'keys.stuck-next': "The gateway's log names each and why. The rest can be tried again.",
  'keys.title': 'Key-encryption key',
  'keys.unknown': 'No configured key',
  'keys.use': 'Use',
};
