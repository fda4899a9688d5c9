import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../../errors.ts'
import type { PackedCode } from '../app/pack.ts'
import { type DeploymentFile, TARGETS } from '../file/index.ts'
import type { Prepared } from '../prepare.ts'

/** Deployments that can be returned to, the newest included. */
const KEPT = 5
const DIGEST = /^[0-9a-f]{64}$/

/** What was deployed, and what went before it, the newest last. */
export interface History {
  /** `at` is Unix seconds. */
  entries: { digest: string; at: number }[]
}

/** What was deployed once. Secrets are not kept: they are read anew where the file says. */
export interface Snapshot {
  file: DeploymentFile
  code: PackedCode | undefined
}

/**
 * The snapshots of one state folder: its owner's own files, which nobody else is believed about. Every file is written whole, so
 * a process that is killed leaves what was there; of two that deploy at once the last one is remembered.
 */
export interface Snapshots {
  /** Keeps what is about to run. */
  keep(prepared: Prepared): Promise<void>
  /** @throws `DEPLOY_UNKNOWN` (fix-input) for one that is not kept, or damaged */
  read(digest: string): Promise<Snapshot>
  /** Says that this one runs now, and forgets those that are too old, or never came to run. */
  arrived(digest: string, at: number): Promise<void>
  /** Empty where there is none, or it is damaged. */
  history(): Promise<History>
}

/** Opens the snapshots of a deployment's state folder. */
export function openSnapshots(stateFolder: string): Snapshots {
  const root = join(stateFolder, 'deployments')
  const historyFile = join(root, 'history.json')
  const folderOf = (digest: string): string => {
    if (!DIGEST.test(digest)) throw unknown(digest)
    return join(root, digest)
  }

  async function history(): Promise<History> {
    const text = await readFile(historyFile, 'utf8').catch(() => undefined)
    try {
      const { entries } = JSON.parse(text ?? '{"entries":[]}') as { entries: unknown[] }
      return { entries: entries.filter(isEntry) }
    } catch {
      return { entries: [] }
    }
  }

  return {
    history,
    async keep({ file, code, digest }) {
      const folder = folderOf(digest)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      if (code) await writeWhole(join(folder, 'code.tar'), code.tar)
      // Last: a snapshot without it is none.
      await writeWhole(
        join(folder, 'deployment.json'),
        JSON.stringify({ file, ...(code && { code: { sha256: code.sha256, files: code.files } }) }),
      )
    },
    async read(digest) {
      const folder = folderOf(digest)
      try {
        const { file, code } = JSON.parse(await readFile(join(folder, 'deployment.json'), 'utf8')) as {
          file: DeploymentFile
          code?: Omit<PackedCode, 'tar'>
        }
        if (!isFile(file) || (file.app === undefined) !== (code === undefined)) throw unknown(digest)
        if (code === undefined) return { file, code }
        const tar = new Uint8Array(await readFile(join(folder, 'code.tar')))
        if (toHex(crypto.sha256(tar)) !== code.sha256) throw unknown(digest)
        return { file, code: { ...code, tar } }
      } catch (cause) {
        throw unknown(digest, cause)
      }
    },
    async arrived(digest, at) {
      const { entries } = await history()
      const kept = [...entries.filter((entry) => entry.digest !== digest), { digest, at }].slice(-KEPT)
      await mkdir(root, { recursive: true, mode: 0o700 })
      await writeWhole(historyFile, JSON.stringify({ entries: kept }))
      for (const name of await readdir(root))
        if (DIGEST.test(name) && !kept.some((one) => one.digest === name))
          await rm(join(root, name), { recursive: true, force: true })
    },
  }
}

function isEntry(entry: unknown): entry is History['entries'][number] {
  const { digest, at } = (entry ?? {}) as { digest?: unknown; at?: unknown }
  return typeof digest === 'string' && DIGEST.test(digest) && Number.isSafeInteger(at)
}

/** Of a file that this command wrote itself only what would do harm if it were damaged. */
function isFile(file: Partial<DeploymentFile> | undefined | null): file is DeploymentFile {
  return (
    typeof file?.name === 'string' &&
    typeof file.path === 'string' &&
    TARGETS.some((target) => target === file.target) &&
    typeof file.resources?.replicas === 'number' &&
    (file.app === undefined || (Array.isArray(file.app?.command) && typeof file.app?.secrets === 'object'))
  )
}

function unknown(digest: string, cause?: unknown): Error {
  return cliError(
    'DEPLOY_UNKNOWN',
    `no deployment ${JSON.stringify(digest.slice(0, 12))} is kept here, or it is damaged`,
    {
      cause,
      hint: 'sotto status lists what is kept; sotto deploy makes a new one',
    },
  )
}
