import type { AwsStandIn } from './aws-stand-in.ts';

const FIRST_ACCOUNT = 111_111_111_111;
const NAMES = ['Payments', 'Shop', 'Billing', 'Search', 'Logistics', 'Identity', 'Analytics'];
const STAGES = ['production', 'staging', 'test'];

/** Accounts with as many machines each as there are in an organisation; answers what they are called. */
export function organisationIn(
  cloud: AwsStandIn,
  { region, accounts, each }: { readonly region: string; readonly accounts: number; readonly each: number },
): readonly { readonly id: string; readonly name: string }[] {
  return Array.from({ length: accounts }, (_, account) => {
    const id = String(FIRST_ACCOUNT + account);
    const name = `${NAMES[account % NAMES.length] ?? ''} ${STAGES[Math.floor(account / NAMES.length) % STAGES.length] ?? ''} ${account + 1}`;
    for (let index = 0; index < each; index++)
      cloud.put(id, region, {
        InstanceId: machineOf(account, index),
        State: { Code: 16, Name: 'running' },
        PrivateIpAddress: `10.${account}.${index >> 8}.${index & 255}`,
        PlatformDetails: 'Linux/UNIX',
        VpcId: `vpc-${account.toString(16).padStart(8, '0')}`,
        Tags: [{ Key: 'Name', Value: `${name.toLowerCase().replaceAll(' ', '-')}-${index + 1}` }],
      });
    return { id, name };
  });
}

/** The id of one of them, both counted from 0. */
export function machineOf(account: number, index: number): string {
  return `i-${account.toString(16).padStart(4, '0')}${index.toString(16).padStart(13, '0')}`;
}
