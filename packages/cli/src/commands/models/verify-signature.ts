import { join, resolve } from 'node:path'
import { SottoError } from '@sotto/protocol/errors'
import {
  compareOms,
  isWithin,
  MAX_OMS_BUNDLE_BYTES,
  type ModelDifferences,
  type OmsBundle,
  type OmsStatement,
  parseOmsBundle,
  parseOmsKey,
  verifyOmsWithCertificates,
  verifyOmsWithKey,
} from '@sotto/protocol/oms'
import { certificatesOfPem, parseCertificate } from '@sotto/protocol/x509'
import { cliError } from '../../errors.ts'
import { readBytes } from '../../evidence/index.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../../framework/index.ts'
import { parseTime } from '../../input/index.ts'
import { type ModelFiles, readModel } from '../../models/signature/index.ts'
import { printableLine } from '../../terminal/index.ts'
import { readPem, requireFolder } from './pem.ts'
import { normal, ownPath, SIGNATURE_NAME } from './sign.ts'

/** `sotto models verify-signature DIR` */
export const modelsVerifySignature: Command = defineCommand({
  path: ['models', 'verify-signature'],
  summary: 'Check a model against its OpenSSF signature, file by file',
  description:
    'Verifies the signature with a public key, or with the roots you trust to certify signers, and then reads\n' +
    'every file of the folder: what is changed, missing or was not signed is named. Left out is what the\n' +
    'signature itself lists, the signature, and what --ignore names. Nothing in a signature proves when it was\n' +
    'made: certificates must be valid now, or at --at. Exit code 3: not the signed model.',
  arguments: [{ name: 'DIR', summary: 'folder of the model', required: true }],
  flags: {
    signature: { type: 'string', value: 'FILE', summary: 'signature (default: DIR/model.sig)' },
    key: { type: 'string', value: 'FILE', summary: 'public key of the signer, PEM' },
    'certificate-chain': {
      type: 'string',
      value: 'FILE',
      summary: 'roots you trust to certify signers, PEM: any of their signers is accepted, and named',
    },
    at: { type: 'string', value: 'TIME', summary: 'time at which certificates must be valid (default: now)' },
    ignore: {
      type: 'string',
      value: 'PATH',
      repeats: true,
      summary: 'file or folder in DIR that need not be signed',
    },
  },
  examples: [
    'sotto models verify-signature whisper --key signer.pub.pem',
    'sotto models verify-signature whisper --signature whisper.sig --certificate-chain roots.pem --json',
  ],
  async run(context, [name = ''], flags) {
    const folder = resolve(context.io.cwd, name)
    await requireFolder(folder)
    const file = resolve(context.io.cwd, flags.signature ?? join(folder, SIGNATURE_NAME))
    const bundle = parseOmsBundle(await readBytes(context.io, file, MAX_OMS_BUNDLE_BYTES))
    const { statement, signer } = await authenticate(context, bundle, flags)
    const { serialization } = statement
    const given = (flags.ignore ?? []).map(normal)
    for (const path of given)
      if (statement.resources.some((resource) => isWithin(resource.path, new Set([path]))))
        throw cliError('CLI_USAGE', `${path} is signed: it cannot be ignored`)
    const model = await readModel(folder, {
      hash: serialization.hash,
      ...(serialization.shardSize !== undefined && { shardSize: serialization.shardSize }),
      followLinks: serialization.allowSymlinks,
      ignore: new Set([...serialization.ignorePaths, ...ownPath(folder, file), ...given]),
      signal: context.signal,
    })
    const differences = compareOms(statement, model.files)
    return report(context, { statement, signer, model, differences })
  },
})

/** @throws `CLI_USAGE`, `CLI_NOT_AUTHENTIC` (stop), and `fix-input` codes for what cannot be read */
async function authenticate(
  context: CommandContext,
  bundle: OmsBundle,
  flags: { key?: string | undefined; 'certificate-chain'?: string | undefined; at?: string | undefined },
): Promise<{ statement: OmsStatement; signer: string }> {
  const { key, 'certificate-chain': roots, at } = flags
  if ((key === undefined) === (roots === undefined))
    throw cliError('CLI_USAGE', 'say whose signature it must be', {
      hint: 'pass --key FILE, or --certificate-chain FILE with the roots you trust',
    })
  try {
    if (key !== undefined) {
      const publicKey = parseOmsKey(await readPem(context.io, key))
      return { statement: verifyOmsWithKey(bundle, publicKey), signer: `key ${publicKey.hint}` }
    }
    const pinned = certificatesOfPem(await readPem(context.io, roots!)).map((der) => parseCertificate(der))
    const now = at === undefined ? Math.floor(context.io.now() / 1000) : parseTime('--at', at)
    const { statement, path } = verifyOmsWithCertificates(bundle, { roots: pinned, at: now })
    const [leaf] = path.chain
    return { statement, signer: `${leaf!.subjectText} (root ${path.root.subjectText})` }
  } catch (cause) {
    if (!(cause instanceof SottoError) || cause.action !== 'stop') throw cause
    const { message, expected, found } = cause
    throw cliError('CLI_NOT_AUTHENTIC', message, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      hint: 'do not use this model',
      cause,
    })
  }
}

interface Outcome {
  statement: OmsStatement
  signer: string
  model: ModelFiles
  differences: ModelDifferences
}

function report(context: CommandContext, { statement, signer, model, differences }: Outcome): number {
  const { changed, missing, extra, uncovered } = differences
  const refused = [...model.refused].map(([path, reason]) => ({ path, reason }))
  const ok = changed.length + missing.length + extra.length + refused.length === 0
  if (context.global.json)
    context.json({
      ok,
      model: statement.name,
      digest: statement.digest,
      signer,
      files: model.files.size,
      changed,
      missing,
      extra,
      refused,
      uncovered,
      ignored: model.ignored,
    })
  else {
    const style = context.style.out
    const line = (what: string, path: string): void =>
      context.out(style.red(`✗ ${what.padEnd(8)} ${printableLine(path)}`))
    context.out(style.green(`✓ signed by ${printableLine(signer)}`))
    for (const path of changed) line('changed', path)
    for (const path of missing) line('missing', path)
    for (const path of extra) line('extra', path)
    for (const { path, reason } of refused) line('refused', `${path}: ${reason}`)
    for (const path of uncovered)
      context.out(`- empty    ${printableLine(path)}: not covered by a signature of shards`)
    for (const path of model.ignored) context.out(style.dim(`- ignored  ${printableLine(path)}`))
    context.out('')
    context.out(
      ok
        ? style.green(
            `${model.files.size} files are what was signed as ${printableLine(statement.name)}, ${statement.digest}`,
          )
        : style.red('this is not the signed model'),
    )
  }
  return ok ? EXIT.ok : EXIT.notAuthentic
}
