import { createHash } from 'node:crypto'
import {
  openOutputKey,
  outputDigest,
  type Party,
  requireOutput,
  verifySealedOutput,
} from '@sotto/protocol/contract'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { openArtifact } from '@sotto/protocol/sealed'
import { toBase64Url } from '@sotto/protocol/bytes'
import { describe, expect, it } from 'vitest'
import { createReceiptKey } from '../../../src/release/index.ts'
import { nameOutput, sealOutput } from '../../../src/room/outputs/seal-output.ts'
import { watchTurns } from '../../pause/turns.ts'

const never = new AbortController().signal
const OF = { genesis: '11'.repeat(32), contract: '22'.repeat(32), run: '33'.repeat(32) }
const key = WRAP_SUITE.kem.generate()
const bank: Party = {
  name: 'bank',
  key: toBase64Url(new Uint8Array(32)),
  sealTo: toBase64Url(key.publicKey),
}
const signer = createReceiptKey()
const bytesOf = (length: number): Uint8Array => new Uint8Array(length).map((_, at) => at * 7)

describe('an output', () => {
  it.each([0, 1, 262_144, 262_145, 3 * 1024 * 1024 + 5])(
    'of %d bytes is named and sealed as its receivers expect it',
    async (length) => {
      const output = await nameOutput('result', bytesOf(length), never)
      expect(output.digest).toBe(outputDigest(output.salt, [output.bytes]))
      const leaving = await sealOutput(output, [bank], OF, signer, never)
      const receiptKey = toBase64Url(signer.publicKey)
      const sealed = verifySealedOutput(leaving.envelope, { run: OF.run, receiptKey })
      expect(sealed.sealed).toBe(createHash('sha256').update(leaving.sealed).digest('hex'))
      expect(leaving.digest).toBe(sealed.sealed)
      const { content, metadata } = await openArtifact(
        async (start, size) => leaving.sealed.slice(start, start + size),
        openOutputKey(sealed, 'bank', key),
        sealed.artifact,
      )
      const opened = Buffer.concat(await Array.fromAsync(content))
      requireOutput(metadata, opened, sealed)
      expect(opened.equals(output.bytes)).toBe(true)
    },
  )

  it('that is large lets others have their turns while it is named and sealed', async () => {
    const { others } = watchTurns()
    const output = await nameOutput('result', new Uint8Array(64 * 1024 * 1024), never)
    const named = others()
    expect(named).toBeGreaterThan(10)
    await sealOutput(output, [bank], OF, signer, never)
    expect(others() - named).toBeGreaterThan(10)
  })

  it('of a run that was ended meanwhile is named and sealed no further', async () => {
    const { onTurn } = watchTurns()
    const output = await nameOutput('result', new Uint8Array(8 * 1024 * 1024), never)
    const stop = new AbortController()
    onTurn(() => stop.abort(new Error('ended')))
    await expect(sealOutput(output, [bank], OF, signer, stop.signal)).rejects.toThrow('ended')
    await expect(nameOutput('result', output.bytes, stop.signal)).rejects.toThrow('ended')
  })
})
