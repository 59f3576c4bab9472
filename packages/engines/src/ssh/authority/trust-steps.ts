import type { AuthorityKey } from '@enchilada/core/credential';
import type { LocalizedText } from '@enchilada/core/engine';

const FILE = '/etc/ssh/enchilada_user_ca.pub';

type Trusted = Pick<AuthorityKey, 'publicKey' | 'state'>;

export function trustFile(keys: readonly Trusted[]): string {
  return keys.map(({ publicKey, state }) => `${publicKey} enchilada-${state}\n`).join('');
}

export function trustSteps(keys: readonly Trusted[]): LocalizedText {
  const write = `sudo tee ${FILE} >/dev/null <<'EOF'\n${trustFile(keys)}EOF\nsudo chmod 644 ${FILE}`;
  const drop = `echo 'TrustedUserCAKeys ${FILE}' | sudo tee /etc/ssh/sshd_config.d/50-enchilada.conf`;
  const check = 'sudo sshd -t && sudo systemctl reload ssh  # or sshd, by distribution';
  return {
    en: [
      `# 1. The keys that the machine trusts for signing in:\n${write}`,
      `# 2. Once: tell sshd of the file.\n${drop}`,
      `# 3. Check and reload; open connections stay.\n${check}`,
      "# Optional: names other than the account's own (roles), one a line:\n#   AuthorizedPrincipalsFile /etc/ssh/principals/%u",
      '# Optional: certificates that must not work any more, by serial or key id (man ssh-keygen, KEY REVOCATION LISTS):\n#   RevokedKeys /etc/ssh/revoked_keys',
    ].join('\n\n'),
    de: [
      `# 1. Die Schlüssel, denen die Maschine beim Anmelden vertraut:\n${write}`,
      `# 2. Einmalig: sshd die Datei nennen.\n${drop}`,
      `# 3. Prüfen und neu laden; offene Verbindungen bleiben.\n${check.replace('or sshd, by distribution', 'oder sshd, je nach Distribution')}`,
      '# Wahlweise: andere Namen als der des Kontos (Rollen), einer je Zeile:\n#   AuthorizedPrincipalsFile /etc/ssh/principals/%u',
      '# Wahlweise: Zertifikate, die nicht mehr gelten sollen, nach Seriennummer oder Kennung (man ssh-keygen, KEY REVOCATION LISTS):\n#   RevokedKeys /etc/ssh/revoked_keys',
    ].join('\n\n'),
  };
}
