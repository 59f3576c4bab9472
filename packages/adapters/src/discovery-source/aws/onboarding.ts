import { externalIdOf, type OnboardingFile, type SourceRecord } from '@enchilada/core/discovery';
import { type AwsConfig, readConfig } from './aws-config.ts';

/** INVARIANT: exactly what is called, by whom; `onboarding.test.ts` compares with what was called. */
export const READER_ACTIONS = ['ec2:DescribeInstances', 'ec2:DescribeRegions', 'ec2:DescribeVpcs'] as const;
export const CONNECT_ACTIONS = ['ec2-instance-connect:SendSSHPublicKey', 'ec2:GetPasswordData'] as const;
export const NODE_ACTIONS = ['organizations:ListAccounts', 'sts:AssumeRole'] as const;
export const QUEUE_ACTIONS = ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage'] as const;

/** Those that are made with the settings. */
export function readerActions({ networkNames }: Pick<AwsConfig, 'networkNames'>): readonly string[] {
  return READER_ACTIONS.filter((action) => networkNames || action !== 'ec2:DescribeVpcs');
}

type Json = Readonly<Record<string, unknown>>;

const VERSION = '2010-09-09';
/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html */
const EVENTS = {
  source: ['aws.ec2', 'aws.tag'],
  'detail-type': ['EC2 Instance State-change Notification', 'Tag Change on Resource'],
};
const MOST_RECEIVES = 5;
const FORTNIGHT_SECONDS = 1_209_600;

const ref = (name: string): Json => ({ Ref: name });
const policy = (...Statement: readonly Json[]): Json => ({ Version: '2012-10-17', Statement });
const allow = (Action: readonly string[], Resource: unknown, Condition?: Json): Json => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
});

/** The two templates that connect an organization. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/what-is-cfnstacksets.html */
export function onboarding(record: SourceRecord): readonly OnboardingFile[] {
  return [
    {
      name: 'enchilada-hub.json',
      text: textOf(hub(record)),
      use: {
        en: 'First, once, in the account and region of the node: a stack with the queue, the bus that member accounts send to, and the policy of the node’s role.',
        de: 'Zuerst, einmal, in Konto und Region des Knotens: ein Stack mit der Warteschlange, dem Bus, an den die Mitgliedskonten senden, und der Richtlinie für die Rolle des Knotens.',
      },
      commands: [
        'aws cloudformation deploy --template-file enchilada-hub.json --stack-name enchilada-hub --capabilities CAPABILITY_NAMED_IAM --parameter-overrides NodeRoleName=ROLE OrganizationId=o-ORGANIZATION',
        "aws cloudformation describe-stacks --stack-name enchilada-hub --query 'Stacks[0].Outputs' --output table",
      ],
    },
    {
      name: 'enchilada-member.json',
      text: textOf(member(record)),
      use: {
        en: 'Then, as a service-managed StackSet for the organization in every region that machines run in: reader role, role that lets people in (LetPeopleIn=yes), and the rule that sends events. Its parameters are outputs of the first stack. Roles are made in the home region alone, which must be among the regions.',
        de: 'Danach als vom Dienst verwaltetes StackSet für die Organisation, in jeder Region mit Maschinen: Leserolle, Rolle, die Personen einlässt (LetPeopleIn=yes), und die Regel, die Ereignisse sendet. Die Parameter sind Ausgaben des ersten Stacks. Rollen entstehen nur in der Heimatregion, die unter den Regionen sein muss.',
      },
      commands: memberCommands(record),
    },
  ];
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-getting-started-create.html */
function memberCommands(record: SourceRecord): readonly string[] {
  const { homeRegion, regions } = readConfig(record.parameters);
  const everywhere = [...new Set([homeRegion, ...(regions.length === 0 ? ['OTHER-REGIONS'] : regions)])].join(' ');
  const values = { NodeRoleArn: 'NODE-ROLE-ARN', HubBusArn: 'BUS-ARN', LetPeopleIn: 'no' };
  const parameters = Object.entries(values).map(([key, value]) => `ParameterKey=${key},ParameterValue=${value}`);
  return [
    `aws cloudformation create-stack-set --region ${homeRegion} --stack-set-name enchilada-member --template-body file://enchilada-member.json --capabilities CAPABILITY_NAMED_IAM --permission-model SERVICE_MANAGED --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false --parameters ${parameters.join(' ')}`,
    `aws cloudformation create-stack-instances --region ${homeRegion} --stack-set-name enchilada-member --deployment-targets OrganizationalUnitIds=r-ROOT --regions ${everywhere}`,
  ];
}

function textOf(template: Json): string {
  return `${JSON.stringify(template, undefined, 2)}\n`;
}

function hub(record: SourceRecord): Json {
  const { roleName, connectRoleName, organization } = readConfig(record.parameters);
  const inOrganization = { StringEquals: { 'aws:PrincipalOrgID': ref('OrganizationId') } };
  const roles = [roleName, connectRoleName].map((name) => ({
    'Fn::Sub': `arn:\${AWS::Partition}:iam::*:role/${name}`,
  }));
  return {
    AWSTemplateFormatVersion: VERSION,
    Description: `Enchilada: queue and bus of the source ${record.name}`,
    Parameters: {
      OrganizationId: { Type: 'String', AllowedPattern: '^o-[a-z0-9]{10,32}$' },
      NodeRoleName: { Type: 'String', Description: 'The role that the gateway nodes have' },
    },
    Resources: {
      DeadLetters: {
        Type: 'AWS::SQS::Queue',
        Properties: { SqsManagedSseEnabled: true, MessageRetentionPeriod: FORTNIGHT_SECONDS },
      },
      Events: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          SqsManagedSseEnabled: true,
          VisibilityTimeout: 30,
          ReceiveMessageWaitTimeSeconds: 20,
          RedrivePolicy: {
            deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] },
            maxReceiveCount: MOST_RECEIVES,
          },
        },
      },
      EventsPolicy: {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: {
          Queues: [ref('Events')],
          PolicyDocument: policy({
            ...allow(
              ['sqs:SendMessage'],
              { 'Fn::GetAtt': ['Events', 'Arn'] },
              { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': ['ToQueue', 'Arn'] } } },
            ),
            Principal: { Service: 'events.amazonaws.com' },
          }),
        },
      },
      Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'enchilada' } },
      BusPolicy: {
        Type: 'AWS::Events::EventBusPolicy',
        Properties: {
          EventBusName: ref('Bus'),
          StatementId: 'organization',
          Statement: {
            ...allow(['events:PutEvents'], { 'Fn::GetAtt': ['Bus', 'Arn'] }, inOrganization),
            Principal: '*',
          },
        },
      },
      ToQueue: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventBusName: ref('Bus'),
          EventPattern: EVENTS,
          Targets: [{ Id: 'queue', Arn: { 'Fn::GetAtt': ['Events', 'Arn'] } }],
        },
      },
      NodePolicy: {
        Type: 'AWS::IAM::Policy',
        Properties: {
          PolicyName: 'enchilada-discovery',
          Roles: [ref('NodeRoleName')],
          PolicyDocument: policy(
            allow(['sts:AssumeRole'], roles, { StringEquals: { 'aws:ResourceOrgID': ref('OrganizationId') } }),
            allow(QUEUE_ACTIONS, { 'Fn::GetAtt': ['Events', 'Arn'] }),
            ...(organization ? [allow(['organizations:ListAccounts'], '*')] : []),
          ),
        },
      },
    },
    Outputs: {
      QueueUrl: { Description: 'For the field SQS queue of the source', Value: ref('Events') },
      BusArn: { Description: 'HubBusArn of enchilada-member.json', Value: { 'Fn::GetAtt': ['Bus', 'Arn'] } },
      NodeRoleArn: {
        Description: 'NodeRoleArn of enchilada-member.json',
        Value: { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${NodeRoleName}' },
      },
    },
  };
}

