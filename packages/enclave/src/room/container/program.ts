import { realpathSync } from 'node:fs'
import { join, relative } from 'node:path'
import { engineError, type EngineProgram } from '../../engines/index.ts'
import { codeRoot } from '../../sandbox/index.ts'

/** Our own program in the capsule of a container. */
export interface ContainerProgram {
  /** The folder that the capsule shows it in. */
  readonly folder: string
  /** Path in it. */
  readonly unpack: string
  /** The Node binary. */
  readonly node: string
  /** Looked at before every start, and before the job gets anything. @throws `ENGINE_PROGRAM_CHANGED` (stop) */
  verify(): Promise<void>
}

/**
 * The program of a built image, covered by what was measured (T7).
 * @throws `ENGINE_PROGRAM_CHANGED` when Node or the program is no file of it
 */
export function measuredContainerProgram(
  image: EngineProgram,
  node: string = process.execPath,
): ContainerProgram {
  const unpack = 'unpack-image.js'
  const outside = [node, join(image.folder, unpack)].find((path) => !image.covers(path))
  if (outside !== undefined)
    throw engineError('ENGINE_PROGRAM_CHANGED', 'a file that was not measured would unpack an image', {
      expected: 'a file of the image',
      found: outside,
    })
  return { folder: image.folder, unpack, node, verify: () => image.verify() }
}

/** For tests that run sources: a program that is part of no image and that nobody measures. */
export function unmeasuredContainerProgram(node: string = process.execPath): ContainerProgram {
  const unpack = realpathSync(join(import.meta.dirname, 'unpack', 'main.ts'))
  const folder = codeRoot(unpack)
  return { folder, unpack: relative(folder, unpack), node: realpathSync(node), verify: async () => undefined }
}
