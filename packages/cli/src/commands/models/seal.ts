import { copyFile, stat } from 'node:fs/promises'
import { basename, relative, resolve } from 'node:path'
import { modelContent } from '@sotto/client/models'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { adaptedModel } from '../../models/adapter/index.ts'
import {
  nameOf,
  NO_GENESIS,
  openModelFiles,
  openOwner,
  OWNER_FLAG,
  ownerKeyFile,
  policyBeside,
  readReleasePolicy,
  sealFile,
} from '../../owner/index.ts'
import { createProgress, formatBytes } from '../../terminal/index.ts'

/** `sotto models seal DIR|FILE` */
export const modelsSeal: Command = defineCommand({
  path: ['models', 'seal'],
  summary: 'Seal a model of your own, so that only enclaves you accept can open it',
  description:
    'Encrypts a model (a folder with a manifest.json, or one .gguf or .onnx file) under a key that comes from your\n' +
    'owner key, which is made on first use. Whoever keeps the sealed file learns its size. An interrupted seal goes\n' +
    'on where it stopped. With --policy the policy is kept beside the file, for sotto models push. With --adapter the\n' +
    'sealed model answers with an adapter (LoRA) beside its weights, as a fine-tuning makes one, and names the model\n' +
    'that was tuned.',
  arguments: [{ name: 'DIR|FILE', summary: 'the model', required: true }],
  flags: {
    ...OWNER_FLAG,
    out: { type: 'string', value: 'FILE', summary: 'sealed file to write (default: NAME.sealed here)' },
    name: {
      type: 'string',
      value: 'NAME',
      summary: 'name of the model (default: that of the folder or file)',
    },
    adapter: {
      type: 'string',
      value: 'FILE',
      summary: 'adapter to put beside the weights: .gguf of a .gguf model, .safetensors of a graph',
    },
    policy: { type: 'string', value: 'FILE', summary: 'your key-release policy: who may open it' },
  },
  examples: [
    'sotto models seal my-model.gguf',
    'sotto models seal my-model --policy mine.json --out my-model.sealed',
    'sotto models seal base.gguf --adapter tuned.gguf --name my-tuned-model',
  ],
  async run(context, [path = ''], flags) {
    const { io, global, signal } = context
    const source = resolve(io.cwd, path)
    const name = flags.name ?? nameOf(basename(source))
    const files =
      flags.adapter === undefined
        ? await openModelFiles(source)
        : await adaptedModel(source, resolve(io.cwd, flags.adapter), name, signal)
    const out = resolve(io.cwd, flags.out ?? `${name}.sealed`)
    if ((await stat(out).catch(() => undefined)) !== undefined)
      throw cliError('CLI_FILE', `${out} exists already`, {
        hint: 'remove it, or choose another place with --out',
      })
    if (flags.policy !== undefined) await readReleasePolicy(resolve(io.cwd, flags.policy), NO_GENESIS)
    const keyFile = ownerKeyFile(io, flags.owner)
    const { owner, isNew } = await openOwner(keyFile)
    if (isNew) context.note(`made your owner key: ${keyFile}; keep a copy of it where nobody else reads it`)
    const content = await modelContent(files, name, {}, signal)
    const progress = createProgress({
      sink: io.stderr,
      label: name,
      total: content.bytes,
      quiet: global.quiet,
      now: io.now,
    })
    const sealed = await sealFile(content, owner, out, {
      signal,
      onBytes: (bytes) => progress.advance(bytes),
    }).finally(() => progress.end())
    if (flags.policy !== undefined) await copyFile(resolve(io.cwd, flags.policy), policyBeside(out))
    const { task, engine, digest, base } = content.manifest
    const about = { name, owner: owner.tag, task, engine, model: digest, ...(base !== undefined && { base }) }
    const result = { sealed: out, ...sealed, ...about }
    if (global.json) return context.json(result)
    const shown = relative(io.cwd, out)
    context.out(`${shown}  ${task} (${engine}), ${formatBytes(sealed.bytes)}, artifact ${sealed.artifact}`)
    context.out(`owner   ${owner.tag}`)
    context.out(`digest  ${digest}`)
    if (base !== undefined) context.out(`base    ${base}`)
    context.note(`publish it: sotto models push ${shown}`)
  },
})
