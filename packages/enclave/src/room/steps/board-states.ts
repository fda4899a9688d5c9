import { createHash } from 'node:crypto'
import type { BoardAccess, RunCheckpoint } from '@sotto/protocol/room'
import { type Checkpoints, MAX_SEALED_STATE_BYTES } from '../../train/process/index.ts'
import type { BoardFiles } from '../board/board-files.ts'
import { roomRoleError } from '../errors.ts'

/** What keeping states takes. */
export interface BoardStatesOptions {
  board: BoardFiles
  access: BoardAccess
  /** The state that somebody says to go on from. */
  goesOnFrom: RunCheckpoint | undefined
  firstMs: number
  signal: AbortSignal
  /** Told of a state that is on the board. */
  onKept(checkpoint: RunCheckpoint): void
}

/** As much as a room asks a board for at once. */
const PART_BYTES = 8 * 1024 * 1024

/**
 * Sealed states of a training as files of the board, which learns their sizes and nothing else. Whoever says which one to go
 * on from is trusted with nothing: it opens under the secret of this training only, and leads to the same end.
 * @throws `ROOM_FILES` where the state to go on from is not there, `ROOM_TASK` where it is too large
 */
export async function boardStates(options: BoardStatesOptions): Promise<Checkpoints> {
  const { board, access, goesOnFrom, firstMs, signal, onKept } = options
  return {
    firstMs,
    ...(goesOnFrom && {
      from: { step: goesOnFrom.step, digest: goesOnFrom.state, sealed: await read(options, goesOnFrom) },
    }),
    async keep({ step, digest, sealed }) {
      const file = sha256(sealed)
      await board.write(access, file, sealed, signal)
      onKept({ step, state: digest, sealed: file, bytes: sealed.length })
    },
  }
}

async function read(
  { board, access, signal }: BoardStatesOptions,
  { sealed, bytes }: RunCheckpoint,
): Promise<Uint8Array> {
  if (bytes > MAX_SEALED_STATE_BYTES)
    throw roomRoleError('ROOM_TASK', 'the state to go on from is larger than any that a room keeps', {
      expected: `at most ${MAX_SEALED_STATE_BYTES} bytes`,
      found: `${bytes}`,
    })
  const whole = new Uint8Array(bytes)
  for (let start = 0; start < bytes; start += PART_BYTES) {
    const range = { start, length: Math.min(PART_BYTES, bytes - start) }
    whole.set(await board.read(access, sealed, range, signal), start)
  }
  if (sha256(whole) === sealed) return whole
  throw roomRoleError('ROOM_FILES', 'the board has another file in the place of the state to go on from')
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
