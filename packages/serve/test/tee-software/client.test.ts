import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { softwareHardware } from '../../src/tee-software/index.ts'

class Launcher extends EventEmitter {
  reply: (message: Record<string, unknown>) => unknown = () => undefined
  send(message: object): void {
    const answer = this.reply(message as Record<string, unknown>)
    if (answer !== undefined) queueMicrotask(() => this.emit('message', answer))
  }
}

const PIECE = { family: 'software', evidence: 'A'.repeat(64), collateral: { root: 'BBBB' } }
const EVIDENCE = [PIECE]

test('asks for a report over exactly the given bytes', async () => {
  const launcher = new Launcher()
  launcher.reply = ({ id, type, reportData }) => ({ id, type, evidence: EVIDENCE, asked: reportData })
  const hardware = softwareHardware(launcher)
  expect(await hardware.collectEvidence(new Uint8Array(64))).toEqual(EVIDENCE)
  await expect(hardware.collectEvidence(new Uint8Array(32))).rejects.toThrow(RangeError)
})

test('matches answers to questions even out of order', async () => {
  const launcher = new Launcher()
  const asked: Record<string, unknown>[] = []
  launcher.reply = (message) => void asked.push(message)
  const hardware = softwareHardware(launcher)
  const a = hardware.deriveSealingKey('a')
  const b = hardware.deriveSealingKey('b')
  for (const { id, context } of asked.toReversed()) {
    launcher.emit('message', { type: 'tee.sealing-key', id, key: (context === 'a' ? 'aa' : 'bb').repeat(32) })
  }
  expect(await a).toEqual(new Uint8Array(32).fill(0xaa))
  expect(await b).toEqual(new Uint8Array(32).fill(0xbb))
})

test.each([
  ['no evidence', { evidence: undefined }],
  ['hardware evidence', { evidence: [{ ...PIECE, family: 'sev-snp' }] }],
  ['collateral of numbers', { evidence: [{ ...PIECE, collateral: { root: 1 } }] }],
  ['too many pieces', { evidence: Array.from({ length: 21 }, () => PIECE) }],
  ['a report with other characters', { evidence: [{ ...PIECE, evidence: 'a b' }] }],
  ['another type', { type: 'tee.sealing-key', evidence: EVIDENCE }],
])('refuses %s', async (_, fields) => {
  const launcher = new Launcher()
  launcher.reply = ({ id, type }) => ({ id, type, ...fields })
  await expect(softwareHardware(launcher).collectEvidence(new Uint8Array(64))).rejects.toMatchObject({
    code: 'TEE_MALFORMED',
  })
})

test('refuses a sealing key of another size', async () => {
  const launcher = new Launcher()
  launcher.reply = ({ id, type }) => ({ id, type, key: 'aa' })
  await expect(softwareHardware(launcher).deriveSealingKey('a')).rejects.toMatchObject({
    code: 'TEE_MALFORMED',
  })
})

test('says so when nobody answers, refuses or is there', async () => {
  await expect(softwareHardware(new Launcher(), 5).deriveSealingKey('a')).rejects.toMatchObject({
    code: 'TEE_UNAVAILABLE',
  })
  const refusing = new Launcher()
  refusing.reply = ({ id, type }) => ({ id, type, error: 'no' })
  await expect(softwareHardware(refusing).deriveSealingKey('a')).rejects.toMatchObject({
    code: 'TEE_UNAVAILABLE',
  })
  const nobody = { on: () => undefined }
  await expect(softwareHardware(nobody).deriveSealingKey('a')).rejects.toMatchObject({
    code: 'TEE_UNAVAILABLE',
  })
})
