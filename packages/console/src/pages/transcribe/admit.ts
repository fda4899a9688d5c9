import { DEFAULT_UPLOAD_BYTES } from '@sotto/protocol/sizes'
import { SNIFF_BYTES, soundKindOf } from '../../audio/sniff.ts'
import { words } from '../../words/index.ts'

/** A file is not sent, and why. In words for people. */
export class NotAdmitted extends Error {}

/** The service takes no larger one. */
export const MAX_BYTES: number = DEFAULT_UPLOAD_BYTES

/**
 * Judges a file before anything of it is sent; a file that is too large is not even read.
 *
 * @returns whether it has to be converted first
 * @throws {@link NotAdmitted}
 */
export async function admit(file: Blob): Promise<{ isForeign: boolean }> {
  const { refused } = words.transcribe
  if (file.size > MAX_BYTES) throw new NotAdmitted(refused.tooLarge(file.size, MAX_BYTES))
  if (file.size === 0) throw new NotAdmitted(refused.empty)
  let head: Uint8Array
  try {
    head = new Uint8Array(await file.slice(0, SNIFF_BYTES).arrayBuffer())
  } catch (cause) {
    // Folders are dropped as files that cannot be read.
    throw new NotAdmitted(refused.unreadable, { cause })
  }
  const kind = soundKindOf(head)
  if (kind === 'none') throw new NotAdmitted(refused.noSound)
  return { isForeign: kind === 'foreign' }
}
