/**
 * Unpacks the image that descriptor 4 has into the folder it is told. A program of its own, without any privilege, in the
 * capsule of the job: what it writes into is memory that nobody sees from outside, and no input is there yet. What is wrong
 * with an image it says on the descriptor of the capsule, in fixed words.
 */
import { writeSync } from 'node:fs'
import { SottoError } from '@sotto/protocol/errors'
import { ARCHIVE_DESCRIPTOR, READY_DESCRIPTOR } from '../../../sandbox/descriptors.ts'
import { layoutError } from '../errors.ts'
import { tooLarge, unpackImage, type UnpackPlan } from './unpack-image.ts'

const [, , folder = '', plan = ''] = process.argv
try {
  await unpackImage(ARCHIVE_DESCRIPTOR, folder, JSON.parse(plan) as UnpackPlan)
} catch (error) {
  const refusal = refusalOf(error)
  if (refusal !== undefined) writeSync(READY_DESCRIPTOR, `${refusal.code} ${refusal.found ?? ''}\n`)
  process.exitCode = 1
}

function refusalOf(error: unknown): SottoError | undefined {
  if (['ENOSPC', 'EDQUOT', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? ''))
    return tooLarge() as SottoError
  if (!(error instanceof SottoError)) return undefined
  return error.code.startsWith('ROOM_CONTAINER_') ? error : layoutError(error.message)
}
