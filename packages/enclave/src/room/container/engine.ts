import { realpathSync, rmdirSync } from 'node:fs'
import { SottoError } from '@sotto/protocol/errors'
import { type AppSandboxReport, probeAppSandbox } from '../../app/sandbox/probe.ts'
import {
  APP_UIDS,
  availablePrograms,
  makeEmptyDirectory,
  type Programs,
  UidRange,
} from '../../sandbox/index.ts'
import type { CapsuleKind } from '../../sandbox/kind.ts'
import { type JobContent, jobCommand } from './capsule.ts'
import { containerError } from './errors.ts'
import { DEFAULT_IMAGE_BYTES, DEFAULT_INPUT_BYTES } from './limits.ts'
import type { ContainerProgram } from './program.ts'

/** What containers run with. */
export interface ContainerEngineOptions {
  readonly program: ContainerProgram
  /** `full`: nothing less than uids of their own and no other sockets. `best-effort`: user namespaces do too. */
  readonly require: 'full' | 'best-effort'
  /** Tests ask for one kind, to see what an ordinary user gets. Default: all that this machine may have. */
  readonly only?: CapsuleKind['as']
  /** Default: those of this machine. */
  readonly programs?: Programs
  /** Bytes of all files of an image. Default 8 GiB. */
  readonly maxImageBytes?: number
  /** Bytes of all inputs of a run. Default 16 GiB. */
  readonly maxInputBytes?: number
}

/** How containers of a machine are kept apart: what an app's capsule, of the same namespaces, was seen to give. */
export type ContainerSandboxReport = AppSandboxReport

/** Runs containers, several at once if it has to; see `runContainer`. */
export interface ContainerEngine {
  readonly sandbox: ContainerSandboxReport
  readonly program: ContainerProgram
  readonly maxImageBytes: number
  readonly maxInputBytes: number
  /** Uids for one job, which nobody else has until they are given back. @throws `ROOM_CONTAINER_START` */
  takeUids(): { readonly uids: JobContent['uids']; giveBack(): void }
  /** The command of a capsule on this machine. */
  commandOf(content: Omit<JobContent, 'stage' | 'node' | 'program'>): string[]
  /** Removes its empty directory. Only once no job runs. */
  close(): void
}

/**
 * Finds out how this machine can confine a container, before anything of one is read.
 * @throws `ROOM_CONTAINER_SANDBOX`
 */
export async function createContainerEngine(options: ContainerEngineOptions): Promise<ContainerEngine> {
  const { program, maxImageBytes = DEFAULT_IMAGE_BYTES, maxInputBytes = DEFAULT_INPUT_BYTES } = options
  const range = new UidRange(APP_UIDS, () =>
    containerError('ROOM_CONTAINER_START', { found: 'no uid is left for a job' }),
  )
  const programs = options.programs ?? availablePrograms()
  if (programs.perl === undefined && programs.python === undefined)
    throw containerError('ROOM_CONTAINER_SANDBOX', { found: 'neither perl nor python3 is installed' })
  const stage = makeEmptyDirectory()
  const node = realpathSync(program.node)
  const { kind, report } = await probe({ ...options, programs, node }, stage).catch((error: unknown) => {
    rmdirSync(stage)
    throw error
  })
  return {
    sandbox: report,
    program,
    maxImageBytes,
    maxInputBytes,
    takeUids() {
      const uids = { job: range.take(), unpack: range.take() }
      return { uids, giveBack: () => Object.values(uids).forEach((uid) => range.giveBack(uid)) }
    },
    commandOf(content) {
      const words = jobCommand(kind, { ...content, stage, node, program }, programs)
      if (words === undefined)
        throw containerError('ROOM_CONTAINER_SANDBOX', { found: 'no interpreter that can become a job' })
      return words
    },
    close: () => rmdirSync(stage),
  }
}

async function probe(
  options: Pick<ContainerEngineOptions, 'require' | 'only'> & { programs: Programs; node: string },
  stage: string,
): ReturnType<typeof probeAppSandbox> {
  const uids = { app: APP_UIDS.first, bridge: APP_UIDS.first + 1 }
  try {
    return await probeAppSandbox({ ...options, uids, stage })
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    const { expected, found, hint } = cause
    throw containerError('ROOM_CONTAINER_SANDBOX', {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      ...(hint !== undefined && { hint }),
      cause,
    })
  }
}
