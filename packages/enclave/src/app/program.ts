import { join, relative } from 'node:path'
import { realpathSync } from 'node:fs'
import { type EngineProgram, engineError } from '../engines/index.ts'
import { codeRoot } from '../sandbox/index.ts'

/** Our own programs in the capsule of an app. */
export interface AppProgram {
  /** The folder that the capsule shows them in. */
  readonly folder: string
  /** Paths in it. */
  readonly bridge: string
  readonly unpack: string
  /** The Node binary. */
  readonly node: string
  /** Looked at before every start, and before the app gets anything. @throws `ENGINE_PROGRAM_CHANGED` (stop) */
  verify(): Promise<void>
}

/**
 * The programs of a built image, covered by what was measured (T7).
 * @throws `ENGINE_PROGRAM_CHANGED` when Node or one of them is no file of it
 */
export function measuredAppProgram(image: EngineProgram, node: string = process.execPath): AppProgram {
  const names = { bridge: 'bridge.js', unpack: 'unpack.js' }
  const outside = [node, ...Object.values(names).map((name) => join(image.folder, name))].find(
    (path) => !image.covers(path),
  )
  if (outside !== undefined)
    throw engineError('ENGINE_PROGRAM_CHANGED', 'an app would run beside a file that was not measured', {
      expected: 'a file of the image',
      found: outside,
    })
  return { folder: image.folder, ...names, node, verify: () => image.verify() }
}

/** For tests that run sources: programs that are part of no image and that nobody measures. */
export function unmeasuredAppProgram(node: string = process.execPath): AppProgram {
  const [bridge, unpack] = ['bridge', 'unpack'].map((name) =>
    realpathSync(join(import.meta.dirname, name, 'main.ts')),
  ) as [string, string]
  const folder = codeRoot(bridge)
  return {
    folder,
    bridge: relative(folder, bridge),
    unpack: relative(folder, unpack),
    node: realpathSync(node),
    verify: async () => undefined,
  }
}
