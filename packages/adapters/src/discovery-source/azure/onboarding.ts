import type { OnboardingFile, SourceRecord } from '@enchilada/core/discovery';

/** INVARIANT: exactly what is called; `onboarding.test.ts` compares with the code. Resource Graph answers what these allow. */
export const READER_ACTIONS = [
  'Microsoft.Compute/virtualMachineScaleSets/read',
  'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces/read',
  'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read',
  'Microsoft.Compute/virtualMachines/read',
  'Microsoft.Network/networkInterfaces/read',
  'Microsoft.Network/publicIPAddresses/read',
  'Microsoft.Resources/subscriptions/read',
] as const;

/** INVARIANT: as above. The built-in Storage Queue Data Message Processor may neither hold a message nor give it back, which is an update. */
export const QUEUE_DATA_ACTIONS = [
  'Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action',
  'Microsoft.Storage/storageAccounts/queueServices/queues/messages/write',
] as const;

/** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage */
const MESSAGE_SENDER = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a';
const QUEUE = 'machines';
const SCHEMAS = 'https://schema.management.azure.com/schemas/2019-';

type Json = Readonly<Record<string, unknown>>;

/** What connects a management group: deployed with az, read by anybody before. */
export function onboarding(record: SourceRecord): readonly OnboardingFile[] {
  const given = record.parameters['managementGroup'];
  const group = typeof given === 'string' && given !== '' ? given : 'GROUP';
  return [
    {
      name: 'enchilada-reader.json',
      text: textOf(reader()),
      use: {
        en: "At the management group: a role with the reads that are made, given to the node's identity.",
        de: 'An der Verwaltungsgruppe: eine Rolle mit genau den Lesezugriffen, für die Identität des Knotens.',
      },
      commands: [
        `az deployment mg create --management-group-id ${group} --location westeurope --template-file enchilada-reader.json --parameters principalId=OBJECT-ID`,
      ],
    },
    {
      name: 'enchilada-queue.json',
      text: textOf(queues()),
      use: {
        en: 'Once, for events: the storage account with its two queues, and the node’s rights on them. The output is the queue’s address for the source.',
        de: 'Einmal, für Ereignisse: das Speicherkonto mit seinen zwei Warteschlangen und den Rechten des Knotens darauf. Die Ausgabe ist die Adresse der Warteschlange für die Quelle.',
      },
      commands: [
        'az deployment group create --resource-group RG --template-file enchilada-queue.json --parameters principalId=OBJECT-ID',
      ],
    },
    {
      name: 'enchilada-events.json',
      text: textOf(events()),
      use: {
        en: 'In each subscription: the topic of its machines. Give the identity in the output the role Storage Queue Data Message Sender on the storage account, then deploy again with deliver=true.',
        de: 'In jedem Abonnement: das Thema seiner Maschinen. Der Identität in der Ausgabe die Rolle Storage Queue Data Message Sender am Speicherkonto geben, dann mit deliver=true erneut ausrollen.',
      },
      commands: [
        'az deployment group create --subscription ID --resource-group RG --template-file enchilada-events.json --parameters storageAccountId=STORAGE-ACCOUNT-ID deliver=false',
        'az deployment group create --subscription ID --resource-group RG --template-file enchilada-events.json --parameters storageAccountId=STORAGE-ACCOUNT-ID deliver=true',
      ],
    },
  ];
}

function textOf(template: Json): string {
  return `${JSON.stringify(template, undefined, 2)}\n`;
}

function reader(): Json {
  const definition = "guid(managementGroup().id, 'enchilada-inventory-reader')";
  const definitionId = `[extensionResourceId(managementGroup().id, 'Microsoft.Authorization/roleDefinitions', ${definition})]`;
  return {
    $schema: `${SCHEMAS}08-01/managementGroupDeploymentTemplate.json#`,
    contentVersion: '1.0.0.0',
    parameters: { principalId: { type: 'string', metadata: { description: "Object id of the node's identity" } } },
    resources: [
      {
        type: 'Microsoft.Authorization/roleDefinitions',
        apiVersion: '2022-04-01',
        name: `[${definition}]`,
        properties: {
          roleName: "[concat('Enchilada inventory reader ', managementGroup().name)]",
          type: 'CustomRole',
          assignableScopes: ['[managementGroup().id]'],
          permissions: [{ actions: READER_ACTIONS, notActions: [] }],
        },
      },
      {
        type: 'Microsoft.Authorization/roleAssignments',
        apiVersion: '2022-04-01',
        name: "[guid(managementGroup().id, 'enchilada-inventory-reader', parameters('principalId'))]",
        dependsOn: [definitionId],
        properties: {
          roleDefinitionId: definitionId,
          principalId: "[parameters('principalId')]",
          principalType: 'ServicePrincipal',
        },
      },
    ],
  };
}

const ACCOUNT = "resourceId('Microsoft.Storage/storageAccounts', parameters('storageAccountName'))";

