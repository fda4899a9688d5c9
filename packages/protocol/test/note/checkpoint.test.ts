import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  checkpointDigest,
  checkpointText,
  cosign,
  parseCheckpoint,
  signNote,
  verifierKey,
  verifierKeyOf,
  verifyCheckpoint,
  type CheckpointRequirements,
  type NoteSigner,
} from '@sotto/protocol/note'

const signer = (name: string): NoteSigner => ({ name, secretSeed: crypto.ed25519.generate().seed })
const log = signer('log.example/a')
const witnesses = [signer('w0.example'), signer('w1.example'), signer('w2.example')]
const root = crypto.sha256(utf8('root'))
const text = checkpointText({ origin: 'log.example/a', size: 12, root })

const requirements: CheckpointRequirements = {
  origin: 'log.example/a',
  logKey: verifierKeyOf(log, 'ed25519'),
  witnessKeys: witnesses.map((witness) => verifierKeyOf(witness, 'cosignature-v1')),
  quorum: 2,
}
/** A note cosigned by these witnesses at these times. */
const noteOf = (...cosigners: [witness: NoteSigner, time: number][]): string =>
  signNote(text, log) + cosigners.map(([witness, time]) => cosign(text, witness, time)).join('')
const refusedWith = (code: string): unknown => expect.objectContaining({ code, action: 'stop' })
const [w0, w1, w2] = witnesses as [NoteSigner, NoteSigner, NoteSigner]

describe('a checkpoint', () => {
  it('returns what it wrote', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9./ -]{1,40}$/),
        fc.maxSafeInteger().map(Math.abs),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (origin, size, hash) => {
          expect(parseCheckpoint(checkpointText({ origin, size, root: hash }))).toEqual({
            origin,
            size,
            root: hash,
          })
        },
      ),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it('reads the example of C2SP tlog-checkpoint', () => {
    const example = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
    expect(parseCheckpoint(example)).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
    })
  })

  const hash = toBase64(root)
  it.each([
    ['nothing', ''],
    ['two lines', 'o\n1\n'],
    ['an extension line', `o\n1\n${hash}\nmore\n`],
    ['an empty extension line', `o\n1\n${hash}\n\n`],
    ['no final newline', `o\n1\n${hash}`],
    ['no origin', `\n1\n${hash}\n`],
    ['no size', `o\n\n${hash}\n`],
    ['a leading zero', `o\n01\n${hash}\n`],
    ['a sign', `o\n+1\n${hash}\n`],
    ['a negative size', `o\n-1\n${hash}\n`],
    ['a hexadecimal size', `o\n0x1\n${hash}\n`],
    ['a size past 2^53', `o\n9007199254740993\n${hash}\n`],
    ['a short root', `o\n1\n${toBase64(root.subarray(1))}\n`],
    ['an empty root', 'o\n1\n\n'],
    ['a root in base64url', `o\n1\n${'_'.repeat(43)}=\n`],
    ['a root without padding', `o\n1\n${hash.replace('=', '')}\n`],
  ])('is refused with %s', (_what, wrong) => {
    expect(() => parseCheckpoint(wrong)).toThrow(expect.objectContaining({ code: 'NOTE_MALFORMED' }))
  })
})

