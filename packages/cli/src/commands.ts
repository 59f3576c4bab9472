import { authorityCommands } from './access/authority-commands.ts';
import { accessCommands } from './access/access-commands.ts';
import { grantCommands } from './access/grant-commands.ts';
import { keyCommands } from './access/key-commands.ts';
import { personalKeyCommands } from './access/personal-key-commands.ts';
import { requestCommands } from './access/request-commands.ts';
import { userCommands } from './access/user-commands.ts';
import { auditCommands } from './audit/audit-commands.ts';
import { backupCommands } from './backup/backup-commands.ts';
import { targetCommands } from './catalog/target-commands.ts';
import { configCommands } from './config/config-commands.ts';
import { recoverCommands } from './control/recover-command.ts';
import { discoveryCommands } from './discovery/discovery-commands.ts';
import { doctorCommands } from './doctor/doctor-command.ts';
import type { Command } from './frame/command.ts';
import { loginCommands } from './login/login-commands.ts';
import { recordingCommands } from './recordings/recording-commands.ts';
import { sessionCommands } from './sessions/session-commands.ts';
import { shareCommands } from './sessions/share-commands.ts';
import { applyCommands } from './policy/apply-command.ts';
import { verifyCommand } from './verify-command.ts';

export const COMMANDS: readonly Command[] = [
  ...loginCommands,
  ...targetCommands,
  ...discoveryCommands,
  ...userCommands,
  ...grantCommands,
  ...accessCommands,
  ...applyCommands,
  ...requestCommands,
  ...authorityCommands,
  ...keyCommands,
  ...personalKeyCommands,
  ...sessionCommands,
  ...shareCommands,
  ...recordingCommands,
  ...auditCommands,
  verifyCommand,
  ...doctorCommands,
  ...configCommands,
  ...recoverCommands,
  ...backupCommands,
];
