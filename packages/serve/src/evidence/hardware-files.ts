import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import type { HardwareFiles } from '@sotto/protocol/evidence-hardware'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { join } from 'node:path'
import { thisMachine } from './machine.ts'

/** `/proc/cpuinfo` of a machine with hundreds of processors; its first entry is all that counts. */
const MAX_TEXT_BYTES = 4_194_304

/** Files below a root, for `detectHardware`. */
export function hardwareFiles(root: string = '/'): HardwareFiles {
  const machine = thisMachine(root)
  const may = (path: string, mode: number): Promise<boolean> =>
    access(join(root, path), mode).then(
      () => true,
      () => false,
    )
  return {
    exists: (path) => may(path, constants.F_OK),
    readText: (path) =>
      machine
        .read(path, MAX_TEXT_BYTES)
        .then(fromUtf8)
        .catch(() => undefined),
    async access(path) {
      if (!(await may(path, constants.F_OK))) return undefined
      const [read, write] = await Promise.all([may(path, constants.R_OK), may(path, constants.W_OK)])
      return { read, write }
    },
  }
}
