import { describe, expect, it } from 'vitest'
import { concat, fromBase64, toBase64, toHex, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  cosign,
  cosignatureTime,
  isSignedBy,
  parseNote,
  parseVerifierKey,
  signNote,
  verifierKey,
  verifierKeyOf,
  type NoteSigner,
} from '@sotto/protocol/note'

const malformed = expect.objectContaining({ code: 'NOTE_MALFORMED', action: 'fix-input' })
const signer = (name: string): NoteSigner => ({ name, secretSeed: crypto.ed25519.generate().seed })
const log = signer('log.example/a')
const witness = signer('witness.example')

// golang.org/x/mod/sumdb/note, package documentation: key, text and signature of its example.
const PUBLISHED_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const PUBLISHED_SEED = fromBase64('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz').subarray(1)
const PUBLISHED_TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const PUBLISHED_NOTE =
  PUBLISHED_TEXT +
  '\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

describe('a signed note', () => {
  it('is the published one, byte for byte, under the published key', () => {
    const author = { name: 'PeterNeumann', secretSeed: PUBLISHED_SEED }
    expect(verifierKeyOf(author, 'ed25519')).toBe(PUBLISHED_KEY)
    expect(signNote(PUBLISHED_TEXT, author)).toBe(PUBLISHED_NOTE)
    const note = parseNote(PUBLISHED_NOTE)
    expect(note.text).toBe(PUBLISHED_TEXT)
    expect(isSignedBy(note, parseVerifierKey(PUBLISHED_KEY))).toBe(true)
  })

  it('reads the key of the Go checksum database', () => {
    const key = parseVerifierKey('sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8')
    expect(key).toMatchObject({ name: 'sum.golang.org', type: 'ed25519' })
    expect(toHex(key.keyId)).toBe('033de0ae')
  })

  it('is separated from its signatures by the last empty line (C2SP signed-note, "Format")', () => {
    const [line] = signNote('b\n', log).split('\n\n').slice(1)
    expect(parseNote(`a\n\nb\n\n${line}`).text).toBe('a\n\nb\n')
  })

  it('accepts at least 16 signatures, whoever made them', () => {
    const lines = Array.from({ length: 16 }, (_, i) => cosign('x\n', signer(`w${i}.example`), 1)).join('')
    expect(parseNote(signNote('x\n', log) + lines).signatures).toHaveLength(17)
  })

  it('ignores signatures of unknown keys, also when they share a name or an identifier with a known one', () => {
    const key = parseVerifierKey(verifierKeyOf(log, 'ed25519'))
    const good = signNote('x\n', log)
    const line = good.split('\n\n')[1]!
    const noise =
      signNote('x\n', { ...log, secretSeed: witness.secretSeed }).split('\n\n')[1]! +
      line.replace(log.name, 'other.example') +
      '— unknown.example AAAAAAA=\n'
    expect(isSignedBy(parseNote(good + noise), key)).toBe(true)
    expect(isSignedBy(parseNote(`x\n\n${noise}`), key)).toBe(false)
  })

  it('is not signed by a key that signed another text', () => {
    const key = parseVerifierKey(verifierKeyOf(log, 'ed25519'))
    const line = signNote('x\n', log).split('\n\n')[1]!
    expect(isSignedBy(parseNote(`y\n\n${line}`), key)).toBe(false)
  })

  it('is not signed by a log that only cosigned, nor the other way round', () => {
    const asLog = parseVerifierKey(verifierKeyOf(log, 'ed25519'))
    const asWitness = parseVerifierKey(verifierKeyOf(log, 'cosignature-v1'))
    const cosigned = parseNote(`x\n\n${cosign('x\n', log, 5)}`)
    expect([isSignedBy(cosigned, asLog), isSignedBy(cosigned, asWitness)]).toEqual([false, false])
    expect(cosignatureTime(parseNote(signNote('x\n', log)), asWitness)).toBeUndefined()
    expect(cosignatureTime(cosigned, asLog)).toBeUndefined()
  })

  const line = signNote('x\n', log).split('\n\n')[1]!
  const forged = (bytes: Uint8Array): string => `— ${log.name} ${toBase64(bytes)}\n`
  it.each([
    ['nothing', ''],
    ['no signature block', 'x\n'],
    ['an empty signature block', 'x\n\n'],
    ['a blank line after the signatures', `x\n\n${line}\n`],
    ['a blank line between signatures', `x\n\n${line}\n${line}\n`],
    ['no newline at the end', `x\n\n${line.trimEnd()}`],
    ['two newlines at the end', `x\n\n${line}\n\n`],
    ['a hyphen for the dash', `x\n\n${line.replace('—', '-')}`],
    ['two spaces', `x\n\n${line.replace('— ', '—  ')}`],
    ['trailing space', `x\n\n${line.replace('\n', ' \n')}`],
    ['no name', `x\n\n— ${line.split(' ')[2]}`],
    ['a plus sign in a name', `x\n\n${line.replace(log.name, 'a+b')}`],
    ['a no-break space in a name', `x\n\n${line.replace(log.name, 'a\u00a0b')}`],
    ['a long name', `x\n\n${line.replace(log.name, 'a'.repeat(129))}`],
    ['base64 without padding', `x\n\n${line.replace('=', '')}`],
    ['base64url', 'x\n\n— a __-_AAAA\n'],
    ['base64 with stray bits', 'x\n\n— a AAAAAAB=\n'],
    ['a signature that is a key identifier only', `x\n\n${forged(new Uint8Array(4))}`],
    ['a carriage return', `x\r\n\n${line}`],
    ['a tab', `x\t\n\n${line}`],
    ['a NUL', `x\0\n\n${line}`],
    ['a lone surrogate', `\ud800\n\n${line}`],
    ['a long text', `${'x'.repeat(70_000)}\n\n${line}`],
    ['a hundred signatures', `x\n\n${line.repeat(100)}`],
  ])('is refused with %s', (_what, note) => {
    expect(() => parseNote(note)).toThrow(malformed)
  })

  it.each(['', 'x', 'a\n\nb\n', '\n\n'])('is not made of %j', (text) => {
    expect(() => signNote(text, log)).toThrow(malformed)
  })
})

