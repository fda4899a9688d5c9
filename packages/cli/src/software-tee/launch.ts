import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex, fromHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { createDigestCache, softwareMeasurement } from '@sotto/protocol/measurement'
import { startChild, type RoleProcess } from '../stack/child.ts'
import { MEMORY_ENV, MEMORY_FLAGS } from '../stack/memory.ts'
import { deriveSealingKey, type SoftwareMachine } from './machine.ts'
import { measureImage, type MeasuredImage } from './measure.ts'
import { answerEvidence } from './evidence.ts'
import { cliError } from '../errors.ts'

/** What to launch in the software TEE. */
export interface LaunchOptions {
  name: string
  machine: SoftwareMachine
  /** Image folder (see `measureImage`). */
  image: string
  /** Configuration file; its SHA-256 is reported as HOST_DATA. */
  config: string
  logFile: string
  /** Longest wait for it to be ready, milliseconds. Default 60000. */
  readyMs?: number | undefined
  /** Added to the role's otherwise nearly empty environment. */
  env?: Record<string, string>
}

/** A role running in the software TEE, and what was measured when it started. */
export interface LaunchedRole extends RoleProcess {
  image: MeasuredImage
  /** MEASUREMENT, 96 hexadecimal characters. */
  measurement: string
  /** HOST_DATA, 64 hexadecimal characters. */
  hostData: string
}

/** Environment of every measured role, and all of it but `env` of the options. */
const ROLE_ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...MEMORY_ENV }

/** What this launcher has read: see there for what a remembered digest proves. */
const DIGESTS = createDigestCache(Date.now)

/** What the launcher would measure, without starting anything: for release statements. */
export async function measureLaunch(
  image: string,
  config: string,
): Promise<{ image: MeasuredImage; measurement: string; hostData: string }> {
  const measured = await measureImage(image, DIGESTS)
  return {
    image: measured,
    measurement: softwareMeasurement(measured.digest),
    hostData: toHex(crypto.sha256(await readFile(config))),
  }
}

/**
 * Measures an image and its configuration, starts it, and plays its hardware: reports and sealing
 * keys over the process's own channel, for exactly this measurement.
 *
 * @throws `SOFTWARE_TEE_NOT_LOOPBACK` (stop) when the configuration would listen beyond loopback (T10)
 */
export async function launch(options: LaunchOptions): Promise<LaunchedRole> {
  requireLoopback(await readFile(options.config, 'utf8'))
  const measured = await measureLaunch(options.image, options.config)
  const { machine } = options
  const child = await startChild({
    name: options.name,
    node: join(options.image, 'bin', 'node'),
    args: [...MEMORY_FLAGS, 'role.js', '--config', options.config],
    cwd: options.image,
    env: { ...ROLE_ENV, ...options.env },
    logFile: options.logFile,
    readyMs: options.readyMs,
    onMessage(message, reply) {
      const { type, id } = message as { type?: unknown; id?: unknown }
      if (type === 'tee.report') {
        const { reportData } = message as { reportData: string }
        reply({
          type,
          id,
          evidence: answerEvidence(machine, measured.measurement, measured.hostData, fromHex(reportData)),
        })
      } else if (type === 'tee.sealing-key') {
        const { context } = message as { context: string }
        reply({ type, id, key: toHex(deriveSealingKey(machine, measured.measurement, context)) })
      }
    },
  })
  return Object.assign(child, measured)
}

function requireLoopback(configText: string): void {
  const host = (JSON.parse(configText) as { listen?: { host?: unknown } }).listen?.host
  if (host === '127.0.0.1' || host === '::1') return
  throw cliError('SOFTWARE_TEE_NOT_LOOPBACK', 'the software TEE listens on loopback only', {
    expected: 'listen.host 127.0.0.1 or ::1',
    found: String(host),
    hint: 'it protects nothing from whoever owns this machine, so nobody else may be offered it',
  })
}
