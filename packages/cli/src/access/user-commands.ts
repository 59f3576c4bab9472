import { TOKEN_PERMISSIONS } from '@enchilada/core/access';
import { ROLES } from '@enchilada/core/identity';
import { command, done } from '../frame/command.ts';
import { table, when } from '../frame/table.ts';
import { oneOf } from '../catalog/assignments.ts';
import { allPages, findGroup, findUser } from '../catalog/find.ts';
import { askPassword } from '../login/ask.ts';

export const userCommands = [
  command('users list', {
    summary: 'List the people.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listUsers();
      const state = (user: (typeof items)[number]): string =>
        [user.service ? 'service' : '', user.disabled ? 'disabled' : '', user.breakGlass ? 'break-glass' : '']
          .filter((word) => word !== '')
          .join(' ');
      return done(
        { items },
        ...table(
          ['id', 'username', 'name', 'role', 'last sign-in', 'state'],
          items.map((user) => [
            user.id,
            user.username,
            user.displayName,
            user.role,
            when(user.lastLoginAt),
            state(user),
          ]),
        ),
      );
    },
  }),
  command('users add', {
    summary: 'Add a person.',
    words: ['USERNAME'],
    options: {
      'display-name': { type: 'string', value: 'TEXT', says: 'the name that others see' },
      role: { type: 'string', value: 'ROLE', says: `${ROLES.join(', ')}; user if left out` },
      group: { type: 'string', value: 'NAME', multiple: true, says: 'a group that the person is in' },
      'password-file': { type: 'string', value: 'FILE', says: 'read the password from a file; - is standard input' },
      'no-password': { type: 'boolean', says: 'set no password yet' },
      service: {
        type: 'boolean',
        says: 'make a service account, for a program: it has API tokens and never a password',
      },
    },
    async run({ io, words: [username = ''], options, client }) {
      const { api } = await client();
      const groups = await Promise.all((options.group ?? []).map((name) => findGroup(api, name)));
      const password =
        options['no-password'] === true || options.service === true
          ? undefined
          : await askPassword(io, 'Password of the new person', options['password-file']);
      const user = await api.createUser({
        body: {
          username,
          displayName: options['display-name'] ?? username,
          role: oneOf(options.role ?? 'user', 'role', ROLES),
          groupIds: groups.map(({ id }) => id),
          ...(password === undefined ? {} : { password: password.reveal() }),
          ...(options.service === true ? { service: true } : {}),
        },
      });
      return done(user, `Added ${user.username} (${user.id}).`);
    },
  }),
  command('users disable', {
    summary: 'Disable a person, which ends their logins and sessions.',
    words: ['USERNAME'],
    async run({ words: [name = ''], client }) {
      const { api } = await client();
      const { id, version } = await findUser(api, name);
      const user = await api.updateUser({ params: { id }, body: { disabled: true, version } });
      return done(user, `Disabled ${user.username}.`);
    },
  }),
  command('users enable', {
    summary: 'Let a disabled person sign in again.',
    words: ['USERNAME'],
    async run({ words: [name = ''], client }) {
      const { api } = await client();
      const { id, version } = await findUser(api, name);
      const user = await api.updateUser({ params: { id }, body: { disabled: false, version } });
      return done(user, `Enabled ${user.username}.`);
    },
  }),
  command('users password', {
    summary: "Set a person's password and end their logins.",
    words: ['USERNAME'],
    options: {
      'password-file': { type: 'string', value: 'FILE', says: 'read the password from a file; - is standard input' },
    },
    async run({ io, words: [name = ''], options, client }) {
      const { api } = await client();
      const { id, username } = await findUser(api, name);
      const password = await askPassword(io, `New password of ${username}`, options['password-file']);
      await api.setUserPassword({ params: { id }, body: { password: password.reveal() } });
      return done({ user: id }, `Set the password of ${username}.`);
    },
  }),
  command('users remove', {
    summary: 'Remove a person; their recordings and audit stay.',
    words: ['USERNAME'],
    async run({ words: [name = ''], client }) {
      const { api } = await client();
      const { id, version, username } = await findUser(api, name);
      await api.deleteUser({ params: { id }, query: { version } });
      return done({ removed: id }, `Removed ${username} (${id}).`);
    },
  }),
  command('tokens list', {
    summary: 'List the API tokens of an account.',
    words: ['USERNAME'],
    async run({ words: [name = ''], client }) {
      const { api } = await client();
      const { id } = await findUser(api, name);
      const { items } = await api.listUserTokens({ params: { id } });
      const rows = items.map((token) => [
        token.id,
        token.name,
        token.scope.join(' '),
        when(token.expiresAt),
        when(token.lastUsedAt),
      ]);
      return done({ items }, ...table(['id', 'name', 'permissions', 'expires', 'last used'], rows));
    },
  }),
  command('tokens add', {
    summary: 'Make an API token of a service account. It is printed once.',
    words: ['USERNAME', 'NAME'],
    options: {
      permission: {
        type: 'string',
        value: 'PERMISSION',
        multiple: true,
        says: `what it may do, once or more: ${TOKEN_PERMISSIONS.join(', ')}`,
      },
      days: { type: 'string', value: 'NUMBER', says: 'how long it is valid; 90 if left out, 366 at most' },
    },
    async run({ words: [username = '', name = ''], options, client }) {
      const { api } = await client();
      const { id } = await findUser(api, username);
      const scope = (options.permission ?? []).map((one) => oneOf(one, 'permission', TOKEN_PERMISSIONS));
      const made = await api.createUserToken({
        params: { id },
        body: { name, scope, days: Number(options.days ?? '90') },
      });
      return done(made, made.value);
    },
  }),
  command('tokens remove', {
    summary: 'Withdraw an API token of an account at once.',
    words: ['USERNAME', 'ID'],
    async run({ words: [username = '', tokenId = ''], client }) {
      const { api } = await client();
      const { id } = await findUser(api, username);
      await api.removeUserToken({ params: { id, tokenId } });
      return done({ removed: tokenId }, `Withdrew ${tokenId}.`);
    },
  }),
  command('groups list', {
    summary: 'List the groups of people.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listGroups();
      return done(
        { items },
        ...table(
          ['id', 'name', 'members', 'description'],
          items.map((group) => [group.id, group.name, group.members, group.description]),
        ),
      );
    },
  }),
  command('groups members', {
    summary: 'List the people of a group.',
    words: ['GROUP'],
    async run({ words: [wanted = ''], client }) {
      const { api } = await client();
      const { id } = await findGroup(api, wanted);
      const items = await allPages((cursor) => api.listMembers({ params: { id }, query: { limit: 500, ...cursor } }));
      const rows = items.map((member) => [member.id, member.username, member.displayName]);
      return done({ items }, ...table(['id', 'username', 'name'], rows));
    },
  }),
  command('groups add', {
    summary: 'Add a group of people.',
    words: ['NAME'],
    options: { description: { type: 'string', value: 'TEXT', says: 'a description' } },
    async run({ words: [name = ''], options, client }) {
      const { api } = await client();
      const group = await api.createGroup({ body: { name, description: options.description ?? '' } });
      return done(group, `Added ${group.name} (${group.id}).`);
    },
  }),
  command('groups remove', {
    summary: 'Remove a group of people and its grants.',
    words: ['NAME'],
    async run({ words: [wanted = ''], client }) {
      const { api } = await client();
      const { id, name } = await findGroup(api, wanted);
      await api.deleteGroup({ params: { id } });
      return done({ removed: id }, `Removed ${name} (${id}).`);
    },
  }),
  command('groups join', {
    summary: 'Put a person into a group.',
    words: ['GROUP', 'USERNAME'],
    async run({ words: [groupName = '', username = ''], client }) {
      const { api } = await client();
      const [group, user] = await Promise.all([findGroup(api, groupName), findUser(api, username)]);
      await api.addMember({ params: { id: group.id }, body: { userId: user.id } });
      return done({ group: group.id, user: user.id }, `${user.username} is in ${group.name}.`);
    },
  }),
  command('groups leave', {
    summary: 'Take a person out of a group.',
    words: ['GROUP', 'USERNAME'],
    async run({ words: [groupName = '', username = ''], client }) {
      const { api } = await client();
      const [group, user] = await Promise.all([findGroup(api, groupName), findUser(api, username)]);
      await api.removeMember({ params: { id: group.id, userId: user.id } });
      return done({ group: group.id, user: user.id }, `${user.username} is no longer in ${group.name}.`);
    },
  }),
];