describe('a cosignature', () => {
  const key = parseVerifierKey(verifierKeyOf(witness, 'cosignature-v1'))

  it('has the layout of the example of C2SP tlog-cosignature: key identifier, big-endian time, Ed25519', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
    const published =
      'jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=='
    const ours = fromBase64(cosign(text, witness, 1_679_315_147).trim().split(' ')[2]!)
    expect(ours.length).toBe(fromBase64(published).length)
    expect(ours.subarray(4, 12)).toEqual(fromBase64(published).subarray(4, 12))
    const message = utf8(`cosignature/v1\ntime 1679315147\n${text}`)
    expect(crypto.ed25519.importPublic(key.publicKey).verify(message, ours.subarray(12))).toBe(true)
  })

  it('derives its key identifier from name, type 0x04 and key', () => {
    const derived = crypto.sha256(utf8('witness.example\n'), Uint8Array.of(4), key.publicKey).subarray(0, 4)
    expect(key.keyId).toEqual(derived)
  })

  it('says when, and the newest of several counts', () => {
    const note = parseNote(
      signNote('x\n', log) +
        cosign('x\n', witness, 10) +
        cosign('x\n', witness, 30) +
        cosign('x\n', witness, 20),
    )
    expect(cosignatureTime(note, key)).toBe(30)
  })

  it('counts for its own text only', () => {
    expect(cosignatureTime(parseNote(`y\n\n${cosign('x\n', witness, 10)}`), key)).toBeUndefined()
  })

  it('keeps times past 2^32 and refuses to be moved in time', () => {
    const late = 2 ** 32 + 5
    const line = cosign('x\n', witness, late)
    expect(cosignatureTime(parseNote(`x\n\n${line}`), key)).toBe(late)
    const bytes = fromBase64(line.trim().split(' ')[2]!)
    bytes.set(uint(1, 1), 11)
    expect(cosignatureTime(parseNote(`x\n\n— witness.example ${toBase64(bytes)}\n`), key)).toBeUndefined()
  })

  it.each([
    ['time zero', concat(new Uint8Array(8), new Uint8Array(64))],
    ['a time past 2^53', concat(new Uint8Array(8).fill(255), new Uint8Array(64))],
    ['no time', new Uint8Array(64)],
    ['a longer signature', new Uint8Array(73)],
  ])('does not count with %s', (_what, signature) => {
    const note = parseNote(`x\n\n— witness.example ${toBase64(concat(key.keyId, signature))}\n`)
    expect(cosignatureTime(note, key)).toBeUndefined()
  })
})

describe('a verifier key', () => {
  const good = verifierKeyOf(log, 'ed25519')
  const [name, hash, encoded] = good.split('+', 2).concat(good.split('+').slice(2).join('+')) as [
    string,
    string,
    string,
  ]

  it('returns what it wrote', () => {
    for (const type of ['ed25519', 'cosignature-v1'] as const) {
      const text = verifierKeyOf(log, type)
      const parsed = parseVerifierKey(text)
      expect(verifierKey(parsed.name, parsed.type, parsed.publicKey)).toBe(text)
    }
  })

  it.each([
    ['nothing', ''],
    ['two parts', `${name}+${hash}`],
    ['a wrong hash', `${name}+00000000+${encoded}`],
    ['an upper-case hash', `${name}+${hash.toUpperCase()}A+${encoded}`],
    ['another name', `other.example+${hash}+${encoded}`],
    ['a space in the name', `a b+${hash}+${encoded}`],
    ['a newline in the name', `a\nb+${hash}+${encoded}`],
    ['no name', `+${hash}+${encoded}`],
    ['an unknown type', `${name}+${hash}+${toBase64(concat(Uint8Array.of(2), new Uint8Array(32)))}`],
    ['a short key', `${name}+${hash}+${toBase64(concat(Uint8Array.of(1), new Uint8Array(31)))}`],
    ['broken base64', `${name}+${hash}+AAA`],
    ['a trailing newline', `${good}\n`],
  ])('is refused with %s', (_what, text) => {
    expect(() => parseVerifierKey(text)).toThrow(malformed)
  })

  it('is not made of a bad name or a key of another length', () => {
    expect(() => verifierKey('a+b', 'ed25519', new Uint8Array(32))).toThrow(malformed)
    expect(() => verifierKey('', 'ed25519', new Uint8Array(32))).toThrow(malformed)
    expect(() => verifierKey('a', 'ed25519', new Uint8Array(31))).toThrow(malformed)
  })
})
