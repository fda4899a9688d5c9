import { spawn } from 'node:child_process'
import { link, rm, stat } from 'node:fs/promises'
import { cliError } from '../../errors.ts'
import { type GgufHeader, readGgufHeader } from '../gguf/index.ts'
import { type Quantization, WHOLE } from './types.ts'

/** What to quantise. */
export interface QuantizeRequest {
  /** llama-quantize. */
  readonly program: string
  readonly from: string
  readonly to: Quantization
  readonly out: string
  /** Take a file whose weights are rounded already. */
  readonly again: boolean
  readonly signal: AbortSignal
}

/** What was made. */
export interface Quantized {
  readonly before: GgufHeader
  readonly after: GgufHeader
  readonly bytesBefore: number
  readonly bytes: number
  /** Matrices that were stored in another type, because their rows do not divide into its blocks. */
  readonly fallbacks: number
}

const LAST_BYTES = 16_384

/**
 * Makes a GGUF file of another type beside `out`, reads it back, and gives it its name only then: an interrupted run
 * leaves nothing that looks like a model. @throws `CLI_FILE`, `MODEL_INVALID`, `CLI_USAGE`, `QUANTIZER_FAILED`
 */
export async function quantize(request: QuantizeRequest): Promise<Quantized> {
  const { from, to, out, signal } = request
  if ((await stat(out).catch(() => undefined)) !== undefined)
    throw cliError('CLI_FILE', `${out} exists already`, {
      hint: 'remove it, or choose another place with --out',
    })
  const before = await readGgufHeader(from)
  if (before.parameters === 0) throw cliError('MODEL_INVALID', `${from} holds no weights`)
  if (!WHOLE.has(before.quantization) && !request.again)
    throw cliError('CLI_USAGE', `the weights of ${from} are rounded already`, {
      expected: [...WHOLE].join(', '),
      found: before.quantization,
      hint: 'quantise the f16 or f32 file, or pass --again: the result is worse than from that one',
    })
  const partial = `${out}.partial`
  try {
    const said = await runProgram(request, partial)
    const after = await readBack(partial, before, to)
    // Never over a file that came meanwhile, which rename would replace.
    await link(partial, out).catch((cause: unknown) => {
      throw cliError('CLI_FILE', `cannot write ${out}`, { cause })
    })
    signal.throwIfAborted()
    const [{ size: bytesBefore }, { size: bytes }] = await Promise.all([stat(from), stat(out)])
    const fallbacks = Number(/(\d+) of \d+ tensor\(s\) required fallback/.exec(said)?.[1] ?? 0)
    return { before, after, bytesBefore, bytes, fallbacks }
  } finally {
    await rm(partial, { force: true })
  }
}

async function readBack(path: string, before: GgufHeader, to: Quantization): Promise<GgufHeader> {
  const after = await readGgufHeader(path).catch((cause: unknown) => {
    throw cliError('QUANTIZER_FAILED', 'llama-quantize ended well, but made no model', { cause })
  })
  if (after.quantization !== to || after.parameters !== before.parameters)
    throw cliError('QUANTIZER_FAILED', 'llama-quantize made another model', {
      expected: `${before.parameters} weights in ${to}`,
      found: `${after.parameters} weights in ${after.quantization}`,
    })
  return after
}

function runProgram({ program, from, to, again, signal }: QuantizeRequest, out: string): Promise<string> {
  const words = [...(again ? ['--allow-requantize'] : []), from, out, to]
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], signal })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-LAST_BYTES)))
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(
        signal.aborted
          ? cliError('CLI_CANCELLED', 'interrupted')
          : cliError('QUANTIZER_FAILED', 'llama-quantize did not run', { cause }),
      )
    })
    child.once('close', (code, killed) => {
      if (code === 0) return resolve(said)
      reject(
        cliError('QUANTIZER_FAILED', `llama-quantize ended with ${killed ?? `exit code ${code}`}`, {
          found: said.trim().split('\n').slice(-3).join(' | ') || 'no output',
        }),
      )
    })
  })
}
