import { relative, resolve } from 'node:path'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { findQuantizer, QUANTIZATIONS, quantize } from '../../models/quantize/index.ts'
import { formatBytes } from '../../terminal/index.ts'

/** `sotto models quantize IN.gguf --to TYPE` */
export const modelsQuantize: Command = defineCommand({
  path: ['models', 'quantize'],
  summary: 'Make a smaller file of a GGUF model',
  description:
    'Rounds the weights to 16, 8, 5 or 4 bits with llama-quantize of llama.cpp, which SOTTO_LLAMA_QUANTIZE names;\n' +
    'node scripts/llama-tools.ts builds it. Start from an f16 or f32 file: what is rounded twice is worse, and\n' +
    'needs --again. sotto models bench shows what each costs and saves.',
  arguments: [{ name: 'FILE', summary: 'model to start from, .gguf', required: true }],
  flags: {
    to: { type: 'string', value: 'TYPE', summary: 'type of the weights', choices: QUANTIZATIONS },
    out: { type: 'string', value: 'FILE', summary: 'file to write (default: beside it, named by the type)' },
    again: { type: 'boolean', summary: 'also where the weights are rounded already' },
  },
  examples: [
    'sotto models quantize model-f16.gguf --to q4_k_m',
    'sotto models quantize model.gguf --to q5_0 --out small.gguf',
  ],
  async run(context, [name = ''], flags) {
    const { io, signal } = context
    if (flags.to === undefined)
      throw cliError('CLI_USAGE', 'no type to quantise to', {
        expected: QUANTIZATIONS.join(', '),
        hint: 'pass --to TYPE',
      })
    const from = resolve(io.cwd, name)
    const out = resolve(io.cwd, flags.out ?? nameFor(name, flags.to))
    const program = findQuantizer(io.env, io.cwd)
    const made = await quantize({ program, from, to: flags.to, out, again: flags.again, signal })
    const { before, after, bytesBefore, bytes, fallbacks } = made
    const bitsPerWeight = Number(((8 * bytes) / after.parameters).toFixed(3))
    if (context.global.json)
      return context.json({
        file: out,
        from: before.quantization,
        to: after.quantization,
        bytesBefore,
        bytes,
        bitsPerWeight,
        weights: after.weights,
        fallbacks,
      })
    context.out(
      `${relative(io.cwd, out)}: ${before.quantization} ${formatBytes(bytesBefore)} -> ${after.quantization} ${formatBytes(bytes)}, ${bitsPerWeight} bits per weight`,
    )
    if (fallbacks > 0) {
      const types = after.weights.map(
        ({ type, parameters }) => `${share(parameters, after.parameters)} ${type}`,
      )
      const matrices = fallbacks === 1 ? '1 matrix' : `${fallbacks} matrices`
      context.note(
        `${matrices} in another type than llama.cpp chooses, because the rows do not divide into its blocks; in all ${types.join(', ')}`,
      )
    }
  },
})

/** `model-f16.gguf` to q4_0 is `model-q4_0.gguf`; a name without a type gets one. */
function nameFor(name: string, to: string): string {
  const stem = name.replace(/\.gguf$/i, '').replace(/[-._](f32|bf16|f16|q\d[a-z0-9_]*)$/i, '')
  return `${stem}-${to}.gguf`
}

function share(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(part / whole < 0.01 ? 1 : 0)} %`
}
