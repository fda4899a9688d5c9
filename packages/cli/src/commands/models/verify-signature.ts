import { join, resolve } from 'node:path'
import {
  compareOms,
  isWithin,
  MAX_OMS_BUNDLE_BYTES,
  type ModelDifferences,
  parseOmsBundle,
} from '@sotto/protocol/oms'
import { cliError } from '../../errors.ts'
import { readBytes } from '../../evidence/index.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../../framework/index.ts'
import { type ModelFiles, readModel } from '../../models/signature/index.ts'
import { printableLine } from '../../terminal/index.ts'
import { authenticate, type Signed } from './authenticate.ts'
import { requireFolder } from './pem.ts'
import { normal, ownPath, SIGNATURE_NAME } from './sign.ts'

/** `sotto models verify-signature DIR` */
export const modelsVerifySignature: Command = defineCommand({
  path: ['models', 'verify-signature'],
  summary: 'Check a model against its OpenSSF signature, file by file',
  description:
    'Verifies the signature with a public key, with the roots you trust to certify signers, or, if it is keyless\n' +
    '(Sigstore), with the trusted root of a deployment and the name of the signer; nothing is fetched. Then reads\n' +
    'every file of the folder: what is changed, missing or was not signed is named. Left out is what the\n' +
    'signature itself lists, the signature, and what --ignore names. When a keyless signature was made says the\n' +
    'log; otherwise nothing does, and certificates must be valid now, or at --at. Exit code 3: not the signed model.',
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
    'trusted-root': {
      type: 'string',
      value: 'FILE',
      summary: 'trusted_root.json of the Sigstore deployment you trust, for a keyless signature',
    },
    identity: {
      type: 'string',
      value: 'SAN',
      summary: 'who must have signed keyless: an address, or the URI of a workflow, exactly',
    },
    issuer: {
      type: 'string',
      value: 'URL',
      summary: 'OpenID Connect issuer that must have vouched for them, exactly',
    },
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
    'sotto models verify-signature whisper --trusted-root trusted_root.json --identity a@example.com --issuer https://accounts.example.com',
  ],
  async run(context, [name = ''], flags) {
    const folder = resolve(context.io.cwd, name)
    await requireFolder(folder)
    const file = resolve(context.io.cwd, flags.signature ?? join(folder, SIGNATURE_NAME))
    const bundle = parseOmsBundle(await readBytes(context.io, file, MAX_OMS_BUNDLE_BYTES))
    const signed = await authenticate(context, bundle, flags)
    const { statement } = signed
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
    return report(context, { ...signed, model, differences })
  },
})

interface Outcome extends Signed {
  model: ModelFiles
  differences: ModelDifferences
}

function report(context: CommandContext, outcome: Outcome): number {
  const { statement, signer, loggedAt, model, differences } = outcome
  const { changed, missing, extra, uncovered } = differences
  const refused = [...model.refused].map(([path, reason]) => ({ path, reason }))
  const ok = changed.length + missing.length + extra.length + refused.length === 0
  if (context.global.json)
    context.json({
      ok,
      model: statement.name,
      digest: statement.digest,
      signer,
      ...(loggedAt && { loggedAt }),
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
    if (loggedAt) context.out(style.green(`✓ logged at ${loggedAt}`))
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
