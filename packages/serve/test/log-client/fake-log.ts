import { concat, equalBytes, uint } from '@sotto/protocol/bytes'
import { emptyRoot, leafHash, nodeHash } from '@sotto/protocol/merkle'
import { checkpointText, cosign, type NoteSigner, signNote, verifierKeyOf } from '@sotto/protocol/note'

/** What goes wrong with one append. */
export type AppendFault = 'not-persisted' | 'reported-failed'

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)

/** A whole log with its witnesses behind a `fetch`, in memory; it misbehaves on demand. */
export class FakeLog {
  readonly origin = 'log.test/sotto'
  readonly signer: NoteSigner = { name: this.origin, secretSeed: seed(101) }
  readonly witnesses: NoteSigner[] = [
    { name: 'witness-one', secretSeed: seed(102) },
    { name: 'witness-two', secretSeed: seed(103) },
  ]
  readonly key: string = verifierKeyOf(this.signer, 'ed25519')
  readonly witnessKeys: string[] = this.witnesses.map((witness) => verifierKeyOf(witness, 'cosignature-v1'))
  readonly token = 'append-token'
  entries: Uint8Array[] = []
  /** Seconds; what witnesses write. */
  now: () => number = () => Math.floor(Date.now() / 1000)
  /** How many witnesses answer. */
  cosigning = 2
  appendFault: (call: number) => AppendFault | undefined = () => undefined
  appends = 0
  /** Paths asked for, in order. */
  asked: string[] = []
  /** Changes an answer on its way out. */
  rewrite: (path: string, bytes: Uint8Array) => Uint8Array | undefined = (_, bytes) => bytes
  isDown = false

  note(size: number = this.entries.length): string {
    const text = checkpointText({ origin: this.origin, size, root: this.root(0, size) })
    const cosigned = this.witnesses
      .slice(0, this.cosigning)
      .map((witness) => cosign(text, witness, this.now()))
    return signNote(text, this.signer) + cosigned.join('')
  }

  /** Hashes of complete subtrees: appending changes none of them. */
  readonly #subtrees = new Map<string, Uint8Array>()

  root(from: number, to: number): Uint8Array {
    if (to === from) return emptyRoot()
    const name = `${from}-${to}`
    const known = this.#subtrees.get(name)
    if (known !== undefined) return known
    const middle = from + 2 ** Math.ceil(Math.log2(to - from) - 1)
    const hash =
      to - from === 1
        ? leafHash(this.entries[from]!)
        : nodeHash(this.root(from, middle), this.root(middle, to))
    this.#subtrees.set(name, hash)
    return hash
  }

  /** What a log must never do. */
  rewriteHistory(index: number, entry: Uint8Array): void {
    this.entries[index] = entry
    this.#subtrees.clear()
  }

  /** Stands in for the network. */
  readonly fetch: typeof fetch = async (input, init) => {
    const path = new URL(input as string).pathname.replace('/log/', '')
    this.asked.push(path)
    if (this.isDown) throw new TypeError('fetch failed')
    if (init?.method === 'POST') return this.append(init)
    const bytes = this.read(path)
    const shown = bytes === undefined ? undefined : this.rewrite(path, bytes)
    return shown === undefined
      ? new Response(null, { status: 404 })
      : new Response(shown as Uint8Array<ArrayBuffer>)
  }

  private append(init: RequestInit): Response {
    const { authorization } = init.headers as Record<string, string>
    if (authorization !== `Bearer ${this.token}`) return new Response('{}', { status: 401 })
    const fault = this.appendFault(this.appends++)
    if (fault === 'not-persisted') return new Response('{}', { status: 503 })
    const entry = init.body as Uint8Array
    let index = this.entries.findIndex((known) => equalBytes(known, entry))
    if (index < 0) index = this.entries.push(entry.slice()) - 1
    if (fault === 'reported-failed') throw new TypeError('fetch failed')
    return Response.json({ index })
  }

  private read(path: string): Uint8Array | undefined {
    if (path === 'checkpoint')
      return this.entries.length === 0 ? undefined : new TextEncoder().encode(this.note())
    const match = /^tile\/(entries|\d+)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path)
    if (match === null) return undefined
    const index = Number(match[2]!.replaceAll(/[x/]/g, ''))
    const width = match[3] === undefined ? 256 : Number(match[3])
    if (match[1] === 'entries') {
      const bundle = this.entries.slice(index * 256, index * 256 + width)
      return bundle.length < width
        ? undefined
        : concat(...bundle.flatMap((entry) => [uint(entry.length, 2), entry]))
    }
    const span = 256 ** Number(match[1])
    const first = index * 256
    if ((first + width) * span > this.entries.length) return undefined
    return concat(
      ...Array.from({ length: width }, (_, i) => this.root((first + i) * span, (first + i + 1) * span)),
    )
  }
}
