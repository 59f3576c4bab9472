import { Fault } from '@enchilada/core/fault';

type Plugin = NonNullable<
  Parameters<typeof import('@aws-sdk/credential-providers').fromTemporaryCredentials>[0]['clientPlugins']
>[number];

/**
 * INVARIANT: credentials are of the account that they were asked for, or they are used for nothing: what one account shows is never written
 * down as another's. STS says whose they are in the answer that brings them, so that no further call asks for it.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumedRoleUser.html
 */
export function onlyOf({ account, role }: { readonly account: string; readonly role: string }): Plugin {
  return {
    applyToStack(stack) {
      stack.add(
        (next) => async (request) => {
          const answered = await next(request);
          const { AssumedRoleUser } = answered.output as { readonly AssumedRoleUser?: { readonly Arn?: string } };
          const [owner, kind, name] = identityIn(AssumedRoleUser?.Arn ?? '');
          if (owner === account && kind === 'assumed-role' && name === role) return answered;
          throw new Fault(
            'DISCOVERY_DENIED',
            `sts:AssumeRole in account ${account} was answered with credentials of ${owner === '' ? 'nobody' : `account ${owner}, ${kind} ${name}`}: they are not used`,
            { facts: { account, permission: 'sts:AssumeRole' } },
          );
        },
        { step: 'initialize', name: 'onlyOfTheAccount', override: true },
      );
    },
  };
}

/** `arn:aws:sts::123456789012:assumed-role/Role/session` */
function identityIn(arn: string): readonly [account: string, kind: string, name: string] {
  const [, , service, , account = '', resource = ''] = arn.split(':');
  const [kind = '', name = ''] = resource.split('/');
  return service === 'sts' ? [account, kind, name] : ['', '', ''];
}
