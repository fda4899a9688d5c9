import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FAKE_NOW, type FakeCertificateOptions, fakeKey, fakeRoot, derWriter } from '@sotto/testkit/x509'
import { fromBase64, toBase64, utf8 } from '../../src/bytes/index.ts'
import { SottoError } from '../../src/errors/index.ts'
import { leafHash } from '../../src/merkle/index.ts'
import {
  type OmsKeylessSignature,
  type OmsTrustedRoot,
  parseOmsBundle,
  parseOmsTrustedRoot,
  verifyOmsKeyless,
} from '../../src/oms/index.ts'
import { KEY_USAGE } from '../../src/x509/index.ts'
import {
  type Body,
  certify,
  type Change,
  checkpoint,
  CODE_SIGNING,
  certificateLog,
  email,
  type Entry,
  type FakeSct,
  fulcio,
  fulcioRoot,
  IDENTITY,
  ISSUER,
  issuer,
  issuerText,
  logFile,
  logged,
  names,
  rekor,
  rootFile,
  signKeyless,
  uri,
  userName,
  USUAL,
} from './fake-sigstore.ts'
import { signature } from './models.ts'

const trustedRoot = parseOmsTrustedRoot(rootFile())
const options = { trustedRoot, identity: IDENTITY, issuer: ISSUER }
const verify = (change: Change = {}, other: Partial<typeof options> = {}): OmsKeylessSignature =>
  verifyOmsKeyless(parseOmsBundle(signKeyless(change)), { ...options, ...other })
const refused = (code: string, action = 'stop'): Error => expect.objectContaining({ code, action }) as Error
const changed = (change: Parameters<typeof rootFile>[0]): OmsTrustedRoot =>
  parseOmsTrustedRoot(rootFile(change))
/** A change of the entry after it was signed. */
const entry = (change: (entry: Entry) => void): Change => ({
  bundle: ({ verificationMaterial }) => change(verificationMaterial.tlogEntries[0]!),
})

describe('a keyless signature', () => {
  it('is by the identity, at the time of the log', () => {
    const { statement, path, integratedTime, logIndex } = verify()
    expect(statement).toMatchObject({ name: 'model', resources: [{ path: 'weights' }] })
    expect(path.chain.map(({ commonName }) => commonName)).toEqual(['Signer', 'Fulcio', 'Fulcio root'])
    expect({ integratedTime, logIndex }).toEqual({ integratedTime: FAKE_NOW, logIndex: 1001 })
  })

  it('is refused with any flipped bit of what is signed or proves it', () => {
    const good = parseOmsBundle(signKeyless())
    if (good.material.kind !== 'keyless') throw new Error('not keyless')
    const { certificate, logEntries } = good.material
    const parts = { certificate, payload: good.payload, signature: good.signature }
    const flip = (bytes: Uint8Array, at: number, bit: number): Uint8Array => {
      const flipped = bytes.slice()
      flipped[at % bytes.length]! ^= 1 << bit
      return flipped
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(parts) as (keyof typeof parts)[])),
        fc.nat(),
        fc.nat(7),
        (name, at, bit) => {
          const { certificate, ...rest } = { ...parts, [name]: flip(parts[name], at, bit) }
          const bundle = { ...rest, material: { kind: 'keyless' as const, certificate, logEntries } }
          expect(() => verifyOmsKeyless(bundle, options)).toThrow(SottoError)
        },
      ),
      { numRuns: 200 },
    )
    const places: ((one: Entry, edit: (base64: string) => string) => void)[] = [
      (one, edit) => (one.logId.keyId = edit(one.logId.keyId)),
      (one, edit) => (one.canonicalizedBody = edit(one.canonicalizedBody)),
      (one, edit) =>
        (one.inclusionPromise!.signedEntryTimestamp = edit(one.inclusionPromise!.signedEntryTimestamp)),
      (one, edit) => (one.inclusionProof.rootHash = edit(one.inclusionProof.rootHash)),
      (one, edit) =>
        (one.inclusionProof.hashes = one.inclusionProof.hashes!.map((hash, i) =>
          i === 0 ? edit(hash) : hash,
        )),
      (one, edit) =>
        (one.inclusionProof.hashes = one.inclusionProof.hashes!.map((hash, i) =>
          i === 1 ? edit(hash) : hash,
        )),
      (one, edit) =>
        (one.inclusionProof.checkpoint.envelope = one.inclusionProof.checkpoint.envelope.replace(
          /[A-Za-z0-9+/=]{40,}(?=\n$)/,
          edit,
        )),
    ]
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.nat(), fc.nat(7), (place, at, bit) => {
        const [one] = structuredClone(logEntries) as [Entry]
        place(one, (base64) => toBase64(flip(fromBase64(base64), at, bit)))
        const material = { kind: 'keyless' as const, certificate, logEntries: [one] }
        expect(() => verifyOmsKeyless({ ...good, material }, options)).toThrow(SottoError)
      }),
      { numRuns: 200 },
    )
  })

  it('is no signature by a key or a chain', () => {
    expect(() => verifyOmsKeyless(parseOmsBundle(signature), options)).toThrow(refused('OMS_SIGNATURE'))
  })

  it('is refused when the holder of the certificate did not sign', () => {
    expect(() => verify({ key: fakeKey() })).toThrow(refused('OMS_SIGNATURE'))
  })
})

