import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { encodeSplitView, type MonitorStore, type SplitView } from '@sotto/client/monitor'
import { writeWhole } from '@sotto/client/node'
import { cliError } from '../errors.ts'

/** A proof with the largest entry inside. */
export const MAX_PROOF_BYTES: number = 512 * 1024

/** What a monitor knows, in one file, written whole and synced. */
export function stateFile(path: string): MonitorStore {
  return {
    async load() {
      try {
        return await readFile(path, 'utf8')
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
      }
    },
    async save(text) {
      await mkdir(dirname(path), { recursive: true })
        .then(() => writeWhole(path, text))
        .catch((cause: unknown) => {
          throw cliError('CLI_FILE', `cannot write ${path}`, { cause })
        })
    },
  }
}

/** Keeps a split view beside the state, in a file of its own. @returns its path */
export async function keepSplitView(statePath: string, view: SplitView, nowMs: number): Promise<string> {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
  let path = join(dirname(statePath), `split-view-${time}.json`)
  for (let more = 1; existsSync(path); more++)
    path = join(dirname(statePath), `split-view-${time}-${more}.json`)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeWhole(path, encodeSplitView(view), 0o644)
  } catch (cause) {
    throw cliError('CLI_FILE', `cannot write ${path}`, { cause })
  }
  return path
}
