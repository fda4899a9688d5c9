import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, uint } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import {
  type Device,
  type Machine,
  openTpm,
  quoteRegisters,
  readNv,
  type Tpm,
  thisMachine,
} from '@sotto/serve/evidence'
import { fakeRsaKey, fakeSelection, fakeVtpm } from '@sotto/testkit/tpm'
import { systemError } from './tsm-model.ts'

const RUNS = process.env['SLOW'] ? 2000 : 200
const INDEX = 0x01400001
const nonce = new Uint8Array(32).fill(3)

/** Answers by the command's code; a function sees the command. */
type Answers = Record<number, (command: Buffer) => Uint8Array>

function deviceOf(answer: (command: Buffer) => Uint8Array | Promise<Uint8Array>): Machine {
  return {
    ...thisMachine('/nonexistent'),
    sleep: (ms, signal) => thisMachine().sleep(ms / 20, signal),
    open: () => {
      let command = Buffer.alloc(0)
      const device: Device = {
        write: async (bytes) => (command = Buffer.from(bytes)).length,
        read: async () => answer(command),
        close: async () => undefined,
      }
      return Promise.resolve(device)
    },
  }
}

const tpmOf = (answers: Answers): Promise<Tpm> =>
  openTpm(deviceOf((command) => answers[command.readUInt32BE(6)]!(command)))
const plain = (...parts: Uint8Array[]): Uint8Array => message(0x8001, concat(...parts))
const authorized = (...parts: Uint8Array[]): Uint8Array => {
  const parameters = concat(...parts)
  return message(0x8002, concat(uint(parameters.length, 4), parameters, uint(0, 2), uint(1, 1), uint(0, 2)))
}
const message = (tag: number, body: Uint8Array, code = 0): Uint8Array =>
  concat(uint(tag, 2), uint(10 + body.length, 4), uint(code, 4), body)
const sized = (bytes: Uint8Array): Uint8Array => concat(uint(bytes.length, 2), bytes)

/** TPM2B_NV_PUBLIC and a name. */
const nvPublic = (size: number, index = INDEX, attributes = 0x20020002): Uint8Array =>
  plain(
    sized(concat(uint(index, 4), uint(0x0b, 2), uint(attributes, 4), uint(0, 2), uint(size, 2))),
    sized(new Uint8Array(34)),
  )
const capability = plain(uint(0, 1), uint(6, 4), uint(1, 4), uint(0x12c, 4), uint(700, 4))
const stored = new Uint8Array(1500).map((_, index) => index)
const nvRead = (command: Buffer): Uint8Array => {
  const [size, offset] = [command.readUInt16BE(command.length - 4), command.readUInt16BE(command.length - 2)]
  return authorized(sized(stored.subarray(offset, offset + size)))
}
const nv: Answers = { 0x169: () => nvPublic(1500), 0x17a: () => capability, 0x14e: nvRead }

describe('an NV index', () => {
  it('is read in pieces of what the TPM can do', async () => {
    const sizes: number[] = []
    const tpm = await tpmOf({
      ...nv,
      0x14e: (command) => {
        sizes.push(command.readUInt16BE(command.length - 4))
        return nvRead(command)
      },
    })
    await expect(readNv(tpm, INDEX, 2600)).resolves.toEqual(stored)
    expect(sizes).toEqual([700, 700, 100])
  })

  it.each<[string, Answers, string]>([
    ['of another number', { 0x169: () => nvPublic(1500, INDEX + 1) }, 'COLLECT_MALFORMED'],
    ['longer than allowed', { 0x169: () => nvPublic(2601) }, 'COLLECT_MALFORMED'],
    ['never written', { 0x169: () => nvPublic(1500, INDEX, 0x20002) }, 'COLLECT_UNAVAILABLE'],
    ['locked', { 0x169: () => nvPublic(1500, INDEX, 0x30020002) }, 'COLLECT_UNAVAILABLE'],
    ['that only a policy opens', { 0x169: () => nvPublic(1500, INDEX, 0x20080002) }, 'COLLECT_DENIED'],
    [
      'with less than was asked for',
      { 0x14e: () => authorized(sized(stored.subarray(0, 10))) },
      'COLLECT_MALFORMED',
    ],
    ['with more than was asked for', { 0x14e: () => authorized(sized(stored)) }, 'COLLECT_MALFORMED'],
    [
      'with bytes after the data',
      { 0x14e: (command) => concat(nvRead(command), uint(0, 1)) },
      'COLLECT_MALFORMED',
    ],
    [
      'of a TPM that tells another capability',
      { 0x17a: () => plain(uint(0, 1), uint(5, 4), uint(0, 4)) },
      'COLLECT_MALFORMED',
    ],
  ])('%s is refused', async (_what, answers, code) => {
    await expect(readNv(await tpmOf({ ...nv, ...answers }), INDEX, 2600)).rejects.toMatchObject({ code })
  })
})

