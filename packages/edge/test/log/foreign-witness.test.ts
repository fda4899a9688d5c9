import { expect, test } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { fromBase64, toBase64 } from '@sotto/protocol/bytes'
import { cosign, parseNote, verifierKeyOf, verifyCheckpoint } from '@sotto/protocol/note'
import { createWitnessClient } from '../../src/log/witness-client.ts'
import { witnessConfig } from '../../src/witness/config.ts'
import { createMemoryStore } from './memory-store.ts'
import { append, envelope, newWitness, open, ORIGIN, SIGNER } from './parties.ts'

/** The request of C2SP tlog-witness, word for word: every line ends in a newline, one hash a line, at most 63. */
const REQUEST = /^old (0|[1-9]\d*)\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n((?:[^\n]+\n){3}\n(?:— [^\n]+\n)+)$/

/** Somebody else's witness, which knows nothing of ours but the specification. */
function foreignWitness(): { key: string; bodies: string[]; send: (request: Request) => Promise<Response> } {
  const signer = { name: 'witness.other.example', secretSeed: crypto.ed25519.generate().seed }
  const stranger = { name: 'stranger.example', secretSeed: crypto.ed25519.generate().seed }
  const bodies: string[] = []
  let size = 0
  return {
    key: verifierKeyOf(signer, 'cosignature-v1'),
    bodies,
    async send(request) {
      expect([request.method, new URL(request.url).pathname]).toEqual(['POST', '/prefix/add-checkpoint'])
      const body = await request.text()
      bodies.push(body)
      const [, old, proof, note] = REQUEST.exec(body)!
      if (Number(old) !== size)
        return new Response(`${size}\n`, { status: 409, headers: { 'content-type': 'text/x.tlog.size' } })
      // The empty tree is consistent with any, and comes without a proof.
      if (size === 0) expect(proof).toBe('')
      const { text } = parseNote(note!)
      size = Number(text.split('\n')[1])
      // Lines of other keys and of algorithms that we do not have come first; 2420 bytes are ML-DSA-44.
      const postQuantum = `— ${signer.name} ${toBase64(new Uint8Array(4 + 8 + 2420).fill(1))}\n`
      return new Response(
        cosign(text, stranger, 1_800_000_000) + postQuantum + cosign(text, signer, 1_800_000_000),
      )
    },
  }
}

test('witnesses of others work with this log: it sends what the specification says and takes its own line of the answer', async () => {
  const foreign = foreignWitness()
  const own = newWitness('own.example')
  const log = open(createMemoryStore(), [own], {
    quorum: 2,
    witnesses: [
      createWitnessClient({ url: 'http://foreign/prefix', key: foreign.key }, foreign.send),
      createWitnessClient({ url: 'http://own', key: own.key }, async (request) => own.app(request)),
    ],
  })
  for (const text of ['a', 'b', 'c']) expect((await append(log, envelope(text))).status).toBe(200)
  const note = await (await log.app(new Request('http://log/log/checkpoint'))).text()
  const requirements = {
    origin: ORIGIN,
    logKey: verifierKeyOf(SIGNER, 'ed25519'),
    witnessKeys: [foreign.key, own.key],
    quorum: 2,
  }
  expect(verifyCheckpoint(note, requirements).size).toBe(3)
  // Of the answer nothing else is passed on.
  expect(parseNote(note).signatures.map(({ name }) => name)).toEqual([
    ORIGIN,
    'witness.other.example',
    'own.example',
  ])
  const proofs = foreign.bodies.map((body) => REQUEST.exec(body)![2]!.split('\n').slice(0, -1))
  expect(proofs.flat().every((line) => fromBase64(line).length === 32)).toBe(true)
  expect(proofs.at(-1)!.length).toBeGreaterThan(0)
})

test('logs of others can be watched, whatever they are called', () => {
  const key = verifierKeyOf({ name: 'rekor.example', secretSeed: crypto.ed25519.generate().seed }, 'ed25519')
  const config = (origin: string): object => ({
    name: 'w.example',
    listen: { port: 0 },
    store: '/tmp/w',
    logs: [{ origin, key }],
  })
  expect(witnessConfig(config('rekor.example - 3904496407287907110'), 'config').logs[0]!.origin).toContain(
    ' - ',
  )
  for (const origin of ['', 'a\nb', 'a\u0000'])
    expect(() => witnessConfig(config(origin), 'config')).toThrow()
})