describe('who signed', () => {
  const signedBy = (...extensions: FakeCertificateOptions['extensions'] & object): Change => ({
    signer: certify({ extensions }),
  })

  it.each([
    [
      'a workflow',
      uri('https://ci.example/build.yml@refs/heads/main'),
      'https://ci.example/build.yml@refs/heads/main',
    ],
    ['a user', userName('alice!example'), 'alice!example'],
  ])('may be %s', (_what, name, identity) => {
    verify(signedBy(names(name), issuer(ISSUER)), { identity })
  })

  it('may be vouched for in the older extension alone', () => {
    verify(signedBy(names(email(IDENTITY)), issuerText(ISSUER)))
  })

  it.each(['Signer@example.com', 'signer@example.com.evil.example', 'signer@example', '', '.*'])(
    'is not %j',
    (identity) => {
      expect(() => verify({}, { identity })).toThrow(
        expect.objectContaining({ code: 'OMS_IDENTITY', expected: identity, found: IDENTITY }) as Error,
      )
    },
  )

  it.each([`${ISSUER}/`, 'https://issuer.example.evil.example', ''])('is not vouched for by %j', (other) => {
    expect(() => verify({}, { issuer: other })).toThrow(
      expect.objectContaining({ code: 'OMS_IDENTITY', expected: other, found: ISSUER }) as Error,
    )
  })

  it.each<[string, FakeCertificateOptions['extensions'] & object]>([
    ['no name', [issuer(ISSUER)]],
    ['an empty list of names', [names(), issuer(ISSUER)]],
    ['two names', [names(email(IDENTITY), email('other@example.com')), issuer(ISSUER)]],
    ['the name of a host', [names(derWriter.der(0x82, utf8(IDENTITY))), issuer(ISSUER)]],
    ['a name of another type', [names(userName(IDENTITY, '1.3.6.1.4.1.311.20.2.3')), issuer(ISSUER)]],
    ['a name with a NUL', [names(email(`${IDENTITY}\0.evil.example`)), issuer(ISSUER)]],
    ['a name beyond ASCII', [names(email('s\u0456gner@example.com')), issuer(ISSUER)]],
    ['an empty name', [names(email('')), issuer(ISSUER)]],
    ['a name that is no DER', [{ oid: '2.5.29.17', value: utf8(IDENTITY) }, issuer(ISSUER)]],
    ['no issuer', [names(email(IDENTITY))]],
    ['two issuers', [names(email(IDENTITY)), issuerText('https://other.example'), issuer(ISSUER)]],
    [
      'an issuer that is no DER',
      [names(email(IDENTITY)), { oid: '1.3.6.1.4.1.57264.1.8', value: utf8(ISSUER) }],
    ],
    ['an empty issuer', [names(email(IDENTITY)), issuerText('')]],
  ])('is not said by a certificate with %s', (_what, extensions) => {
    expect(() => verify(signedBy(...extensions))).toThrow(refused('OMS_CERTIFICATE'))
  })
})