describe('an answer', () => {
  const ask = async (answer: Uint8Array): Promise<unknown> =>
    readNv(await tpmOf({ ...nv, 0x169: () => answer }), INDEX, 2600).catch((error: unknown) => error)

  it.each<[string, Uint8Array]>([
    ['that is empty', new Uint8Array(0)],
    ['shorter than a header', nvPublic(1500).subarray(0, 9)],
    ['shorter than it says', nvPublic(1500).subarray(0, 40)],
    ['longer than it says', concat(nvPublic(1500), uint(0, 1))],
    ['with a session that nobody opened', message(0x8002, nvPublic(1500).subarray(10))],
    ['with an unknown tag', message(0x8003, nvPublic(1500).subarray(10))],
    ['that is an error with content', message(0x8001, uint(1, 1), 0x18b)],
    ['that is an error with sessions', message(0x8002, new Uint8Array(0), 0x18b)],
    ['that ends inside its fields', plain(uint(14, 2), uint(INDEX, 4))],
  ])('%s is refused', async (_what, answer) => {
    await expect(ask(answer)).resolves.toMatchObject({ code: 'COLLECT_MALFORMED', action: 'stop' })
  })

  it('whatever its bytes are gives the content or an error of ours', async () => {
    const genuine = [nvPublic(1500), capability, authorized(sized(stored.subarray(0, 700)))]
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2 }),
        fc.nat(2000),
        fc.integer({ min: 1, max: 255 }),
        async (which, at, mask) => {
          const changed = genuine[which]!.slice()
          changed[at % changed.length]! ^= mask
          const codes = [0x169, 0x17a, 0x14e]
          const tpm = await tpmOf({ ...nv, [codes[which]!]: () => changed })
          const outcome: unknown = await readNv(tpm, INDEX, 2600).catch((error: unknown) => error)
          expect(outcome instanceof Uint8Array || outcome instanceof SottoError).toBe(true)
        },
      ),
      { numRuns: RUNS },
    )
  })

  it.each([
    [0x101, 'TPM_RC_FAILURE', 'COLLECT_FAILED'],
    [0x100, 'TPM_RC_INITIALIZE', 'COLLECT_FAILED'],
    [0x14a, 'TPM_RC_NV_UNINITIALIZED', 'COLLECT_FAILED'],
    [0x98e, 'TPM_RC_AUTH_FAIL (session 1)', 'COLLECT_FAILED'],
    [0x2c4, 'TPM_RC_VALUE (parameter 2)', 'COLLECT_FAILED'],
    [0x921, 'TPM_RC_LOCKOUT', 'COLLECT_FAILED'],
    [0x922, 'TPM_RC_RETRY', 'COLLECT_BUSY'],
    [0xb0143, 'TPM_RC_COMMAND_CODE', 'COLLECT_FAILED'],
    [0x1e, 'TPM_RC 0x1e', 'COLLECT_FAILED'],
    [0x80280400, 'TPM_RC 0x80280400', 'COLLECT_FAILED'],
  ])('of 0x%s names %s', async (response, name, code) => {
    await expect(ask(message(0x8001, new Uint8Array(0), response))).resolves.toMatchObject({
      code,
      message: `the TPM refused NV_ReadPublic: ${name}`,
    })
  })

  it('that asks to try again is followed', async () => {
    let left = 3
    const tpm = await tpmOf({
      ...nv,
      0x169: () => (left-- > 0 ? message(0x8001, new Uint8Array(0), 0x922) : nvPublic(1500)),
    })
    await expect(readNv(tpm, INDEX, 2600)).resolves.toEqual(stored)
  })
})

