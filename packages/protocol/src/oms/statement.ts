import { fromHex, fromUtf8, toHex } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import {
  boolean,
  type Decoder,
  integer,
  label,
  list,
  literal,
  members,
  object,
  oneOf,
  text,
} from '../jcs/index.ts'
import { omsError, refuseAs } from './errors.ts'
import { parseForeignJson } from './json.ts'
import { requireDistinctPaths, requireSafePath } from './paths.ts'
import {
  OMS_PREDICATE,
  OMS_STATEMENT_TYPE,
  type OmsHash,
  type OmsResource,
  type OmsSerialization,
  type OmsStatement,
} from './types.ts'

/** Files, or shards, of one model. */
const MAX_OMS_RESOURCES = 200_000
const MAX_IGNORED = 1024
const DIGEST_BYTES = { sha256: 32, blake2b: 64 } as const satisfies Record<OmsHash, number>

interface Serialization {
  method: 'files' | 'shards'
  hash_type: string
  allow_symlinks: boolean
  shard_size?: number
  ignore_paths?: string[]
}

/** Unknown parameters of serialization would change which files are meant: refused, unlike unknown parts of the predicate. */
const serializationDecoder = members<Serialization>(
  {
    method: oneOf('files', 'shards'),
    hash_type: text(32, /^[a-z0-9]+$/),
    allow_symlinks: boolean(),
  },
  { shard_size: integer(1), ignore_paths: list(text(4096), 0, MAX_IGNORED) },
)

const resourceDecoder = object({
  name: text(4200),
  algorithm: text(64, /^[a-z0-9-]+$/),
  digest: text(128, /^[0-9a-f]+$/),
})

/** "For v1.0 … any other field should be ignored by verifiers": of the predicate, these two count. */
const predicateDecoder: Decoder<{
  serialization: Serialization
  resources: { name: string; algorithm: string; digest: string }[]
}> = (value, path) => {
  const { serialization, resources } = (value ?? {}) as Record<string, unknown>
  return {
    serialization: serializationDecoder(serialization, `${path}.serialization`),
    resources: list(resourceDecoder, 1, MAX_OMS_RESOURCES)(resources, `${path}.resources`),
  }
}

const statementDecoder = object({
  _type: literal(OMS_STATEMENT_TYPE),
  subject: list(object({ name: label(512), digest: object({ sha256: text(64, /^[0-9a-f]{64}$/) }) }), 1, 1),
  predicateType: literal(OMS_PREDICATE),
  predicate: predicateDecoder,
})

/**
 * The manifest of a model from the payload of its signature. Every name in it is safe to join to a folder, no two
 * are one file, shards tile their files, and the digest of the whole is that of the parts.
 *
 * @throws `OMS_MALFORMED`, `OMS_UNSUPPORTED` (fix-input), `OMS_PATH`, `OMS_CONTENT` (stop)
 */
export function parseOmsStatement(payload: Uint8Array): OmsStatement {
  const { subject, predicate } = decode(payload)
  const serialization = serializationOf(predicate.serialization)
  const resources = predicate.resources.map((resource) => resourceOf(resource, serialization))
  requireTiling(resources, serialization)
  requireDistinctPaths([...new Set(resources.map(({ path }) => path))])
  const { name, digest } = subject[0]!
  const found = omsRootDigest(resources)
  if (found !== digest.sha256)
    throw omsError('OMS_CONTENT', 'the manifest contradicts its own digest', {
      expected: digest.sha256,
      found,
    })
  return { name, digest: digest.sha256, serialization, resources }
}

/** SHA-256 over the digests in their order, hexadecimal. */
export function omsRootDigest(resources: readonly { digest: string }[]): string {
  const hash = publicCrypto.createHash('sha256')
  for (const { digest } of resources) hash.update(fromHex(digest))
  return toHex(hash.digest())
}

function decode(payload: Uint8Array): ReturnType<typeof statementDecoder> {
  return refuseAs('OMS_MALFORMED', 'the signed statement is no model manifest', () =>
    statementDecoder(parseForeignJson(fromUtf8(payload), 'the manifest'), 'statement'),
  )
}

function serializationOf(given: Serialization): OmsSerialization {
  const { method, hash_type: hash, allow_symlinks: allowSymlinks, shard_size: shardSize } = given
  if (hash !== 'sha256' && hash !== 'blake2b')
    throw omsError('OMS_UNSUPPORTED', 'the model is hashed with an unknown function', {
      expected: 'sha256 or blake2b',
      found: hash,
    })
  if ((method === 'shards') !== (shardSize !== undefined))
    throw omsError('OMS_MALFORMED', 'shard_size belongs to the method shards, and to no other')
  const ignorePaths = given.ignore_paths ?? []
  for (const path of ignorePaths) requireSafePath(path)
  return { method, hash, allowSymlinks, ignorePaths, ...(shardSize !== undefined && { shardSize }) }
}

const SHARD = /^([^:]+):(0|[1-9]\d{0,15}):([1-9]\d{0,15})$/

function resourceOf(
  { name, algorithm, digest }: { name: string; algorithm: string; digest: string },
  { method, hash, shardSize }: OmsSerialization,
): OmsResource {
  const expected = method === 'files' ? hash : `${hash}-sharded-${shardSize}`
  if (algorithm !== expected || digest.length !== 2 * DIGEST_BYTES[hash])
    throw omsError('OMS_MALFORMED', 'a digest is not of the kind that the serialization names', {
      expected,
      found: algorithm,
    })
  if (method === 'files') {
    requireSafePath(name)
    return { path: name, digest }
  }
  const [, path, start, end] = SHARD.exec(name) ?? []
  if (path === undefined)
    throw omsError('OMS_PATH', 'a resource is no part of a file', { expected: 'path:start:end', found: name })
  requireSafePath(path)
  return { path, shard: { start: Number(start), end: Number(end) }, digest }
}

/** Parts of a file follow each other from its first byte, all but the last of the full size; whole files stand once. */
function requireTiling(resources: readonly OmsResource[], { shardSize }: OmsSerialization): void {
  const parts = new Map<string, { start: number; end: number }[]>()
  for (const { path, shard } of resources) {
    const list = parts.get(path) ?? []
    if (shard === undefined && parts.has(path))
      throw omsError('OMS_PATH', 'the manifest names a file twice', { found: path })
    if (shard !== undefined) list.push(shard)
    parts.set(path, list)
  }
  for (const [path, shards] of parts) {
    let next = 0
    for (const [i, { start, end }] of shards.toSorted((a, b) => a.start - b.start).entries()) {
      const isLast = i === shards.length - 1
      if (
        start !== next ||
        end <= start ||
        end - start > shardSize! ||
        (!isLast && end - start !== shardSize)
      )
        throw omsError('OMS_PATH', 'the parts of a file leave a gap or overlap', {
          expected: `${path}:${next}:…`,
          found: `${path}:${start}:${end}`,
        })
      next = end
    }
  }
}