describe('the certificate', () => {
  it('was valid when the log took the signature in, not now', () => {
    const certificate = certify({ notBefore: FAKE_NOW - 10_000, notAfter: FAKE_NOW - 9000 })
    const signer = { signer: certificate }
    expect(verify({ ...signer, time: FAKE_NOW - 9000 }).integratedTime).toBe(FAKE_NOW - 9000)
    for (const time of [FAKE_NOW - 10_001, FAKE_NOW - 8999, FAKE_NOW])
      expect(() => verify({ ...signer, time })).toThrow(refused('X509_EXPIRED'))
  })

  it('is by an authority of the trusted root', () => {
    const other = fakeRoot({ commonName: 'Fulcio root' })
    const theirs = changed(({ certificateAuthorities: [one] }) => {
      one!.certChain.certificates = [{ rawBytes: toBase64(other.der) }]
    })
    expect(() => verify({}, { trustedRoot: theirs })).toThrow(refused('OMS_CERTIFICATE'))
    expect(() => verify({ signer: certify({ signWith: fakeKey() }) })).toThrow(refused('OMS_CERTIFICATE'))
    // The intermediate is there, under a root that did not certify it.
    const mixed = changed(({ certificateAuthorities: [one] }) => {
      one!.certChain.certificates[1] = { rawBytes: toBase64(other.der) }
    })
    expect(() => verify({}, { trustedRoot: mixed })).toThrow(refused('X509_CHAIN'))
  })

  it('is by an authority that was trusted then, to the last moment', () => {
    const until = (end: string): OmsTrustedRoot =>
      changed(({ certificateAuthorities: [one] }) => (one!.validFor!.end = end))
    verify({}, { trustedRoot: until('2026-01-01T12:00:00Z') })
    expect(() => verify({}, { trustedRoot: until('2026-01-01T11:59:59.999Z') })).toThrow(
      refused('OMS_CERTIFICATE'),
    )
  })

  it('may be by the root itself, and any authority of several', () => {
    const direct = fulcioRoot.issue({
      commonName: 'Signer',
      keyUsage: KEY_USAGE.digitalSignature,
      extendedKeyUsage: [CODE_SIGNING],
      extensions: USUAL,
    })
    const both = changed((root) => {
      delete root.ctlogs
      root.certificateAuthorities.push({
        certChain: { certificates: [{ rawBytes: toBase64(fulcioRoot.der) }] },
      })
    })
    expect(verify({ signer: direct }, { trustedRoot: both }).path.chain).toHaveLength(2)
    verify({ signer: certify() }, { trustedRoot: both })
  })

  it.each<[string, FakeCertificateOptions]>([
    ['TLS servers', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }],
    ['anything', { extendedKeyUsage: ['2.5.29.37.0'] }],
    ['code and more', { extendedKeyUsage: [CODE_SIGNING, '1.3.6.1.5.5.7.3.1'] }],
    ['no stated usage', { keyUsage: null }],
    ['signing certificates too', { keyUsage: KEY_USAGE.digitalSignature | KEY_USAGE.keyCertSign }],
    ['an authority', { ca: true }],
  ])('is refused that is for %s', (_what, change) => {
    expect(() => verify({ signer: certify(change) })).toThrow(refused('OMS_CERTIFICATE'))
  })

  it('is refused without a stated purpose, and by an authority for another one', () => {
    const loose = fulcioRoot.issue({ commonName: 'Loose', extensions: USUAL })
    const server = fulcioRoot.issue({ commonName: 'TLS', ca: true, extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] })
    const signer = server.issue({ commonName: 'Signer', extendedKeyUsage: [CODE_SIGNING], extensions: USUAL })
    const root = changed((file) => {
      delete file.ctlogs
      for (const chain of [[fulcioRoot], [server, fulcioRoot]])
        file.certificateAuthorities.push({
          certChain: { certificates: chain.map((one) => ({ rawBytes: toBase64(one.der) })) },
        })
    })
    for (const one of [loose, signer, fulcioRoot])
      expect(() => verify({ signer: one }, { trustedRoot: root })).toThrow(refused('OMS_CERTIFICATE'))
  })

  it('is refused with a critical extension nobody knows, as a precertificate has', () => {
    const poison = { oid: '1.3.6.1.4.1.11129.2.4.3', critical: true, value: derWriter.nothing() }
    expect(() => verify({ signer: certify({ extensions: [...USUAL, poison] }) })).toThrow(
      refused('X509_CRITICAL'),
    )
  })
})