function member(record: SourceRecord): Json {
  const config = readConfig(record.parameters);
  const { roleName, connectRoleName, homeRegion } = config;
  const trust = policy({
    Effect: 'Allow',
    Principal: { AWS: ref('NodeRoleArn') },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': ref('ExternalId') } },
  });
  const role = (RoleName: string, { condition, actions }: { condition: string; actions: readonly string[] }): Json => ({
    Type: 'AWS::IAM::Role',
    Condition: condition,
    Properties: {
      RoleName,
      AssumeRolePolicyDocument: trust,
      MaxSessionDuration: 3_600,
      Policies: [{ PolicyName: 'enchilada', PolicyDocument: policy(allow(actions, '*')) }],
    },
  });
  return {
    AWSTemplateFormatVersion: VERSION,
    Description: `Enchilada: what the source ${record.name} needs in each account and region`,
    Parameters: {
      NodeRoleArn: { Type: 'String' },
      ExternalId: { Type: 'String', Default: externalIdOf(record.id) },
      HubBusArn: { Type: 'String' },
      LetPeopleIn: { Type: 'String', AllowedValues: ['yes', 'no'], Default: 'no' },
      HomeRegion: { Type: 'String', Default: homeRegion },
    },
    Conditions: {
      AtHome: { 'Fn::Equals': [ref('AWS::Region'), ref('HomeRegion')] },
      LetsIn: { 'Fn::And': [{ Condition: 'AtHome' }, { 'Fn::Equals': [ref('LetPeopleIn'), 'yes'] }] },
    },
    Resources: {
      Reader: role(roleName, { condition: 'AtHome', actions: readerActions(config) }),
      Connect: role(connectRoleName, { condition: 'LetsIn', actions: CONNECT_ACTIONS }),
      Sender: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: policy({
            Effect: 'Allow',
            Principal: { Service: 'events.amazonaws.com' },
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') } },
          }),
          Policies: [{ PolicyName: 'bus', PolicyDocument: policy(allow(['events:PutEvents'], ref('HubBusArn'))) }],
        },
      },
      ToHub: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventPattern: EVENTS,
          Targets: [{ Id: 'hub', Arn: ref('HubBusArn'), RoleArn: { 'Fn::GetAtt': ['Sender', 'Arn'] } }],
        },
      },
    },
  };
}
