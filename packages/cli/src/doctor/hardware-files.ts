import { constants, createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { HardwareFiles } from '@sotto/protocol/evidence-hardware'

/** All that is looked at is in the first lines; `/proc/cpuinfo` repeats itself for every processor. */
const MAX_TEXT_BYTES = 65_536

/** Files of this machine; a test gives another root. Longer text is cut off after 64 KiB. */
export function hardwareFiles(root: string = '/'): HardwareFiles {
  const may = (path: string, mode: number): Promise<boolean> =>
    access(join(root, path), mode).then(
      () => true,
      () => false,
    )
  return {
    exists: (path) => may(path, constants.F_OK),
    readText: (path) =>
      text(createReadStream(join(root, path), { end: MAX_TEXT_BYTES - 1 })).catch(() => undefined),
    async access(path) {
      if (!(await may(path, constants.F_OK))) return undefined
      const [read, write] = await Promise.all([may(path, constants.R_OK), may(path, constants.W_OK)])
      return { read, write }
    },
  }
}