describe('the certificate log', () => {
  const seen = (...scts: FakeSct[]): Change => ({ signer: certify({}, scts) })
  const stranger = fakeKey()

  it('is one of the trusted root; others may have seen the certificate as well', () => {
    verify(seen({ key: stranger }, {}))
    verify(seen({}, {}))
    expect(() => verify(seen({ key: stranger }))).toThrow(refused('OMS_SCT'))
    expect(() => verify(seen())).toThrow(refused('OMS_SCT'))
  })

  it('is not needed where the trusted root names none', () => {
    verify(seen(), { trustedRoot: changed((root) => delete root.ctlogs) })
    verify(seen(), { trustedRoot: changed((root) => (root.ctlogs = [])) })
  })

  it('is needed where the trusted root names only ones whose keys are not verified with', () => {
    const rsa = changed(({ ctlogs }) => (ctlogs![0]!.publicKey.keyDetails = 'PKCS1_RSA_PKCS1V5'))
    expect(() => verify({}, { trustedRoot: rsa })).toThrow(refused('OMS_SCT'))
  })

  it('was trusted at its own time', () => {
    const old = changed(({ ctlogs }) => (ctlogs![0]!.publicKey.validFor = { end: '2026-01-01T12:00:00Z' }))
    verify({}, { trustedRoot: old })
    const later = seen({ timestamp: FAKE_NOW * 1000 + 1 })
    expect(() => verify(later, { trustedRoot: old })).toThrow(refused('OMS_SCT'))
  })

  it.each<[string, FakeSct]>([
    ['of another version', { version: 1 }],
    ['of another algorithm', { algorithm: 0x0401 }],
    ['with SHA-1', { algorithm: 0x0203 }],
  ])('is refused with a timestamp %s', (_what, sct) => {
    expect(() => verify(seen(sct))).toThrow(refused('OMS_SCT'))
  })

  it('saw this certificate: its timestamp does not fit another', () => {
    const extension = certify().certificate.extensions.get('1.3.6.1.4.1.11129.2.4.2')!
    const other = certify(
      { extensions: [...USUAL, { oid: '1.3.6.1.4.1.11129.2.4.2', value: extension.value }] },
      [],
    )
    expect(() => verify({ signer: other })).toThrow(/did not sign its timestamp/)
    // One that is wrong beside one that is right.
    expect(() => verify(seen({}, { algorithm: 0 }))).toThrow(refused('OMS_SCT'))
  })

  it.each<[string, Uint8Array]>([
    ['no OCTET STRING', Uint8Array.of(0, 0)],
    ['a list that is too long', derWriter.octets(Uint8Array.of(0, 9, 0))],
    ['bytes after the list', derWriter.octets(Uint8Array.of(0, 0, 0))],
    ['a timestamp that is too short', derWriter.octets(Uint8Array.of(0, 4, 0, 2, 0, 0))],
    ['an empty list', derWriter.octets(Uint8Array.of(0, 0))],
    ['too many timestamps', derWriter.octets(manyTimestamps())],
  ])('is refused with %s', (_what, value) => {
    const signer = certify({ extensions: [...USUAL, { oid: '1.3.6.1.4.1.11129.2.4.2', value }] }, [])
    expect(() => verify({ signer })).toThrow(refused('OMS_SCT'))
  })
})

function manyTimestamps(): Uint8Array {
  const extension = certify(
    {},
    Array.from({ length: 17 }, () => ({})),
  ).certificate.extensions
  return extension.get('1.3.6.1.4.1.11129.2.4.2')!.value.slice(4)
}

