import { stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import {
  collateralNeeds,
  fetchCollateral,
  type FetchedCollateral,
  type Unmet,
} from '@sotto/client/collateral'
import { COLLATERAL_INDEX, fileStorage, requireOwnFolder, writeCollateral } from '@sotto/client/node'
import { choosePieces, type RecognisedPieces } from '@sotto/verifier/family'
import { SottoError } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'
import { readEvidence } from '../evidence/index.ts'
import { type Command, type CommandContext, defineCommand, exitCodeOf } from '../framework/index.ts'
import { requireOneStdin } from '../input/index.ts'
import { formatBytes, printableLine } from '../terminal/index.ts'
import { parseMirrors, parseTcbUpdate, VENDOR_HOSTS } from './flags.ts'
import { cacheFolder, seenFolder } from './places.ts'
import { cannotWrite, countText, listPieces, timeText } from './pieces.ts'

/** `sotto collateral fetch FILE…` */
export const collateralFetch: Command = defineCommand({
  path: ['collateral', 'fetch'],
  summary: 'Fetch from the vendors what a piece of evidence needs',
  description:
    'Reads one piece of evidence, and what came with it, and asks AMD, Intel and NVIDIA for the certificates, ' +
    'revocation lists, TCB information and reference measurements that its verification needs. They learn ' +
    'which chip somebody here verifies, and nothing else. Nothing that comes back has to be trusted: sotto ' +
    'verify proves every piece. An answer older than one seen before is refused. Exit code 6: something could ' +
    'not be had; 3: an answer is forged, malformed or older than one seen. Nobody is asked but ' +
    `${VENDOR_HOSTS}.`,
  arguments: [
    { name: 'FILE', summary: 'evidence, and pieces that came with it', required: true, variadic: true },
  ],
  flags: {
    output: { type: 'string', short: 'o', value: 'DIR', summary: 'folder to write (default: collateral)' },
    azure: { type: 'boolean', summary: "ask Azure's caches instead of AMD and Intel" },
    tcb: {
      type: 'string',
      value: 'NAME',
      summary: "Intel's evaluation: standard (default), early or a number",
    },
    refresh: { type: 'boolean', summary: 'ask even for what the cache has' },
    cache: { type: 'string', value: 'DIR', summary: 'cache (default: ~/.cache/sotto/collateral)' },
    mirror: { type: 'string', value: 'SERVICE=URL', summary: 'ask this address instead', repeats: true },
    wait: {
      type: 'number',
      value: 'SECONDS',
      summary: 'longest wait that a vendor may ask for (default: 60)',
      min: 0,
      max: 86_400,
      integer: true,
    },
    'without-nonce': { type: 'boolean', summary: 'take OCSP answers that were made beforehand' },
  },
  examples: [
    'sotto collateral fetch report.bin -o collateral',
    'sotto collateral fetch gpu_report.bin gpu_chain.pem -o collateral',
    'sotto verify report.bin --collateral collateral',
  ],
  async run(context, files, flags) {
    const { io, signal } = context
    const folder = resolve(io.cwd, flags.output ?? 'collateral')
    const mirrors = parseMirrors(flags.mirror)
    const tcbUpdate = parseTcbUpdate(flags.tcb)
    const recognised = await readPieces(context, files)
    // Before vendors are asked, who answer only so often.
    await requireOwnFolder(folder)
    const fetched = await fetchCollateral(collateralNeeds(recognised), {
      fetch: io.fetch,
      signal,
      now: () => Math.floor(io.now() / 1000),
      cache: fileStorage(cacheFolder(io, flags.cache)),
      seen: fileStorage(seenFolder(io)),
      mirrors,
      tcbUpdate,
      azure: flags.azure,
      refresh: flags.refresh,
      requireOcspNonce: !flags['without-nonce'],
      maxWaitMs: (flags.wait ?? 60) * 1000,
      onMet: ({ what, from, freshUntil }) =>
        context.note(
          `${what}: ${from === 'cache' ? 'from the cache' : new URL(from).host}, until ${timeText(freshUntil)}`,
        ),
      onWait: (what, milliseconds, why) =>
        context.note(`${what}: ${why}, asking again in ${Math.ceil(milliseconds / 1000)} s`),
      onNote: (note) => context.note(printableLine(note)),
    })
    const isWritten = await write(folder, fetched)
    report(context, recognised, fetched, isWritten ? folder : undefined)
    throwWorst(context, fetched.unmet)
  },
})

/** The evidence among the files, and the rest. @throws `CLI_FILE` for none, or more than one piece of evidence */
async function readPieces({ io }: CommandContext, files: readonly string[]): Promise<RecognisedPieces> {
  requireOneStdin(files)
  const pieces: Record<string, Uint8Array> = {}
  for (const [index, name] of files.entries())
    pieces[`${index} ${basename(name)}`] = await readEvidence(io, name)
  const recognised = choosePieces(pieces)
  if (recognised !== undefined) return recognised
  throw cliError('CLI_FILE', 'among these files must be one piece of evidence, and only one', {
    hint: 'fetch into another folder for each',
  })
}

/**
 * Writes the folder, unless something is missing and an earlier bundle would be lost: that may still do, and
 * what was fetched now is in the cache.
 */
async function write(folder: string, fetched: FetchedCollateral): Promise<boolean> {
  const isComplete = fetched.unmet.length === 0
  if (!isComplete && (fetched.met.length === 0 || (await isFile(join(folder, COLLATERAL_INDEX)))))
    return false
  try {
    await writeCollateral(folder, fetched)
  } catch (cause) {
    if (cause instanceof SottoError) throw cause
    throw cannotWrite(folder, cause)
  }
  return true
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

function report(
  context: CommandContext,
  { family }: RecognisedPieces,
  { pieces, met, unmet, fetchedAt }: FetchedCollateral,
  folder: string | undefined,
): void {
  const listed = listPieces(pieces, fetchedAt)
  if (context.global.json) {
    const sources = met.map(({ what, from, freshUntil }) => ({ what, from, freshUntil }))
    const missing = unmet.map(({ what, error: { code, message, found, hint } }) => ({
      what,
      code,
      message,
      found,
      hint,
    }))
    return context.json({
      folder: folder ?? null,
      family,
      fetchedAt,
      pieces: listed,
      sources,
      unmet: missing,
    })
  }
  if (folder === undefined) return context.note('the folder stays as it was')
  const shown = relative(context.io.cwd, folder) || '.'
  const bytes = listed.reduce((sum, { size }) => sum + size, 0)
  if (met.length === 0 && unmet.length === 0) context.note(`${family} evidence carries all it needs`)
  context.out(`${family}: ${countText(listed.length)}, ${formatBytes(bytes)}, in ${shown}`)
}

/** The error that decides the exit code: a forged answer before one that could not be had. All of them are named. */
function throwWorst(context: CommandContext, unmet: readonly Unmet[]): void {
  const [worst, ...others] = unmet.toSorted((a, b) => rank(a) - rank(b))
  for (const { error } of others) context.warn(`not fetched: ${printableLine(error.message)} [${error.code}]`)
  if (worst !== undefined) throw worst.error
}

/** 3 (not authentic) before 2 (to be changed) before 6 (not to be had). */
function rank({ error }: Unmet): number {
  return [3, 2, 6].indexOf(exitCodeOf(error))
}
