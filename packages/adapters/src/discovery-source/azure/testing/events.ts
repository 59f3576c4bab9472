import { randomUUID } from 'node:crypto';

/** Events as Event Grid writes them; Event Grid itself is simulated by putting them on the queue. */
export function resourceEvent(id: string, what: 'Write' | 'Delete' | 'Action', operation = 'write'): object {
  const subscription = id.split('/')[2] ?? '';
  return {
    subject: id,
    eventType: `Microsoft.Resources.Resource${what}Success`,
    eventTime: new Date().toISOString(),
    id: randomUUID(),
    data: {
      authorization: {
        scope: id,
        action: `Microsoft.Compute/virtualMachines/${operation}`,
        evidence: { role: 'Owner' },
      },
      claims: { name: 'Ada Lovelace', ipaddr: '192.0.2.9' },
      resourceProvider: 'Microsoft.Compute',
      resourceUri: id,
      operationName: `Microsoft.Compute/virtualMachines/${operation}`,
      status: 'Succeeded',
      subscriptionId: subscription,
    },
    dataVersion: '2',
    metadataVersion: '1',
    topic: `/subscriptions/${subscription}`,
  };
}

/** Resource Notifications, in the CloudEvents schema. */
export function notification(id: string, what: 'CreatedOrUpdated' | 'Deleted'): object {
  const time = new Date().toISOString();
  const resourceInfo = { id, name: id.split('/').at(-1), type: 'Microsoft.Compute/virtualMachines' };
  return {
    id: randomUUID(),
    source: `/subscriptions/${id.split('/')[2] ?? ''}`,
    subject: id,
    type: `Microsoft.ResourceNotifications.Resources.${what}`,
    specversion: '1.0',
    time,
    data:
      what === 'Deleted'
        ? { resourceInfo }
        : {
            resourceInfo: {
              ...resourceInfo,
              location: 'westeurope',
              tags: {},
              properties: { osProfile: { computerName: '6.6.6.6' } },
            },
            apiVersion: '2024-07-01',
            operationalInfo: { resourceEventTime: time },
          },
  };
}

/** The text of a message in a storage queue. */
export function message(event: object): string {
  return Buffer.from(JSON.stringify(event)).toString('base64');
}
