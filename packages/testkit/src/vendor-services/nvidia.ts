import { equalBytes, toBase64, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { DerReader, TAG } from '@sotto/protocol/der'
import type { NvidiaRoots } from '@sotto/verifier/nvidia'
import { writeRim } from '../nvidia/rim.ts'
import { FAKE_NOW, type FakeIdentity, fakeRoot, type OcspOptions } from '../x509/index.ts'
import type { VendorAnswer } from './server.ts'

/** An NVIDIA of one's own. For tests: nobody may pin it anywhere else. */
export interface FakeNvidia {
  /** Leaf first, root last. */
  chain: readonly FakeIdentity[]
  /** What to pin instead of NVIDIA's. */
  roots: NvidiaRoots
  /** A manifest, signed. */
  rim(): Uint8Array
  /** The signer of manifests first, their root last. */
  rimChain: readonly FakeIdentity[]
  /** Answers an OCSP request about any certificate of the two chains. */
  ocsp(request: Uint8Array, options?: OcspOptions): Uint8Array
}

/** NVIDIA's answers are valid for a day. */
const OCSP_SECONDS = 86_400
const SHA384 = '2.16.840.1.101.3.4.2.2'

/** Makes one. */
export function fakeNvidia(): FakeNvidia {
  const authority = { ca: true, curve: 'P-384' } as const
  const chainOf = (...names: readonly string[]): FakeIdentity[] => {
    const chain = [fakeRoot({ commonName: names.at(-1)!, curve: 'P-384' })]
    for (const commonName of names.slice(1, -1).toReversed())
      chain.unshift(chain[0]!.issue({ commonName, ...authority }))
    chain.unshift(chain[0]!.issue({ commonName: names[0]!, curve: 'P-384' }))
    return chain
  }
  const chain = chainOf(
    'GH100 A01 GSP FMC LF',
    'GH100 A01 GSP BROM',
    'NVIDIA GH100 Identity',
    'NVIDIA Device Identity CA',
  )
  const rimChain = chainOf(
    'NVIDIA CoRIM signing GH100',
    'NVIDIA CoRIM signing CA',
    'NVIDIA CoRIM signing Root CA',
  )
  return {
    chain,
    rimChain,
    roots: {
      devices: [chain.at(-1)!.certificate],
      referenceManifests: [rimChain.at(-1)!.certificate],
      nrasAuthorities: [],
    },
    rim: () => writeRim(rimChain, { golden: new Map([[0, [new Uint8Array(48)]]]) }),
    ocsp(request, options = {}) {
      const { serialNumber, nonce } = readRequest(request)
      for (const one of [chain, rimChain])
        for (const [index, { certificate }] of one.entries())
          if (equalBytes(certificate.serialNumber, serialNumber))
            return one[index + 1]!.ocsp(certificate, {
              hash: { oid: SHA384, digest: (bytes) => crypto.sha384(bytes) },
              nextUpdate: FAKE_NOW + OCSP_SECONDS - 3600,
              nonce,
              ...options,
            })
      return crypto.randomBytes(16)
    },
  }
}

/** Answers of its services. */
export function nvidiaAnswers(nvidia: FakeNvidia, rimIds: readonly string[]): [string, VendorAnswer][] {
  return [
    [
      'nvidiaOcsp/',
      { headers: { 'content-type': 'application/ocsp-response' }, body: (request) => nvidia.ocsp(request) },
    ],
    ...rimIds.map((id): [string, VendorAnswer] => [`nvidiaRim/v1/rim/${id}`, rimAnswer(id, nvidia.rim())]),
    [
      'nvidiaNras/.well-known/jwks.json',
      { headers: { 'content-type': 'application/json' }, body: utf8('{"keys":[{"kty":"EC","kid":"fake"}]}') },
    ],
  ]
}

/** A manifest as the RIM service sends it (`GET /v1/rim/{id}`). */
export function rimAnswer(id: string, rim: Uint8Array): VendorAnswer {
  return {
    headers: { 'content-type': 'application/json' },
    body: utf8(
      JSON.stringify({
        id,
        rim: toBase64(rim),
        sha256: 'unused',
        last_updated: '2025-01-01T00:00:00.000Z',
        rim_format: 'TCG',
        request_id: 'fake',
      }),
    ),
  }
}

/** Serial number and nonce of an OCSP request, read by hand: the server must not share code with its client. */
function readRequest(der: Uint8Array): { serialNumber: Uint8Array; nonce: Uint8Array } {
  const tbs = new DerReader(der).enter(TAG.SEQUENCE).enter(TAG.SEQUENCE)
  const certId = tbs.enter(TAG.SEQUENCE).enter(TAG.SEQUENCE).enter(TAG.SEQUENCE)
  certId.element(TAG.SEQUENCE)
  certId.octetString()
  certId.octetString()
  const serialNumber = certId.unsigned()
  const extension = tbs.enter(0xa2).enter(TAG.SEQUENCE).enter(TAG.SEQUENCE)
  extension.oid()
  return { serialNumber, nonce: new DerReader(extension.octetString()).octetString() }
}