describe('the log of signatures', () => {
  it('is one of the trusted root, at the time of the entry', () => {
    expect(() => verify({ log: fakeKey() })).toThrow(refused('OMS_LOG'))
    const old = changed(({ tlogs }) => (tlogs[0]!.publicKey.validFor = { end: '2026-01-01T11:59:59Z' }))
    expect(() => verify({}, { trustedRoot: old })).toThrow(
      expect.objectContaining({
        code: 'OMS_LOG',
        expected: 'any time to 2026-01-01T11:59:59Z',
        found: '2026-01-01T12:00:00Z',
      }) as Error,
    )
  })

  it('has a key that is verified with', () => {
    const other = changed(({ tlogs }) => (tlogs[0]!.publicKey.keyDetails = 'PKIX_ED25519'))
    expect(() => verify({}, { trustedRoot: other })).toThrow(refused('OMS_UNSUPPORTED', 'fix-input'))
  })

  it('may name its key otherwise in checkpoints', () => {
    const keyId = new Uint8Array(32).fill(9)
    const other = changed(({ tlogs }) => (tlogs[0]!.checkpointKeyId = { keyId: toBase64(keyId) }))
    expect(() => verify({}, { trustedRoot: other })).toThrow(/checkpoint is not signed/)
    const renamed = entry(({ inclusionProof: { checkpoint } }) => {
      checkpoint.envelope = checkpoint.envelope.replace(/[A-Za-z0-9+/=]{40,}(?=\n$)/, (line) =>
        toBase64(Uint8Array.of(9, 9, 9, 9, ...fromBase64(line).subarray(4))),
      )
    })
    verify(renamed, { trustedRoot: other })
    expect(() => verify(renamed)).toThrow(refused('OMS_LOG'))
  })

  it('signed the checkpoint, in whatever line', () => {
    const witness = `\u2014 witness.example ${toBase64(new Uint8Array(76))}\n`
    verify(
      entry(
        ({ inclusionProof: { checkpoint } }) =>
          (checkpoint.envelope = checkpoint.envelope.replace('\n\n', `\n\n${witness}`)),
      ),
    )
  })

  it('may say more in its checkpoint, as Rekor did, and signs that too', () => {
    const longer = (line: string): Change =>
      entry(({ inclusionProof }) => {
        const root = fromBase64(inclusionProof.rootHash)
        inclusionProof.checkpoint.envelope = checkpoint(3, root, rekor, 'Timestamp: 1\n').replace(
          '1\n\n',
          line,
        )
      })
    verify(longer('1\n\n'))
    expect(() => verify(longer('2\n\n'))).toThrow(refused('OMS_LOG'))
  })

  it('may be one whose only entry this is', () => {
    verify(
      entry((one) => {
        const root = leafHash(fromBase64(one.canonicalizedBody))
        one.inclusionProof = {
          rootHash: toBase64(root),
          treeSize: 1,
          checkpoint: { envelope: checkpoint(1, root) },
        }
      }),
    )
  })

  it.each<[string, (one: Entry) => void]>([
    ['another time', (one) => (one.integratedTime = `${FAKE_NOW + 1}`)],
    ['another place', (one) => (one.logIndex = '1002')],
    ['no place', (one) => delete one.logIndex],
    ['another place in the tree', (one) => (one.inclusionProof.logIndex = '0')],
    ['a place outside the tree', (one) => (one.inclusionProof.logIndex = '3')],
    ['another size', (one) => (one.inclusionProof.treeSize = '4')],
    ['a shorter proof', (one) => void one.inclusionProof.hashes!.pop()],
    ['a longer proof', (one) => void one.inclusionProof.hashes!.push(one.inclusionProof.rootHash)],
    ['no proof', (one) => delete one.inclusionProof.hashes],
    [
      'the checkpoint of another tree',
      (one) => (one.inclusionProof.checkpoint.envelope = checkpoint(3, new Uint8Array(32))),
    ],
    [
      'the checkpoint of another log',
      (one) =>
        (one.inclusionProof.checkpoint.envelope = checkpoint(
          3,
          fromBase64(one.inclusionProof.rootHash),
          certificateLog,
        )),
    ],
    ['no checkpoint to speak of', (one) => (one.inclusionProof.checkpoint.envelope = 'rekor.example')],
    [
      'a checkpoint without signatures',
      (one) =>
        (one.inclusionProof.checkpoint.envelope = one.inclusionProof.checkpoint.envelope.replace(
          /\n\n.*/s,
          '\n\n',
        )),
    ],
  ])('does not prove an entry with %s', (_what, change) => {
    expect(() => verify(entry(change))).toThrow(refused('OMS_LOG'))
  })

  it('has exactly one entry in the bundle', () => {
    const entries = (change: (list: Entry[]) => void): Change => ({
      bundle: ({ verificationMaterial }) => change(verificationMaterial.tlogEntries),
    })
    expect(() => verify(entries((list) => list.pop()))).toThrow(refused('OMS_LOG'))
    expect(() => verify(entries((list) => list.push(list[0]!)))).toThrow(refused('OMS_LOG'))
    const bare = {
      bundle: (b: { verificationMaterial: object }) =>
        Reflect.deleteProperty(b.verificationMaterial, 'tlogEntries'),
    }
    expect(() => verify(bare as Change)).toThrow(refused('OMS_LOG'))
  })

  it.each<[string, (one: Entry) => void]>([
    ['a time', (one) => delete one.integratedTime],
    ['a promise', (one) => delete one.inclusionPromise],
  ])('is not that of Rekor v2, whose entries have not %s', (_what, change) => {
    expect(() => verify(entry(change))).toThrow(refused('OMS_UNSUPPORTED', 'fix-input'))
  })
})

