import { serveError } from '../errors/index.ts'

/** What is known about how this process was started. */
export interface ProcessFacts {
  env: Readonly<Record<string, string | undefined>>
  /** Node's own arguments, `process.execArgv`. */
  execArgv: readonly string[]
  /** URL of an open inspector, `inspector.url()`. */
  inspectorUrl: string | undefined
  /** Text of `/proc/self/limits`. */
  limits: string
  /** Text of `/proc/swaps`. */
  swaps: string
}

/** Node arguments that let nobody look in and load no code. Everything else is refused. */
const HARMLESS_ARGUMENTS =
  /^--(?:max-old-space-size=\d+|max-semi-space-size=\d+|stack-size=\d+|external-memory-accounted-in-global-limit|disable-sigusr1|no-warnings|disable-warning=[A-Za-z]+|enable-source-maps|unhandled-rejections=strict)$/

/** Variables of Node that only say how the parent talks to this process. */
const HARMLESS_VARIABLES = new Set([
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  'NODE_ENV',
  'NODE_NO_WARNINGS',
])

/** Variables that change what Node, OpenSSL or the loader execute, or write secrets to files. */
const HARMFUL_VARIABLES = /^(?:NODE_.*|LD_.*|OPENSSL_.*|SSL_CERT_.*|SSLKEYLOGFILE|GCONV_PATH|GLIBC_TUNABLES)$/

/**
 * Refuses to run where somebody outside could read this process or change what it executes (T7):
 * code-loading variables, unknown Node flags, an inspector, core dumps; on hardware, swap too.
 * @throws `ROLE_UNSAFE` naming the first finding
 */
export function refuseUnsafe(facts: ProcessFacts, options: { refuseSwap: boolean }): void {
  for (const [name, value] of Object.entries(facts.env)) {
    if (value !== undefined && HARMFUL_VARIABLES.test(name) && !HARMLESS_VARIABLES.has(name)) {
      throw serveError('ROLE_UNSAFE', 'an environment variable could change what this process executes', {
        found: name,
        hint: `Unset ${name}.`,
      })
    }
  }
  const argument = facts.execArgv.find((candidate) => !HARMLESS_ARGUMENTS.test(candidate))
  if (argument !== undefined) {
    throw serveError('ROLE_UNSAFE', 'a Node argument is not on the list of harmless ones', {
      found: argument.split('=', 1)[0]!,
      hint: 'Start Node without it.',
    })
  }
  if (facts.inspectorUrl !== undefined) throw serveError('ROLE_UNSAFE', 'an inspector is open')
  refuseCoreDumps(facts.limits)
  if (options.refuseSwap && hasSwap(facts.swaps)) {
    throw serveError('ROLE_UNSAFE', 'swap is on: memory could be written to a disk', {
      hint: 'Turn swap off.',
    })
  }
}

/** Whether `/proc/swaps` lists anything below its heading. */
export function hasSwap(swaps: string): boolean {
  return swaps.trim().split('\n').length > 1
}

function refuseCoreDumps(limits: string): void {
  const soft = /^Max core file size\s+(\S+)/m.exec(limits)?.[1]
  if (soft === '0') return
  throw serveError('ROLE_UNSAFE', 'this process could leave a core dump', {
    expected: 'core file size 0',
    found: soft ?? 'unknown',
    hint: 'Run `ulimit -c 0` before starting it.',
  })
}
