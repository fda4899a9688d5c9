import { writeWhole } from '@sotto/client/node'
import type { DataUse } from '@sotto/protocol/data-use'
import type { LoggedStatement } from '@sotto/protocol/keyrelease'
import { encodeRoleConfig, inferenceConfig, type InferenceRole } from '../roles/index.ts'
import { launch, type LaunchedRole, measureLaunch } from '../software-tee/launch.ts'
import type { SoftwareMachine } from '../software-tee/machine.ts'
import { READY_MS } from './child.ts'
import { loggedStatement, type MeasuredRole, signRelease } from './documents.ts'
import { appendToLog } from './http.ts'
import type { Layout } from './layout.ts'
import type { Signer, StateFolder } from './state.ts'

/** Enclaves of one stack: they hold the same keys, and differ in the port they listen at. */
export interface Enclaves {
  /** What each is measured as. */
  measured: MeasuredRole[]
  /** Starts them, one after the other. */
  start(): Promise<LaunchedRole[]>
  /** Starts one of them again. */
  startOne(index: number): Promise<LaunchedRole>
}

/** What enclaves are made of. */
export interface EnclavesOptions {
  layout: Layout
  state: StateFolder
  machine: SoftwareMachine
  /** Configuration but for its address. */
  role: Omit<InferenceRole, 'listen'>
  ports: readonly number[]
  env: Record<string, string>
}

/** Name of an enclave of a stack: the first has the role's. */
export function enclaveName(index: number): string {
  return index === 0 ? 'inference' : `inference-${index + 1}`
}

/** Writes the configuration of every enclave and measures what it will be. Nothing runs yet. */
export async function prepareEnclaves(options: EnclavesOptions): Promise<Enclaves> {
  const { layout, state, machine, role, ports, env } = options
  const image = layout.image('inference')
  const measured: MeasuredRole[] = []
  for (const [index, port] of ports.entries()) {
    const file = state.config(enclaveName(index))
    await writeWhole(
      file,
      encodeRoleConfig(inferenceConfig({ ...role, listen: { host: '127.0.0.1', port } })),
    )
    const { image: measuredImage, measurement, hostData } = await measureLaunch(image, file)
    measured.push({ role: 'inference', digest: measuredImage.digest, measurement, hostData })
  }
  // An enclave is ready when its app is.
  const readyMs = READY_MS + (role.app?.healthcheck.startSeconds ?? 0) * 1000
  const startOne = (index: number): Promise<LaunchedRole> => {
    const name = enclaveName(index)
    const files = { config: state.config(name), logFile: state.log(name) }
    return launch({ name, machine, image, ...files, env, readyMs })
  }
  return {
    measured,
    startOne,
    async start() {
      const started: LaunchedRole[] = []
      try {
        for (const index of ports.keys()) started.push(await startOne(index))
      } catch (error) {
        await Promise.all(started.map((role_) => role_.stop()))
        throw error
      }
      return started
    },
  }
}

/** Signs and logs the release of each measured role. */
export function releaseAll(
  measured: readonly MeasuredRole[],
  options: {
    logUrl: string
    appendToken: string
    signer: Signer
    now: number
    dataUse: DataUse
    app: { name: string; sha256: string } | undefined
  },
): Promise<LoggedStatement[]> {
  const { logUrl, appendToken, signer, now, dataUse, app } = options
  return Promise.all(
    measured.map(async (workload) => {
      const envelope = signRelease(workload, signer, now, dataUse, { app })
      return loggedStatement(envelope, await appendToLog(logUrl, appendToken, envelope))
    }),
  )
}