describe('verification of a checkpoint', () => {
  it('accepts the log and a quorum, and says when the quorum had seen it', () => {
    const note = noteOf([w0, 100], [w1, 300], [w2, 200])
    const verified = verifyCheckpoint(note, requirements)
    expect(verified).toMatchObject({ origin: 'log.example/a', size: 12, root })
    expect([...verified.witnessTimes.values()]).toEqual([100, 300, 200])
    // Two witnesses say "at 200 or later"; one alone could lie.
    expect(verified.time).toBe(200)
    expect(verified.digest).toBe(checkpointDigest(note))
  })

  it('is not made younger by fewer than a quorum of lying witnesses', () => {
    const lie = 2 ** 40
    expect(verifyCheckpoint(noteOf([w0, 100], [w1, lie], [w2, 90]), requirements).time).toBe(100)
    expect(verifyCheckpoint(noteOf([w0, 100], [w1, lie]), { ...requirements, quorum: 1 }).time).toBe(lie)
  })

  it.each([
    ['no witness', noteOf()],
    ['one of two', noteOf([w0, 100])],
    ['one that signs twice', noteOf([w0, 100], [w0, 200])],
    ['one known and one unknown', noteOf([w0, 100], [signer('w1.example'), 100])],
    ['cosignatures of another text', noteOf([w0, 100]) + cosign(text.replace('12', '13'), w1, 100)],
    [
      'a witness that signed as if it were a log',
      noteOf([w0, 100]) + signNote(text, w1).slice(text.length + 1),
    ],
  ])('refuses %s', (_what, note) => {
    expect(() => verifyCheckpoint(note, requirements)).toThrow(refusedWith('NOTE_QUORUM'))
  })

  it('counts one key once, under however many names a policy lists it', () => {
    const alias = { ...w0, name: 'alias.example' }
    const note = noteOf([w0, 100], [alias, 100])
    const twice = [w0, alias].map((witness) => verifierKeyOf(witness, 'cosignature-v1'))
    expect(() => verifyCheckpoint(note, { ...requirements, witnessKeys: twice })).toThrow(
      refusedWith('NOTE_QUORUM'),
    )
    expect(() => verifyCheckpoint(note, { ...requirements, witnessKeys: [twice[0]!, twice[0]!] })).toThrow(
      refusedWith('NOTE_QUORUM'),
    )
  })

  it('does not count the log as a witness of itself', () => {
    const keys = [log, w0].map((witness) => verifierKeyOf(witness, 'cosignature-v1'))
    expect(() =>
      verifyCheckpoint(noteOf([log, 100], [w0, 100]), { ...requirements, witnessKeys: keys }),
    ).toThrow(refusedWith('NOTE_QUORUM'))
  })

  it('counts a key that signed under one of its names', () => {
    const alias = { ...w0, name: 'alias.example' }
    const keys = [w0, alias, w1].map((witness) => verifierKeyOf(witness, 'cosignature-v1'))
    const verified = verifyCheckpoint(noteOf([alias, 100], [w1, 100]), { ...requirements, witnessKeys: keys })
    expect(verified.witnessTimes.size).toBe(2)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses a quorum of %s, whatever the note', (quorum) => {
    const note = noteOf([w0, 100], [w1, 100], [w2, 100])
    expect(() => verifyCheckpoint(note, { ...requirements, quorum })).toThrow(refusedWith('NOTE_QUORUM'))
  })

  it('refuses another log: by origin, by key, by type of key', () => {
    const note = noteOf([w0, 100], [w1, 100])
    const publicKey = crypto.ed25519.importPrivate(log.secretSeed).publicKey
    for (const wrong of [
      { origin: 'log.example/b' },
      { logKey: verifierKeyOf(signer(log.name), 'ed25519') },
      { logKey: verifierKey('log.example/b', 'ed25519', publicKey) },
      { logKey: verifierKey(log.name, 'cosignature-v1', publicKey) },
    ]) {
      expect(() => verifyCheckpoint(note, { ...requirements, ...wrong })).toThrow(
        refusedWith('NOTE_SIGNATURE'),
      )
    }
  })

  it('refuses a checkpoint the witnesses cosigned and the log did not sign', () => {
    const note = `${text}\n${cosign(text, w0, 100)}${cosign(text, w1, 100)}`
    expect(() => verifyCheckpoint(note, requirements)).toThrow(refusedWith('NOTE_SIGNATURE'))
  })

  it('refuses any flipped byte', () => {
    const bytes = utf8(noteOf([w0, 100], [w1, 200]))
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const flipped = bytes.map((byte, i) => (i === at ? byte ^ mask : byte))
        expect(() => verifyCheckpoint(fromUtf8(flipped), requirements)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^(NOTE_(MALFORMED|SIGNATURE|QUORUM)|BYTES_ENCODING)$/),
          }),
        )
      }),
      { numRuns: process.env['SLOW'] ? 2000 : 100 },
    )
  })

  it('is bound by a digest that changes with every cosignature, so that old evidence stays old', () => {
    const [older, younger] = [noteOf([w0, 100], [w1, 100]), noteOf([w0, 100], [w1, 100], [w2, 900])]
    expect(checkpointDigest(older)).not.toBe(checkpointDigest(younger))
    // Pinned: SHA-256 of the note's UTF-8, as `printf 'a\n1\n' | sha256sum` says.
    expect(checkpointDigest('a\n1\n')).toBe(
      '309b0e45a73d3fc5325e2b6ed0a01ef8b9cde6b05a5633c1f893f970d52bfddc',
    )
  })
})