describe('the entry of the log', () => {
  const other = { algorithm: 'sha256', value: 'cd'.repeat(32) }

  it.each<[string, (body: Body) => void]>([
    ['another payload', ({ spec }) => (spec.payloadHash = other)],
    ['another signature', ({ spec }) => (spec.signatures[0]!.signature = toBase64(rekor.sign(utf8(''))))],
    ['another certificate', ({ spec }) => (spec.signatures[0]!.verifier = toBase64(utf8(certify().pem)))],
    [
      'the certificate twice',
      ({
        spec: {
          signatures: [one],
        },
      }) => (one!.verifier = toBase64(utf8(fulcio.pem + fulcio.pem))),
    ],
    ['no certificate', ({ spec }) => (spec.signatures[0]!.verifier = toBase64(utf8('-'.repeat(64))))],
    ['two signatures', ({ spec: { signatures } }) => signatures.push(signatures[0]!)],
    ['no signature', ({ spec }) => (spec.signatures = [])],
    ['a digest of another kind', ({ spec }) => (spec.payloadHash.algorithm = 'sha512')],
    ['another kind inside', (body) => (body.kind = 'intoto')],
    ['another version inside', (body) => (body.apiVersion = '0.0.2')],
    ['more than is known', (body) => Object.assign(body.spec, { more: 1 })],
  ])('is refused with %s', (_what, body) => {
    expect(() => verify({ body })).toThrow(refused('OMS_LOG_BODY'))
  })

  it('does not have to name the envelope in its spelling', () => {
    verify({ body: ({ spec }) => (spec.envelopeHash = other) })
  })

  it.each([
    ['intoto', '0.0.2'],
    ['hashedrekord', '0.0.1'],
    ['dsse', '0.0.2'],
  ])('is refused of kind %s %s', (kind, version) => {
    expect(() => verify(entry((one) => (one.kindVersion = { kind, version })))).toThrow(
      refused('OMS_UNSUPPORTED', 'fix-input'),
    )
  })

  it('is refused that is no canonical JSON, though the log has it', () => {
    const bundle: Change['bundle'] = ({ verificationMaterial }) => {
      const [one] = verificationMaterial.tlogEntries
      verificationMaterial.tlogEntries = [
        logged(utf8(`${Buffer.from(one!.canonicalizedBody, 'base64').toString()} `)),
      ]
    }
    expect(() => verify({ bundle })).toThrow(refused('OMS_LOG_BODY'))
  })
})

it('trusts a log by its key, whatever its file says beside', () => {
  verify({}, { trustedRoot: changed((root) => root.tlogs.unshift(logFile(fakeKey()))) })
})
