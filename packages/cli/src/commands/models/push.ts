import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { ModelOwner, PublishedModel, PublishOptions, Sotto } from '@sotto/client'
import { openOwn } from '@sotto/client/models'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { parseModelManifest } from '@sotto/protocol/model-manifest'
import { FIXED_HEADER_BYTES, parseHeader } from '@sotto/protocol/sealed'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { parseTime } from '../../input/index.ts'
import {
  nameOf,
  openModelFiles,
  openOwner,
  OWNER_FLAG,
  ownerKeyFile,
  policyBeside,
  readReleasePolicy,
} from '../../owner/index.ts'
import { openService, resolveTarget, TARGET_FLAGS } from '../../service/index.ts'
import { createProgress, formatBytes, type Progress } from '../../terminal/index.ts'

/** `sotto models push FILE|DIR` */
export const modelsPush: Command = defineCommand({
  path: ['models', 'push'],
  summary: 'Publish a sealed model; what is not sealed yet is sealed on the way',
  description:
    'Verifies the service, uploads the sealed file, gives the content key to the verified KMS, and signs a statement\n' +
    'that goes into the log. Everything travels inside the encryption. An interrupted push goes on where it stopped.\n' +
    'With --release-policy the model opens only where one whole tuple of that policy is satisfied, besides one of the\n' +
    "policy that the deployment's members accepted.",
  arguments: [{ name: 'FILE|DIR', summary: 'sealed file, or a model', required: true }],
  flags: {
    ...TARGET_FLAGS,
    ...OWNER_FLAG,
    name: { type: 'string', value: 'NAME', summary: 'name of the model (default: that in the sealed file)' },
    'release-policy': {
      type: 'string',
      value: 'FILE',
      summary: 'your key-release policy (default: what seal --policy left)',
    },
    'model-version': {
      type: 'number',
      value: 'N',
      summary: 'version (default: one above the highest)',
      min: 1,
      max: 2 ** 31,
      integer: true,
    },
    expires: { type: 'string', value: 'TIME', summary: 'from then on it is not served any more (RFC 3339)' },
  },
  examples: [
    'sotto models push my-model.sealed',
    'sotto models push my-model --expires 2027-01-01T00:00:00Z',
  ],
  async run(context, [path = ''], flags) {
    const { io, signal } = context
    const source = resolve(io.cwd, path)
    const { owner } = await openOwner(ownerKeyFile(io, flags.owner))
    const sealed = await sealedName(source, owner)
    const name = flags.name ?? nameOf(sealed ?? basename(source))
    const { policy: trust } = await resolveTarget(context, flags)
    const policyFile =
      flags['release-policy'] ??
      (sealed !== undefined && (await isThere(policyBeside(source))) ? policyBeside(source) : undefined)
    const policy =
      policyFile === undefined
        ? undefined
        : await readReleasePolicy(resolve(io.cwd, policyFile), trust.genesis)
    const sotto = await openService(context, flags)
    const bars = progressOf(context, name)
    const options: PublishOptions = {
      owner,
      name,
      signal,
      onPrepared: (bytes) => bars.prepared.advance(bytes),
      onUploaded: (bytes) => bars.uploaded.advance(bytes),
      ...(policy && { policy }),
      ...(flags['model-version'] !== undefined && { version: flags['model-version'] }),
      ...(flags.expires !== undefined && { expiresAt: parseTime('--expires', flags.expires) }),
    }
    const model = await send(sotto, source, sealed !== undefined, options).finally(bars.end)
    print(context, model)
  },
})

async function send(
  sotto: Sotto,
  source: string,
  isSealed: boolean,
  options: PublishOptions,
): Promise<PublishedModel> {
  return isSealed
    ? sotto.models.push(await openAsBlob(source), options)
    : sotto.models.upload(await openModelFiles(source), options)
}

/** What the sealed file calls its model; undefined for what is not sealed. @throws `MODEL_OWNER` and what a damaged file is */
async function sealedName(path: string, owner: ModelOwner): Promise<string | undefined> {
  const about = await stat(path).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  })
  if (about.isDirectory()) return undefined
  const file = await openAsBlob(path)
  const fixed = new Uint8Array(await file.slice(0, FIXED_HEADER_BYTES).arrayBuffer())
  if (!isSealed(fixed)) return undefined
  const { headerBytes } = parseHeader(fixed)
  const { metadata } = openOwn(new Uint8Array(await file.slice(0, headerBytes).arrayBuffer()), owner)
  return parseModelManifest(metadata).id
}

function isSealed(fixed: Uint8Array): boolean {
  try {
    return fromUtf8(fixed.subarray(0, 8)) === 'SOTTOSL1'
  } catch {
    return false
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

function progressOf(
  { io, global }: CommandContext,
  name: string,
): { prepared: Progress; uploaded: Progress; end: () => void } {
  // How much there is shows only in the end: one says what was read, the other what the registry has.
  const bar = (label: string): Progress =>
    createProgress({ sink: io.stderr, label, quiet: global.quiet, now: io.now })
  const prepared = bar(`${name}: sealed`)
  const uploaded = bar(`${name}: uploaded`)
  let isUploading = false
  return {
    prepared,
    uploaded: {
      advance(bytes) {
        if (!isUploading) prepared.end()
        isUploading = true
        uploaded.advance(bytes)
      },
      end: () => uploaded.end(),
    },
    end() {
      prepared.end()
      uploaded.end()
    },
  }
}

function print(context: CommandContext, { id, statement, index }: PublishedModel): void {
  if (context.global.json) return context.json({ id, index, statement })
  context.out(`${id}  ${statement.task}, ${formatBytes(statement.bytes)}, log entry ${index}`)
  context.out(`digest  ${statement.model}`)
  if (statement.task === 'text-generation')
    context.note(`use it: sotto chat --model ${id.replace(/:\d+$/, '')}`)
}
