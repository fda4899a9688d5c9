import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { concat, uint } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { openTpm, quoteRegisters, readNv, readPublicKey, type Tpm, writeNv } from '@sotto/serve/evidence'
import { isAttestationKey, isSignedWith, parseQuote, pcrDigest } from '@sotto/verifier/tpm'
import { NO_SWTPM, type SoftwareTpm, startSwtpm } from './swtpm.ts'

const KEY = 0x81000003
const INDEX = 0x01400001

const title = `a TPM 2.0 in software${NO_SWTPM === undefined ? '' : ` (skipped: ${NO_SWTPM})`}`
describe.skipIf(NO_SWTPM !== undefined)(title, () => {
  let software: SoftwareTpm
  let tpm: Tpm
  beforeAll(async () => {
    software = await startSwtpm()
    await software.provisionKey(KEY)
    tpm = await openTpm(software.machine)
  })
  afterAll(async () => {
    await tpm?.close()
    software?.stop()
  })

  it('quotes its registers with the nonce, and its key signed that', async () => {
    const nonce = crypto.randomBytes(48)
    const { message, signature, pcrs } = await quoteRegisters(tpm, KEY, nonce)
    const { key, scheme, ...area } = await readPublicKey(tpm, KEY)
    const quote = parseQuote(message)
    expect(quote.extraData).toEqual(nonce)
    expect(quote.pcrDigest).toEqual(pcrDigest('sha256', pcrs))
    expect(pcrs).toHaveLength(24)
    expect(isSignedWith(key, 'sha256', message, signature)).toBe(true)
    expect(isAttestationKey(area)).toBe(true)
    expect(scheme).toEqual({ algorithm: 0x14, hash: 0x0b })
  })

  it('shows in the next quote what was measured meanwhile', async () => {
    const before = await quoteRegisters(tpm, KEY, Uint8Array.of(1))
    const digest = crypto.sha256(Uint8Array.of(9))
    // TPM2_PCR_Extend of register 16 (Part 3, Section 22.2).
    const body = concat(
      uint(16, 4),
      uint(9, 4),
      uint(0x40000009, 4),
      uint(0, 2),
      uint(0, 1),
      uint(0, 2),
      uint(1, 4),
      uint(0x0b, 2),
      digest,
    )
    await software.raw(concat(uint(0x8002, 2), uint(10 + body.length, 4), uint(0x182, 4), body))
    const after = await quoteRegisters(tpm, KEY, Uint8Array.of(1))
    expect(after.pcrs[16]).toEqual(crypto.sha256(before.pcrs[16]!, digest))
    expect(
      after.pcrs.filter((value, index) => index !== 16 && !Buffer.from(value).equals(before.pcrs[index]!)),
    ).toEqual([])
  })

  it('keeps what is written into an index, and gives back more than one command can read', async () => {
    const user = crypto.randomBytes(64)
    await writeNv(tpm, 0x01400002, user)
    expect(await readNv(tpm, 0x01400002, 64)).toEqual(user)
    await writeNv(tpm, 0x01400002, user.toReversed())
    expect(await readNv(tpm, 0x01400002, 64)).toEqual(user.toReversed())

    const long = crypto.randomBytes(2000)
    await software.store(INDEX, long)
    expect(await readNv(tpm, INDEX, 2600)).toEqual(long)
  })

  it('refuses an index that is longer than what belongs there, before it is read', async () => {
    await software.store(0x01400003, new Uint8Array(200))
    await expect(readNv(tpm, 0x01400003, 199)).rejects.toMatchObject({
      code: 'COLLECT_MALFORMED',
      found: '200',
    })
  })

  it('says which index is missing, and which was never written', async () => {
    await expect(readNv(tpm, 0x01c101d0, 4096)).rejects.toMatchObject({
      code: 'COLLECT_UNAVAILABLE',
      message: 'NV index 0x01c101d0 does not exist',
    })
    await software.store(0x01400004, new Uint8Array(32), false)
    await expect(readNv(tpm, 0x01400004, 32)).rejects.toMatchObject({
      code: 'COLLECT_UNAVAILABLE',
      message: 'NV index 0x01400004 was never written',
    })
  })

  it('names the code with which it refuses', async () => {
    await expect(quoteRegisters(tpm, 0x81000099, Uint8Array.of(1))).rejects.toMatchObject({
      code: 'COLLECT_FAILED',
      message: 'the TPM refused Quote: TPM_RC_HANDLE (handle 1)',
      found: '0x18b',
    })
    await expect(tpm.run({ code: 'PCR_Read', parameters: uint(1, 4) })).rejects.toMatchObject({
      message: 'the TPM refused PCR_Read: TPM_RC_INSUFFICIENT (parameter 1)',
    })
  })

  it('answers each of many callers with its own nonce', async () => {
    const nonces = Array.from({ length: 8 }, () => crypto.randomBytes(32))
    const quotes = await Promise.all(nonces.map((nonce) => quoteRegisters(tpm, KEY, nonce)))
    expect(quotes.map(({ message }) => parseQuote(message).extraData)).toEqual(nonces)
  })
})
