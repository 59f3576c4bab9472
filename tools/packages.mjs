// The Debian packages that the tests and the bench need. As root they are installed, without any service being started; otherwise they are named.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';

export const DEBIAN_PACKAGES = [
  'openssh-server',
  'openssh-client',
  'chromium',
  'chromium-headless-shell',
  'curl',
  'fonts-dejavu-core',
  'inetutils-telnetd',
  'lrzsz',
  'mariadb-server',
  'postgresql',
  'tigervnc-standalone-server',
  'tightvncserver',
  'xfonts-base',
  'xrdp',
  'xorgxrdp',
  'freerdp2-shadow-x11',
  'winpr-utils',
  'xvfb',
  'x11-apps',
  'x11-xserver-utils',
  'xclip',
  'xdotool',
  'xterm',
  'openssl',
  'freeradius',
  'slapd',
  'ldap-utils',
  'samba',
  'samba-ad-provision',
  'samba-dsdb-modules',
  'samba-vfs-modules',
  'simplesamlphp',
  'php-cli',
  'php-xml',
  'php-mbstring',
  'python3',
  'procps',
  'util-linux',
  'iproute2',
];
const POLICY = '/usr/sbin/policy-rc.d';

function missingPackages() {
  const found = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${Status}\n', ...DEBIAN_PACKAGES], {
    encoding: 'utf8',
  });
  if (found.error) return undefined;
  const installed = new Set(
    found.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ', 1)[0]),
  );
  return DEBIAN_PACKAGES.filter((name) => !installed.has(name));
}

/** Answers whether everything is there. */
export function bringPackages() {
  const missing = missingPackages();
  if (missing === undefined) {
    console.error(`this is no Debian: the tests need what its packages ${DEBIAN_PACKAGES.join(', ')} bring`);
    return false;
  }
  if (missing.length === 0) return true;
  if (process.getuid() !== 0) {
    console.error(
      `the tests need Debian's packages ${missing.join(', ')}; install them as root: apt-get install ${missing.join(' ')}`,
    );
    return false;
  }
  console.error(`installing Debian's packages ${missing.join(', ')}`);
  // INVARIANT: no service is started and none that is there is touched (invoke-rc.d asks this file).
  const hadPolicy = existsSync(POLICY);
  if (!hadPolicy) {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY, 0o755);
  }
  try {
    const apt = (...args) =>
      spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      }).status === 0;
    apt('update');
    if (apt('install', '-y', '--no-install-recommends', ...missing)) return true;
    console.error(`apt-get could not install ${missing.join(', ')} (it says why above)`);
    return false;
  } finally {
    if (!hadPolicy) rmSync(POLICY, { force: true });
  }
}