function queues(): Json {
  const names = [QUEUE, `${QUEUE}-poison`];
  const service =
    "resourceId('Microsoft.Storage/storageAccounts/queueServices', parameters('storageAccountName'), 'default')";
  const queueId = (name: string): string =>
    `resourceId('Microsoft.Storage/storageAccounts/queueServices/queues', parameters('storageAccountName'), 'default', '${name}')`;
  const eventRole = "guid(resourceGroup().id, 'enchilada-event-reader')";
  const eventRoleId = `[resourceId('Microsoft.Authorization/roleDefinitions', ${eventRole})]`;
  /** @param role an expression */
  const assignment = (name: string, role: string, dependsOn: readonly string[] = []): Json => ({
    type: 'Microsoft.Authorization/roleAssignments',
    apiVersion: '2022-04-01',
    scope: `[${queueId(name)}]`,
    name: `[guid(${queueId(name)}, ${role}, parameters('principalId'))]`,
    dependsOn: [`[${queueId(name)}]`, ...dependsOn],
    properties: {
      roleDefinitionId: `[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', ${role})]`,
      principalId: "[parameters('principalId')]",
      principalType: 'ServicePrincipal',
    },
  });
  return {
    $schema: `${SCHEMAS}04-01/deploymentTemplate.json#`,
    contentVersion: '1.0.0.0',
    parameters: {
      principalId: { type: 'string' },
      storageAccountName: { type: 'string', defaultValue: "[concat('ench', uniqueString(resourceGroup().id))]" },
    },
    resources: [
      {
        type: 'Microsoft.Storage/storageAccounts',
        apiVersion: '2023-05-01',
        name: "[parameters('storageAccountName')]",
        location: '[resourceGroup().location]',
        sku: { name: 'Standard_ZRS' },
        kind: 'StorageV2',
        properties: {
          allowSharedKeyAccess: false,
          allowBlobPublicAccess: false,
          minimumTlsVersion: 'TLS1_2',
          supportsHttpsTrafficOnly: true,
        },
      },
      {
        type: 'Microsoft.Storage/storageAccounts/queueServices',
        apiVersion: '2023-05-01',
        name: "[concat(parameters('storageAccountName'), '/default')]",
        dependsOn: [`[${ACCOUNT}]`],
        properties: {},
      },
      ...names.map((name) => ({
        type: 'Microsoft.Storage/storageAccounts/queueServices/queues',
        apiVersion: '2023-05-01',
        name: `[concat(parameters('storageAccountName'), '/default/${name}')]`,
        dependsOn: [`[${service}]`],
        properties: {},
      })),
      {
        type: 'Microsoft.Authorization/roleDefinitions',
        apiVersion: '2022-04-01',
        name: `[${eventRole}]`,
        properties: {
          roleName: "[concat('Enchilada event reader ', uniqueString(resourceGroup().id))]",
          type: 'CustomRole',
          assignableScopes: ['[resourceGroup().id]'],
          permissions: [{ actions: [], notActions: [], dataActions: QUEUE_DATA_ACTIONS, notDataActions: [] }],
        },
      },
      assignment(QUEUE, eventRole, [eventRoleId]),
      assignment(`${QUEUE}-poison`, `'${MESSAGE_SENDER}'`),
    ],
    outputs: {
      queueUrl: {
        type: 'string',
        value: `[concat(reference(${ACCOUNT}, '2023-05-01').primaryEndpoints.queue, '${QUEUE}')]`,
      },
      storageAccountId: { type: 'string', value: `[${ACCOUNT}]` },
    },
  };
}

/** https://learn.microsoft.com/azure/event-grid/event-schema-resources */
function events(): Json {
  const topic = "resourceId('Microsoft.EventGrid/systemTopics', 'enchilada')";
  return {
    $schema: `${SCHEMAS}04-01/deploymentTemplate.json#`,
    contentVersion: '1.0.0.0',
    parameters: { storageAccountId: { type: 'string' }, deliver: { type: 'bool', defaultValue: false } },
    resources: [
      {
        type: 'Microsoft.EventGrid/systemTopics',
        apiVersion: '2025-02-15',
        name: 'enchilada',
        location: 'global',
        identity: { type: 'SystemAssigned' },
        properties: { source: '[subscription().id]', topicType: 'Microsoft.ResourceNotifications.Resources' },
      },
      {
        condition: "[parameters('deliver')]",
        type: 'Microsoft.EventGrid/systemTopics/eventSubscriptions',
        apiVersion: '2025-02-15',
        name: 'enchilada/machines',
        dependsOn: [`[${topic}]`],
        properties: {
          eventDeliverySchema: 'CloudEventSchemaV1_0',
          deliveryWithResourceIdentity: {
            identity: { type: 'SystemAssigned' },
            destination: {
              endpointType: 'StorageQueue',
              properties: {
                resourceId: "[parameters('storageAccountId')]",
                queueName: QUEUE,
                queueMessageTimeToLiveInSeconds: 604_800,
              },
            },
          },
          filter: {
            includedEventTypes: [
              'Microsoft.ResourceNotifications.Resources.CreatedOrUpdated',
              'Microsoft.ResourceNotifications.Resources.Deleted',
            ],
            advancedFilters: [
              {
                operatorType: 'StringContains',
                key: 'data.resourceInfo.type',
                values: ['Microsoft.Compute/virtualMachines', 'Microsoft.Compute/virtualMachineScaleSets'],
              },
            ],
          },
        },
      },
    ],
    outputs: {
      principalId: { type: 'string', value: `[reference(${topic}, '2025-02-15', 'Full').identity.principalId]` },
    },
  };
}
