import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { ensurePackage } from './database-server.ts';

const FREERADIUS = '/usr/sbin/freeradius';

/** A real FreeRADIUS: alice is in groups, carol is asked for a code, everybody's password is `password of NAME`. */
export interface FreeRadius extends AsyncDisposable {
  readonly port: number;
  /** What client and server share. */
  readonly secret: string;
  /** The answer to carol's question. */
  readonly code: string;
  /** What it wrote. */
  log(): Promise<string>;
}

const SECRET = 'shared by the two of us alone';
const CODE = '246810';

const CONFIGURATION = ({ folder, port, guest }: { folder: string; port: number } & FreeRadiusOptions): string => `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = ${folder}
run_dir = ${folder}
raddbdir = ${folder}
name = test
pidfile = ${folder}/pid
log {
  destination = files
  file = ${folder}/log
}
security {
  max_attributes = 200
  reject_delay = 0
  status_server = no
  allow_vulnerable_openssl = yes
}
thread pool {
  start_servers = 1
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 2
}
modules {
  pap {
  }
  expr {
  }
  always handled {
    rcode = handled
  }
  always reject {
    rcode = reject
  }
}
client loopback {
  ipaddr = 127.0.0.1
  secret = "${SECRET}"
  require_message_authenticator = yes
}
server test {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    if (&User-Name !~ /^(alice|bob|carol|${guest?.username ?? 'alice'})$/i) {
      update reply {
        Reply-Message := "nobody of that name"
      }
      reject
    }
    update control {
      Cleartext-Password := "password of %{tolower:%{User-Name}}"
      Auth-Type := Password
    }
    update reply {
      Message-Authenticator := 0x00
    }
    if (&User-Name == "${guest?.username ?? ''}") {
      update control {
        Cleartext-Password := "${guest?.password ?? ''}"
      }
    }
    if (&User-Name =~ /^alice$/i) {
      update reply {
        Filter-Id += "ops"
        Filter-Id += "staff, vpn"
        Class := "OU=admins;"
        Cisco-AVPair += "shell:roles=network"
      }
    }
    if (&User-Name == "carol" && &State) {
      update control {
        Cleartext-Password := "${CODE}"
        Auth-Type := Code
      }
    }
  }
  authenticate {
    Auth-Type Password {
      pap
      if (&User-Name == "carol") {
        update reply {
          Reply-Message := "The code on your token"
          Prompt := Echo
        }
        update session-state {
          Tmp-String-0 := "carol"
        }
        update control {
          Response-Packet-Type := Access-Challenge
        }
        handled
      }
    }
    Auth-Type Code {
      if (&session-state:Tmp-String-0 != &User-Name) {
        reject
      }
      pap
    }
  }
  post-auth {
    Post-Auth-Type REJECT {
      update reply {
        Message-Authenticator := 0x00
      }
    }
  }
}
`;

export interface FreeRadiusOptions {
  /** Somebody besides, with a password of their own. */
  readonly guest?: { readonly username: string; readonly password: string };
}

export async function startFreeRadius(options: FreeRadiusOptions = {}): Promise<FreeRadius> {
  await ensurePackage('freeradius', FREERADIUS);
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-freeradius-'));
  const port = await freePort();
  await writeFile(join(folder, 'radiusd.conf'), CONFIGURATION({ folder, port, ...options }), { mode: 0o600 });
  const child = spawn(FREERADIUS, ['-f', '-d', folder, '-n', 'radiusd', '-D', '/usr/share/freeradius'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes.toString()));
  const log = (): Promise<string> => readFile(join(folder, 'log'), 'utf8').catch(() => '');
  while (!(await log()).includes('Ready to process requests')) {
    if (child.exitCode !== null)
      throw new Error(`freeradius ended with ${child.exitCode}: ${said.join('')}${await log()}`);
    await sleep(50);
  }
  return {
    port,
    secret: SECRET,
    code: CODE,
    log,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
