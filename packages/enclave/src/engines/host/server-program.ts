import { lstatSync, realpathSync } from 'node:fs'
import { createDigestCache } from '@sotto/protocol/measurement'
import { engineError } from '../errors.ts'
import { sha256File } from './program.ts'

/** A llama-server that engines may start, as the measured configuration names it. */
export interface ServerProgramOptions {
  /** Absolute path. */
  readonly path: string
  /** SHA-256 of the file, lower-case hexadecimal. */
  readonly sha256: string
}

/** The same, found on the disk. */
export interface ServerProgram {
  /** Without links. */
  readonly path: string
  /** @throws `ENGINE_PROGRAM_CHANGED` (stop) when the file is another than the configuration names */
  verify(): Promise<void>
}

/**
 * Tells whether a program beside the image is the one the configuration names, whose bytes are measured (T7). Looked at
 * before every start and once it runs, like the image; it has to be one static program, because what it would load from
 * elsewhere is not looked at. @throws `ENGINE_PROGRAM_CHANGED` for no file
 */
export function openServerProgram({ path, sha256 }: ServerProgramOptions): ServerProgram {
  const digests = createDigestCache(Date.now)
  const changed = (found: string, cause?: unknown): Error =>
    engineError(
      'ENGINE_PROGRAM_CHANGED',
      'the llama-server is not the program that the configuration names',
      {
        expected: sha256,
        found,
        cause,
      },
    )
  let real: string
  try {
    real = realpathSync(path)
  } catch (cause) {
    throw changed('nothing', cause)
  }
  return {
    path: real,
    async verify() {
      const found = await digests
        .digestOf({
          identify: () => lstatSync(real, { bigint: true }),
          hash: () => sha256File(real, lstatSync(real, { bigint: true }).size),
        })
        .catch((cause: unknown) => {
          throw changed('nothing', cause)
        })
      if (found !== sha256) throw changed(found ?? 'a file that keeps changing')
    },
  }
}
