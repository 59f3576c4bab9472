import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import { DEFAULT_EGRESS, egressVerdict, parseAddress, parseCidr, type EgressPolicy } from './egress.ts';

const policy = (changes: Partial<EgressPolicy>): EgressPolicy => ({ ...DEFAULT_EGRESS, ...changes });
const allowed = (address: string, changes: Partial<EgressPolicy> = {}): boolean =>
  egressVerdict(address, policy(changes)).allowed;

describe('the egress policy', () => {
  it('denies loopback, metadata, link-local, multicast, broadcast and reserved addresses in every form that carries them', () => {
    for (const address of [
      '127.0.0.1',
      '127.255.255.254',
      '::1',
      '0:0:0:0:0:0:0:1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::127.0.0.1',
      '64:ff9b::127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2002:7f00:0001::1',
      '0.0.0.0',
      '0.1.2.3',
      '::',
      '::ffff:0.0.0.0',
      '169.254.169.254',
      '169.254.170.2',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '64:ff9b::a9fe:a9fe',
      '64:ff9b::169.254.169.254',
      '2002:a9fe:a9fe::',
      'fd00:ec2::254',
      'fe80::1',
      'febf::1',
      '168.63.129.16',
      '::ffff:168.63.129.16',
      '100.100.100.200',
      '192.0.0.192',
      '224.0.0.1',
      '239.255.255.255',
      'ff02::1',
      'ff05::2',
      '255.255.255.255',
      '240.0.0.1',
      '64:ff9b:1::a9fe:a9fe',
      '64:ff9b:1:a9fe:a9:fe00::',
      '::ffff:0:7f00:1',
      '::ffff:0:169.254.169.254',
    ])
      assert.equal(allowed(address), false, address);
  });

  it('allows private and public addresses where nothing else is said', () => {
    for (const address of [
      '10.0.0.5',
      '172.16.3.4',
      '192.168.1.1',
      '8.8.8.8',
      '100.64.0.1',
      'fd12:3456::1',
      '2001:db8::1',
      '2606:4700::1111',
      '64:ff9b::808:808',
      '::ffff:10.0.0.5',
    ]) {
      assert.equal(allowed(address), true, address);
    }
  });

  it('refuses what is not an address in strict form', () => {
    for (const text of [
      '',
      'localhost',
      '127.1',
      '0x7f.0.0.1',
      '0177.0.0.1',
      '2130706433',
      '1.2.3.4.5',
      '256.1.1.1',
      '1.2.3.04',
      ' 1.2.3.4',
      '1.2.3.4 ',
      '[::1]',
      '::1%lo',
      'fe80::1%eth0',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '12345::',
      '::1.2.3',
      '1.2.3.4/8',
    ]) {
      assert.equal(allowed(text), false, text);
    }
  });

  it('opens loopback by its named option, and nothing else with it', () => {
    assert.equal(allowed('127.0.0.1', { allowLoopback: true }), true);
    assert.equal(allowed('::1', { allowLoopback: true }), true);
    assert.equal(allowed('127.0.0.2', { allowLoopback: true, deny: ['127.0.0.2'] }), false);
    assert.equal(allowed('169.254.169.254', { allowLoopback: true }), false);
    assert.equal(allowed('0.0.0.0', { allowLoopback: true }), false);
    assert.equal(allowed('64:ff9b::7f00:1', { allowLoopback: true }), false);
  });

  it('takes blocks to allow and to deny, whatever the form of the address; a denied block wins', () => {
    const changes = { allow: ['10.0.0.0/8', '2001:db8::/32'], deny: ['10.1.0.0/16', '2001:db8:ffff::/48'] };
    assert.equal(allowed('10.2.0.1', changes), true);
    assert.equal(allowed('::ffff:10.2.0.1', changes), true);
    assert.equal(allowed('10.1.0.1', changes), false);
    assert.equal(allowed('::ffff:10.1.255.255', changes), false);
    assert.equal(allowed('64:ff9b::a01:1', changes), false);
    assert.equal(allowed('11.0.0.1', changes), false);
    assert.equal(allowed('2001:db8::1', changes), true);
    assert.equal(allowed('2001:db8:ffff::1', changes), false);
    assert.equal(allowed('169.254.169.254', { allow: ['0.0.0.0/0'] }), false);
    assert.equal(allowed('10.7.7.129', { deny: ['10.7.7.128/25'] }), false);
    assert.equal(allowed('10.7.7.127', { deny: ['10.7.7.128/25'] }), true);
    assert.throws(() => egressVerdict('10.0.0.1', policy({ deny: ['10.0.0.0/33'] })), TypeError);
  });

  it('reads addresses as the platform does: 20,000 random texts', () => {
    const alphabet = ['0', '1', '9', 'f', 'ff', '255', '256', ':', '::', '.', '%', 'g', 'a9fe', '127.0.0.1'];
    let state = 42;
    const next = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % limit;
    };
    for (let round = 0; round < 20_000; round += 1) {
      const text = Array.from({ length: 1 + next(16) }, () => alphabet[next(alphabet.length)]).join('');
      assert.equal(parseAddress(text) !== undefined, isIP(text) !== 0 && !text.includes('%'), text);
    }
  });

  it('reads blocks strictly', () => {
    assert.equal(parseCidr('10.0.0.0/8')?.bits, 104);
    assert.equal(parseCidr('10.0.0.1')?.bits, 128);
    for (const text of ['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', 'x/8', '10.0.0.0/1e1'])
      assert.equal(parseCidr(text), undefined, text);
  });
});
