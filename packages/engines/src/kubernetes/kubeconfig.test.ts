import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { checkParameters } from '@enchilada/core/engine';
import { issueCertificate } from '@enchilada/core/testing/servers/database-server';
import { readKubeconfig } from './kubeconfig.ts';
import { manifest } from './kubernetes-manifest.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function kubeconfig(): Promise<string> {
  const { ca, certificate, key } = await issueCertificate('dev');
  return `
apiVersion: v1
kind: Config
current-context: prod
clusters:
- name: one
  cluster: { server: "https://10.0.0.1:6443", certificate-authority-data: ${base64(ca)}, tls-server-name: kube.example }
- name: files
  cluster: { server: "https://[fd00::7]", certificate-authority: /etc/ca.pem }
- name: clear
  cluster: { server: "http://10.0.0.3:8080" }
users:
- name: robot
  user: { token: t0ken }
- name: person
  user: { client-certificate-data: ${base64(certificate)}, client-key-data: ${base64(key)} }
- name: cloud
  user: { exec: { apiVersion: client.authentication.k8s.io/v1, command: sh, args: ["-c", "touch /tmp/ran"] } }
contexts:
- name: prod
  context: { cluster: one, user: robot, namespace: shop }
- name: by-hand
  context: { cluster: one, user: person }
- name: cloud
  context: { cluster: files, user: cloud, namespace: "../x" }
- name: lost
  context: { cluster: gone, user: gone }
- name: clear
  context: { cluster: clear, user: robot }
`;
}

describe('a kubeconfig', () => {
  it('becomes one machine a context, with its credential', async () => {
    const machines = readKubeconfig(await kubeconfig());
    const [prod, byHand] = machines;
    assert.deepEqual([prod?.name, prod?.host, prod?.port, prod?.problems], ['prod', '10.0.0.1', 6443, []]);
    assert.deepEqual([prod?.parameters['namespace'], prod?.parameters['serverName']], ['shop', 'kube.example']);
    assert.deepEqual([prod?.credential?.kind, prod?.credential?.secret.reveal()], ['password', 't0ken']);
    assert.equal(byHand?.credential?.kind, 'private-key');
    assert.match(byHand.credential.secret.reveal(), /PRIVATE KEY/u);
    for (const machine of [prod, byHand]) assert.deepEqual(checkParameters(manifest, machine!.parameters), []);
  });

  it('says why a context cannot be opened from here, and neither reads nor runs what it names', async () => {
    const [, , cloud, lost, clear] = readKubeconfig(await kubeconfig());
    assert.equal(cloud?.host, 'fd00::7');
    assert.equal(cloud.problems.length, 3);
    assert.match(cloud.problems.join(), /names a file.*never run|never run.*names a file/su);
    assert.deepEqual(lost?.problems, ['cluster names none of the file', 'user names none of the file']);
    assert.match(clear?.problems.join() ?? '', /https/u);
    assert.throws(() => execFileSync('ls', ['/tmp/ran'], { stdio: 'ignore' }));
  });

  it('is refused where it is none', () => {
    for (const text of ['', 'kind: Pod', '[', 'a: 1\na: 2', 'kind: Config\ncontexts: 3', 'kind: &a Config\nb: *a'])
      assert.throws(() => readKubeconfig(text), { code: 'INVALID_REQUEST' }, text);
  });
});
