import { spawn } from 'node:child_process'
import { readlinkSync, realpathSync } from 'node:fs'
import { availablePrograms, type Programs } from '../../sandbox/index.ts'
import { loopbackUp, tryRefused, withFilter } from '../../sandbox/kernel-calls.ts'
import { type CapsuleKind, capsulePrograms } from '../../sandbox/kind.ts'
import { systemCallFilter } from '../../sandbox/system-calls.ts'
import { appError } from '../errors.ts'
import { appScript } from '../environment.ts'
import type { CapsuleContent } from './capsule-parts.ts'
import { capsuleCommand } from './capsule.ts'
import { judgeLook, lookScript, type Observation } from './look.ts'

/** How an app is kept apart, as observed on this machine before its code is read. Less than this is not served. */
export interface AppSandboxReport extends Observation {
  /** Uids of their own for app and bridge, and sockets of its namespace only. */
  readonly full: boolean
  /** Why it is not full; empty when it is. */
  readonly reasons: readonly string[]
}

/** A way to make capsules on this machine, and what it was seen to give. */
export interface AppSandbox {
  readonly kind: CapsuleKind
  readonly report: AppSandboxReport
}

/** What the probe starts from. */
export interface AppProbeOptions extends Pick<CapsuleContent, 'uids' | 'stage'> {
  /** `full`: nothing less than uids of their own and no other sockets. `best-effort`: user namespaces do too. */
  readonly require: 'full' | 'best-effort'
  /** Default `process.execPath`. */
  readonly node?: string
  /** Tests ask for one kind, to see what an ordinary user gets. Default: all that this machine may have. */
  readonly only?: CapsuleKind['as']
  /** Default: those of this machine. */
  readonly programs?: Programs
}

const TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 16_384
/** For the look, which takes none of it. */
const MEMORY_BYTES = 2 ** 30

const HINT =
  'run the enclave as root with CAP_SYS_ADMIN and CAP_NET_ADMIN, or where ordinary users may make user namespaces, with ' +
  'util-linux, mount, coreutils and perl or python3 installed'

/**
 * Finds the strictest way this machine can confine an app, by trying: each candidate is run and looked at from inside.
 * A network, processes and mounts of its own, no capability and no_new_privs are never left out: an app that other
 * programs of the machine could reach is not started at all.
 * @throws `APP_SANDBOX`
 */
export async function probeAppSandbox(options: AppProbeOptions): Promise<AppSandbox> {
  const reasons: string[] = []
  const programs = options.programs ?? availablePrograms()
  for (const { name, kind } of candidates(programs, process.getuid?.() === 0, reasons)) {
    if (kind.as !== (options.only ?? kind.as)) continue
    const look = lookScript(kind.filter.length > 0 ? tryRefused(programs) : [])
    const seen = await observe(kind, look, options)
    if (typeof seen === 'string') {
      reasons.push(`${name}: ${seen}`)
      continue
    }
    const full = seen.uid === 'own' && seen.sockets === 'filtered'
    if (seen.uid === 'shared') reasons.push('app and bridge share a uid')
    if (!full && options.require === 'full') continue
    return { kind, report: { ...seen, full, reasons: full ? [] : reasons } }
  }
  throw appError('APP_SANDBOX', 'this machine cannot confine an app as required', {
    expected:
      options.require === 'full'
        ? 'uids of its own, no network but loopback, no files of this machine, sockets of these only'
        : 'no network but loopback, and no files of this machine',
    found: reasons.join('; ') || 'nothing',
    hint: HINT,
  })
}

/** From the strictest to the weakest. */
function candidates(
  programs: Programs,
  isRoot: boolean,
  reasons: string[],
): { name: string; kind: CapsuleKind }[] {
  const needed = capsulePrograms(programs)
  const loopback = loopbackUp(programs)
  if (Array.isArray(needed)) reasons.push(`not installed: ${needed.join(', ')}`)
  if (loopback === undefined) reasons.push('none of ip, perl and python3 is installed')
  if (Array.isArray(needed) || loopback === undefined) return []
  const filter = systemCallFilter()
  const filtered = filter && withFilter(filter, programs)
  if (filtered === undefined)
    reasons.push('sockets cannot be filtered: needs perl or python3, on x64 or arm64')
  return (isRoot ? (['root', 'user'] as const) : (['user'] as const)).flatMap((as) => {
    const name = as === 'root' ? 'uids of their own' : 'user namespaces'
    const kind = { as, programs: needed, loopback }
    return [
      ...(filtered ? [{ name, kind: { ...kind, filter: filtered } }] : []),
      { name: `${name}, sockets not filtered`, kind: { ...kind, filter: [] } },
    ]
  })
}

async function observe(
  kind: CapsuleKind,
  look: string,
  options: AppProbeOptions,
): Promise<Observation | string> {
  const { uids, stage, node = process.execPath } = options
  const content = { uids, stage, node: realpathSync(node), memoryBytes: MEMORY_BYTES }
  const words = capsuleCommand(kind, content, ['/bin/sh', '-c', look])
  const output = await run(words, `go\n${appScript({ PATH: '/usr/bin:/bin' })}`)
  if (output === undefined) return 'not permitted here'
  return judgeLook(output, (name) => readlinkSync(`/proc/self/ns/${name}`))
}

/** Standard output of a command that succeeds; undefined of one that does not, or takes too long. */
function run(words: readonly string[], input: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(words[0]!, words.slice(1), {
      cwd: '/',
      env: {},
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString('latin1')
      if (output.length > MAX_OUTPUT_BYTES) child.kill('SIGKILL')
    })
    // It may end before it has read anything.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.once('error', () => resolve(undefined))
    child.once('close', (code) => resolve(code === 0 ? output : undefined))
  })
}
