import { concat, fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { sealArtifact } from '@sotto/protocol/sealed'
import {
  type LoggedModelDocument,
  type ModelName,
  type ModelReader,
  type ModelStatement,
  ownerTag,
  signOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { createLogClient } from '@sotto/serve/log-client'
import { FakeLog } from '../../../../serve/test/log-client/fake-log.ts'
import type { EngineHost, EngineProcess, EngineSpec } from '../../../src/engines/index.ts'
import { modelDigest } from '../../../src/engines/manifest.ts'
import { ownedModelError } from '../../../src/models/owned/errors.ts'
import {
  createOwnedModels,
  type OwnedModels,
  type OwnedModelsOptions,
} from '../../../src/models/owned/index.ts'
import { createStatements } from '../../../src/models/owned/statements.ts'

export const GENESIS: string = 'ab'.repeat(32)
const MIB = 2 ** 20

/** Somebody with models. */
export function owner(n: number) {
  const secretSeed = new Uint8Array(32).fill(n)
  const { publicKey } = crypto.ed25519.importPrivate(secretSeed)
  return { signer: { secretSeed, publicKey }, key: toBase64Url(publicKey), tag: ownerTag(publicKey) }
}
export type Owner = ReturnType<typeof owner>
export const ALICE: Owner = owner(61)
export const BOB: Owner = owner(62)

/** What is said about a model, where it is not the truth. */
export interface Lies {
  statement?: Partial<ModelStatement>
  /** Of the manifest inside. */
  manifest?: object
  content?: Uint8Array
  signer?: Owner
}

/** A registry, a KMS and a host in one test, with a clock that only the test moves. */
export class OwnedWorld {
  readonly log = new FakeLog()
  /** Unix seconds; the clock that never goes back is a thousand times it. */
  now = 1_800_000_000
  readonly statements = new Map<string, LoggedModelDocument[]>()
  readonly files = new Map<string, Uint8Array>()
  readonly keys = new Map<string, Uint8Array>()
  /** Artifacts whose keys were asked for, and ranges that were read. */
  released: string[] = []
  reads = 0
  /** Engines started and ended. */
  started: string[] = []
  closed: string[] = []
  /** Called before a range is answered, or a key is. */
  onRead: (digest: string, start: number) => Promise<void> | void = () => undefined
  onRelease: (artifact: string) => void = () => undefined
  isRegistryDown = false
  host: Pick<EngineHost, 'start'> = { start: (spec) => this.#start(spec) }
  models!: OwnedModels

  constructor() {
    this.log.now = () => this.now
  }

  get reader(): ModelReader {
    return {
      genesis: GENESIS,
      log: {
        origin: this.log.origin,
        logKey: this.log.key,
        witnessKeys: this.log.witnessKeys,
        quorum: 2,
      },
    }
  }

  open(change: Partial<OwnedModelsOptions> = {}): OwnedModels {
    const monotonicNow = (): number => this.now * 1000
    const registry = {
      find: (name: ModelName) => this.#find(name),
      read: async (digest: string, start: number, length: number) => {
        this.reads++
        await this.onRead(digest, start)
        return this.files.get(digest)!.slice(start, start + length)
      },
    }
    this.models = createOwnedModels({
      registry,
      statements: createStatements({ registry, reader: this.reader, now: () => this.now, monotonicNow }),
      host: this.host,
      releaseKey: async ({ artifact }) => {
        this.released.push(artifact)
        this.onRelease(artifact)
        return this.keys.get(artifact)!.slice()
      },
      limits: { maxBytes: 64 * MIB, maxModels: 4, maxPerOwner: 3, idleSeconds: 600 },
      pinned: [],
      prepare: (model) => model,
      now: () => this.now,
      monotonicNow,
      ...change,
    })
    return this.models
  }

  /** An owner publishes a model; resolves with its name. */
  async publish(by: Owner, name: string, version = 1, lies: Lies = {}): Promise<string> {
    const { artifact, sealed, manifest, contentKey } = await sealedModel(name, version, lies)
    const digest = toHex(crypto.sha256(sealed))
    this.files.set(digest, sealed)
    this.keys.set(artifact, contentKey)
    const statement: ModelStatement = {
      format: 'sotto-model-statement/1',
      genesis: GENESIS,
      owner: by.key,
      name,
      version,
      artifact,
      digest,
      bytes: sealed.length,
      model: manifest.digest,
      task: 'embedding',
      policy: 'cd'.repeat(32),
      createdAt: this.now,
      ...lies.statement,
    }
    const shown = this.statements.get(`${by.tag}/${name}`) ?? []
    shown.unshift(await this.logged(signOwnerDocument('statement', statement, (lies.signer ?? by).signer)))
    this.statements.set(`${by.tag}/${name}`, shown)
    return `${by.tag}/${name}`
  }

  async logged(envelope: string): Promise<LoggedModelDocument> {
    const { log } = this
    const client = createLogClient({
      url: 'http://log.test',
      origin: log.origin,
      key: log.key,
      witnesses: { keys: log.witnessKeys, quorum: 2 },
      appendToken: log.token,
      fetch: log.fetch,
    })
    const { index, checkpoint, proof } = await client.append(utf8(envelope))
    return { envelope, index, proof: proof.map(toHex), checkpoint: checkpoint.note }
  }

  async #find({ tag, name, version }: ModelName): Promise<LoggedModelDocument> {
    if (this.isRegistryDown) throw ownedModelError('OWNED_MODEL_UNREACHABLE', 'down')
    const shown = this.statements.get(`${tag}/${name}`)
    if (shown === undefined) throw ownedModelError('OWNED_MODEL_UNKNOWN', 'none')
    const found = version === undefined ? shown[0] : shown.find((one) => versionOf(one) === version)
    if (found === undefined) throw ownedModelError('OWNED_MODEL_ENDED', 'gone')
    return found
  }

  /** An engine that takes its files and answers with their length. */
  async #start({ manifest, files }: EngineSpec): Promise<EngineProcess> {
    let length = 0
    for (const content of files.values())
      for await (const part of content as AsyncIterable<Uint8Array>) length += part.length
    this.started.push(manifest.id)
    return {
      manifest,
      state: 'ready',
      info: { operations: ['embed', 'generate'], dimensions: 1 },
      embed: async () => ({ vectors: [new Float32Array([length])], tokens: 1 }),
      async *generate() {
        yield { type: 'delta', text: 'a' }
        yield { type: 'delta', text: 'b' }
      },
      close: async () => void this.closed.push(manifest.id),
    } as unknown as EngineProcess
  }
}

function versionOf({ envelope }: LoggedModelDocument): number {
  const { payload } = JSON.parse(envelope) as { payload: string }
  return (JSON.parse(fromUtf8(Buffer.from(payload, 'base64'))) as ModelStatement).version
}

/** A sealed model whose engine needs nothing but this configuration. */
async function sealedModel(
  name: string,
  version: number,
  lies: Lies,
): Promise<{ artifact: string; sealed: Uint8Array; manifest: { digest: string }; contentKey: Uint8Array }> {
  const content =
    lies.content ??
    utf8(JSON.stringify({ algorithm: 'hash-embedding', dimensions: 64, ngrams: [3], spread: version }))
  const entry = { name: 'config.json', sha256: toHex(crypto.sha256(content)), size: content.length } as const
  const model = {
    format: 'sotto-model/1',
    id: name,
    task: 'embedding',
    engine: 'extractive',
    files: [{ ...entry, role: 'config' }],
  } as const
  const manifest = { ...model, digest: modelDigest(model), ...lies.manifest }
  const contentKey = crypto.randomBytes(32)
  const { sealed, id } = sealArtifact({
    contentKey,
    plaintextBytes: content.length,
    source: [content],
    metadata: JSON.stringify(manifest),
    chunkBytes: 65_536,
  })
  const parts: Uint8Array[] = []
  for await (const part of sealed) parts.push(part)
  return { artifact: id, sealed: concat(...parts), manifest, contentKey }
}
