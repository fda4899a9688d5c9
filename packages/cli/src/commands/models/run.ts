import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type ModelSignature, type RunResult, type TensorInput, tensorToNpy } from '@sotto/client/tensors'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { openInput, readBytes, requireOneStdin } from '../../input/index.ts'
import { openService, provenance, TARGET_FLAGS } from '../../service/index.ts'
import { jsonElements, parseInputFlag, showOutput, tensorOfFile, tensorOfJson } from '../../tensors/index.ts'

/** Bytes of one input at most: what a request may hold. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024
/** An output's name as a file; the service chose it. */
const FILE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}$/

/** `sotto models run ID` */
export const modelsRun: Command = defineCommand({
  path: ['models', 'run'],
  summary: 'Run any ONNX model by tensor',
  description:
    'Prints each output with its datatype, shape and first values; --json prints them whole, --out writes .npy files. ' +
    '--save keeps request, answer and receipt in one file, in clear, that sotto receipt verify checks offline.',
  arguments: [{ name: 'ID', summary: 'model, as sotto lists it', required: true }],
  flags: {
    ...TARGET_FLAGS,
    input: {
      type: 'string',
      short: 'i',
      value: 'NAME=VALUE',
      summary: 'tensor: x=@file.npy, x=@file.json or x=[[1,2]]',
      repeats: true,
    },
    output: { type: 'string', value: 'NAME', summary: 'output wanted (default: all)', repeats: true },
    version: { type: 'string', value: 'DIGEST', summary: 'digest of the model that must answer' },
    out: { type: 'string', value: 'DIR', summary: 'write each output to DIR/NAME.npy' },
    save: { type: 'string', value: 'FILE', summary: 'keep the signed result in this file' },
  },
  examples: [
    'sotto models run mnist --input Input3=@digit.npy',
    "sotto models run owner/scorer -i 'x=[[0.5, 1]]' --json --save answer.sotto",
  ],
  async run(context, [id], flags) {
    const wanted = (flags.input ?? []).map(parseInputFlag)
    if (new Set(wanted.map(({ name }) => name)).size !== wanted.length)
      throw cliError('CLI_USAGE', 'an input is given twice')
    const sotto = await openService(context, flags)
    const about = {
      ...(flags.version !== undefined && { version: flags.version }),
      ...(context.signal && { signal: context.signal }),
    }
    requireOneStdin(wanted.flatMap(({ value }) => ('file' in value ? [value.file] : [])))
    const signature = await sotto.tensors.describe(id!, about)
    const inputs: Record<string, TensorInput> = {}
    for (const { name, value } of wanted) {
      const port = signature.inputs.find((input) => input.name === name)
      if (port === undefined) throw unknownInput(name, signature)
      inputs[name] =
        'json' in value
          ? tensorOfJson(value.json, port, name)
          : tensorOfFile(
              await readBytes(await openInput(context.io, [value.file]), MAX_INPUT_BYTES),
              port,
              name,
            )
    }
    const result = await sotto.tensors.run(id!, inputs, {
      ...about,
      ...(flags.output !== undefined && { outputs: flags.output }),
    })
    if (flags.save !== undefined) await write(context, flags.save, result.save())
    if (flags.out !== undefined) await writeOutputs(context, flags.out, result)
    if (context.global.json) {
      const outputs = Object.entries(result.outputs).map(([name, output]) => ({
        name,
        datatype: output.datatype,
        shape: output.shape,
        data: jsonElements(output),
      }))
      const { model, version } = result
      context.json({ model, version, outputs, sotto: provenance(sotto, result.receipt) })
      return
    }
    for (const [name, output] of Object.entries(result.outputs)) context.out(showOutput(name, output))
  },
})

async function writeOutputs(context: CommandContext, folder: string, result: RunResult): Promise<void> {
  const unsafe = Object.keys(result.outputs).find((name) => !FILE_NAME.test(name))
  if (unsafe !== undefined)
    throw cliError('CLI_FILE', 'an output has a name that cannot be one of a file', {
      found: JSON.stringify(unsafe),
      hint: 'print it with --json instead',
    })
  await mkdir(resolve(context.io.cwd, folder), { recursive: true }).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot make ${folder}`, { cause })
  })
  for (const [name, output] of Object.entries(result.outputs))
    await write(context, join(folder, `${name}.npy`), tensorToNpy(output))
}

/** Results are as private as what was sent: only their owner may read them. */
async function write(context: CommandContext, file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(resolve(context.io.cwd, file), bytes, { mode: 0o600 })
  } catch (cause) {
    throw cliError('CLI_FILE', `cannot write ${file}`, { cause })
  }
  context.note(`kept in ${file}`)
}

function unknownInput(name: string, { inputs }: ModelSignature): Error {
  const ports = inputs.map((port) => `${port.name} ${port.datatype} [${port.shape.join(', ')}]`)
  return cliError('CLI_USAGE', `the model has no input ${JSON.stringify(name)}`, {
    expected: ports.join('; '),
  })
}