describe('the device', () => {
  it.each([
    ['EACCES', 'COLLECT_DENIED', 'tss'],
    ['ENOENT', 'COLLECT_UNAVAILABLE', 'no TPM 2.0'],
    ['EBUSY', 'COLLECT_BUSY', '/dev/tpmrm0'],
  ])('that cannot be opened (%s) says what to do', async (errno, code, hint) => {
    const machine = { ...thisMachine(), open: () => Promise.reject(systemError(errno)) }
    await expect(openTpm(machine)).rejects.toMatchObject({
      code,
      hint: expect.stringContaining(hint) as string,
    })
  })

  it('that does not answer in time is not asked anything else', async () => {
    let calls = 0
    const machine = deviceOf(() => {
      calls++
      return new Promise(() => undefined)
    })
    const tpm = await openTpm(machine, { timeoutMs: 400 })
    await expect(readNv(tpm, INDEX, 2600)).rejects.toMatchObject({ code: 'COLLECT_TIMEOUT' })
    // Its late answer would pass for the answer to this.
    await expect(readNv(tpm, INDEX, 2600)).rejects.toMatchObject({ code: 'COLLECT_FAILED' })
    expect(calls).toBe(1)
  })

  it('that takes half a command is refused', async () => {
    const device: Device = {
      write: async () => 5,
      read: async () => new Uint8Array(0),
      close: async () => undefined,
    }
    const tpm = await openTpm({ ...thisMachine(), open: async () => device })
    await expect(readNv(tpm, INDEX, 2600)).rejects.toMatchObject({ code: 'COLLECT_MALFORMED' })
  })
})

describe('a quote', () => {
  const key = fakeRsaKey()
  const vtpm = fakeVtpm(key)
  const signature = (bytes: Uint8Array, hash = 0x0b, scheme = 0x14): Uint8Array =>
    concat(uint(scheme, 2), uint(hash, 2), sized(bytes))
  const quoted = (quote = vtpm.quote(nonce)): Uint8Array =>
    authorized(sized(quote.message), signature(quote.signature))
  /** Four registers at a time, as a TPM may. */
  const pcrRead = (command: Buffer): Uint8Array => {
    const bitmap = command.readUIntLE(17, 3)
    const indices = vtpm.pcrs.flatMap((_, index) => ((bitmap >> index) & 1 ? [index] : [])).slice(0, 4)
    return plain(
      uint(1, 4),
      fakeSelection(indices),
      uint(indices.length, 4),
      ...indices.map((index) => sized(vtpm.pcrs[index]!)),
    )
  }
  const run = async (answers: Answers): Promise<unknown> =>
    quoteRegisters(await tpmOf({ 0x158: () => quoted(), 0x17e: pcrRead, ...answers }), 0x81000003, nonce)

  it('comes with all registers, however few the TPM tells at once', async () => {
    await expect(run({})).resolves.toEqual(vtpm.quote(nonce))
  })

  it.each<[string, Answers, string]>([
    ['over another nonce', { 0x158: () => quoted(vtpm.quote(new Uint8Array(32))) }, 'COLLECT_MALFORMED'],
    ['that is none', { 0x158: () => quoted(vtpm.quote(nonce, { type: 0x8017 })) }, 'COLLECT_MALFORMED'],
    [
      'signed with SHA-1',
      { 0x158: () => authorized(sized(vtpm.quote(nonce).message), signature(new Uint8Array(256), 4)) },
      'COLLECT_MALFORMED',
    ],
    [
      'signed with ECDSA',
      {
        0x158: () => authorized(sized(vtpm.quote(nonce).message), signature(new Uint8Array(64), 0x0b, 0x18)),
      },
      'COLLECT_MALFORMED',
    ],
    [
      'of registers that have other values',
      { 0x158: () => quoted(vtpm.quote(nonce, { pcrDigest: new Uint8Array(32) })) },
      'COLLECT_BUSY',
    ],
    [
      'without the SHA-256 bank',
      { 0x17e: () => plain(uint(1, 4), uint(0, 4), uint(0, 4)) },
      'COLLECT_FAILED',
    ],
    [
      'with fewer registers than named',
      { 0x17e: () => plain(uint(1, 4), fakeSelection([0, 1]), uint(1, 4), sized(vtpm.pcrs[0]!)) },
      'COLLECT_MALFORMED',
    ],
    [
      'with registers of another length',
      { 0x17e: () => plain(uint(1, 4), fakeSelection([0]), uint(1, 4), sized(new Uint8Array(20))) },
      'COLLECT_MALFORMED',
    ],
  ])('%s is refused', async (_what, answers, code) => {
    await expect(run(answers)).rejects.toMatchObject({ code })
  })

  it.each([0, 65])('is not asked for with a nonce of %s bytes', async (length) => {
    const tpm = await tpmOf({})
    await expect(quoteRegisters(tpm, 0x81000003, new Uint8Array(length))).rejects.toMatchObject({
      code: 'COLLECT_INPUT',
    })
  })
})
