import type { Command } from '../../framework/index.ts'
import { roomAudit } from './audit.ts'
import { roomDataAdd } from './data-add.ts'
import { roomDataDigest } from './data-digest.ts'
import { roomDraftCheck } from './draft-check.ts'
import { roomInit } from './init.ts'
import { roomInvite } from './invite.ts'
import { roomJoin } from './join.ts'
import { roomLs } from './ls.ts'
import { roomOutputs } from './outputs.ts'
import { roomPropose } from './propose.ts'
import { roomRun } from './run.ts'
import { roomStatus } from './status.ts'
import { roomVote } from './vote.ts'
import { roomClose, roomWithdraw } from './withdraw.ts'

/** `sotto room …`, in the order help lists them. */
export const roomCommands: readonly Command[] = [
  roomInit,
  roomInvite,
  roomJoin,
  roomLs,
  roomStatus,
  roomDraftCheck,
  roomPropose,
  roomVote,
  roomDataAdd,
  roomDataDigest,
  roomRun,
  roomOutputs,
  roomAudit,
  roomWithdraw,
  roomClose,
]
