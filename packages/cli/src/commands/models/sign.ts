import { basename, join, relative, resolve } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { SottoError } from '@sotto/protocol/errors'
import { signOms } from '@sotto/protocol/oms'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { openOmsSigner, readModel } from '../../models/signature/index.ts'
import { readPem, requireFolder } from './pem.ts'

/** Name of a signature in the folder of its model, as the reference tool has it. */
export const SIGNATURE_NAME = 'model.sig'

/** What Git keeps beside a model is no part of it: the names the reference tool leaves out too. */
const GIT_PATHS = ['.git', '.gitattributes', '.github', '.gitignore']

/** `sotto models sign DIR` */
export const modelsSign: Command = defineCommand({
  path: ['models', 'sign'],
  summary: 'Sign every file of a model, in the OpenSSF Model Signing format',
  description:
    'Writes a Sigstore bundle that names each file of the folder with its SHA-256, signed with an elliptic-curve\n' +
    'key or, with --certificate-chain, as the holder of a certificate. The signature itself, what Git keeps and\n' +
    'what --ignore names are left out, and the signature says so. Links are refused.',
  arguments: [{ name: 'DIR', summary: 'folder of the model', required: true }],
  flags: {
    key: { type: 'string', value: 'FILE', summary: 'private key, PEM (P-256, P-384 or P-521)' },
    'certificate-chain': {
      type: 'string',
      value: 'FILE',
      summary: 'certificates in PEM: that of the key first, then those that issued it',
    },
    out: { type: 'string', value: 'FILE', summary: 'signature to write (default: DIR/model.sig)' },
    ignore: { type: 'string', value: 'PATH', repeats: true, summary: 'file or folder in DIR to leave out' },
  },
  examples: [
    'sotto models sign whisper --key signer.pem',
    'sotto models sign whisper --key signer.pem --out whisper.sig',
  ],
  async run(context, [name = ''], flags) {
    const { io } = context
    if (flags.key === undefined)
      throw cliError('CLI_USAGE', 'nothing to sign with', { hint: 'pass --key FILE' })
    const folder = resolve(io.cwd, name)
    await requireFolder(folder)
    const signer = openOmsSigner(
      await readPem(io, flags.key),
      flags['certificate-chain'] && (await readPem(io, flags['certificate-chain'])),
    )
    const out = resolve(io.cwd, flags.out ?? join(folder, SIGNATURE_NAME))
    const ignore = new Set([...GIT_PATHS, ...ownPath(folder, out), ...(flags.ignore ?? []).map(normal)])
    const { files, refused } = await readModel(folder, { hash: 'sha256', ignore, signal: context.signal })
    const [problem] = refused
    if (problem !== undefined)
      throw cliError('MODEL_INVALID', `${problem[0]} cannot be signed: it is ${problem[1]}`, {
        hint: 'remove it, or leave it out with --ignore',
      })
    if (files.size === 0) throw cliError('MODEL_INVALID', `${folder} holds no file to sign`)
    const bundle = signBundle(basename(folder), files, [...ignore], signer)
    await writeWhole(out, bundle, 0o644).catch((cause: unknown) => {
      throw cliError('CLI_FILE', `cannot write ${out}`, { cause, hint: 'choose another place with --out' })
    })
    if (context.global.json) return context.json({ signature: out, files: files.size, ignored: [...ignore] })
    context.out(`signed ${files.size} files: ${relative(io.cwd, out)}`)
  },
})

function signBundle(
  name: string,
  files: Awaited<ReturnType<typeof readModel>>['files'],
  ignorePaths: string[],
  signer: ReturnType<typeof openOmsSigner>,
): Uint8Array {
  try {
    return signOms(
      { name, ignorePaths, files: [...files].map(([path, { digests }]) => ({ path, digest: digests[0]! })) },
      signer,
    )
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    throw cliError('MODEL_INVALID', cause.message, { ...(cause.found && { found: cause.found }), cause })
  }
}

/** A signature in the folder of its model is no part of it. */
export function ownPath(folder: string, signature: string): string[] {
  const path = relative(folder, signature)
  return path === '' || path.startsWith('..') || path.startsWith('/') ? [] : [path]
}

/** `./a/` is `a`. */
export function normal(path: string): string {
  return path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '')
}
