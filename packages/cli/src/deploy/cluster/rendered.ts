import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { cliError } from '../../errors.ts'

/** A file of a rendered deployment. */
export interface RenderedFile {
  /** Below the output folder. */
  path: string
  text: string
  /** Written where nothing is yet, and an operator's own from then on. */
  isSeed?: boolean
}

/** Writes rendered files, each whole. Only these are touched: what an operator put beside them stays. */
export async function writeRendered(folder: string, files: readonly RenderedFile[]): Promise<void> {
  for (const { path, text, isSeed } of files) {
    const target = join(folder, path)
    if (isSeed === true && existsSync(target)) continue
    try {
      await mkdir(dirname(target), { recursive: true, mode: 0o755 })
      await writeWhole(target, text, 0o644)
    } catch (cause) {
      const isFull = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
      throw cliError(isFull ? 'STACK_DISK_FULL' : 'CLI_FILE', `cannot write ${target}`, {
        cause,
        hint: isFull ? 'make room, and deploy again' : 'is it a folder of yours? Name another with -o',
      })
    }
  }
}
