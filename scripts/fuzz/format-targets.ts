import { encodeRequest, encodeResponse, decodeRequest, decodeResponse } from '@sotto/protocol/bhttp'
import { concat, fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { decodeCbor } from '@sotto/protocol/cbor'
import { parseCoseSign1 } from '@sotto/protocol/cose'
import { parseCanonicalJson, parseStrictJson } from '@sotto/protocol/jcs'
import { parseJwks, parseJws } from '@sotto/protocol/jose'
import { encodeKeyConfigs, parseKeyConfig, parseKeyConfigs } from '@sotto/protocol/ohttp'
import { parseHeader, sealArtifact } from '@sotto/protocol/sealed'
import { packTar, readTar } from '@sotto/protocol/tar'
import { entryBundlePath, parseTilePath, tilePath } from '@sotto/protocol/tile-path'
import {
  certificatesOfPem,
  parseCertificate,
  parseCertificatePrefix,
  parseCrl,
  parseOcspResponse,
} from '@sotto/protocol/x509'
import { fakeKeyConfig } from '@sotto/testkit'
import { parseXml } from '@sotto/verifier/xmldsig'
import { fixKeys } from './fixed-keys.ts'
import { ownTexts } from './own-documents.ts'
import { manifests, seedsLike, smallest } from './seeds.ts'
import { parser, type Target } from './target.ts'

const JWT = /\.jwt$/

/** Parsers of the formats that others are made of, and of what a gateway and a log receive. */
export const formatTargets: readonly Target[] = [
  parser('x509 certificate', certificates, parseCertificate),
  parser('x509 prefix', certificates, parseCertificatePrefix),
  parser('x509 crl', crls, parseCrl),
  parser('x509 ocsp', () => seedsLike(/ocsp.*\.der$/), parseOcspResponse),
  parser(
    'pem',
    () => seedsLike(/\.pem$/),
    (bytes) => certificatesOfPem(fromUtf8(bytes)),
  ),
  parser('cbor', () => seedsLike(/\.cbor$|\.cose$/), decodeCbor),
  parser('cose', () => seedsLike(/\.cbor$|\.cose$/), parseCoseSign1),
  parser(
    'jws',
    () => seedsLike(JWT),
    (bytes) => parseJws(fromUtf8(bytes)),
  ),
  parser('jwks', () => seedsLike(/jwks.*\.json$/), parseJwks),
  parser('xml', manifests, parseXml),
  parser('json canonical', ownTexts, (bytes) => parseCanonicalJson(bytes)),
  parser('json strict', ownTexts, (bytes) => parseStrictJson(fromUtf8(bytes))),
  parser('bhttp request', requests, (bytes) => decodeRequest(inParts(bytes))),
  parser('bhttp response', responses, (bytes) => decodeResponse(inParts(bytes))),
  parser('ohttp key', () => [fakeKeyConfig(7, new Uint8Array(32).fill(9))], parseKeyConfig),
  parser('ohttp keys', keyLists, parseKeyConfigs),
  parser('sealed header', sealedHeaders, parseHeader),
  parser('tar', archives, (bytes) => readTar(bytes, { maxFiles: 16, maxBytes: 1 << 20 })),
  parser('tile path', tilePaths, (bytes) => parseTilePath(fromUtf8(bytes))),
]

/** Of nothing, of one file, and of several with a path that needs both fields. */
function archives(): Uint8Array[] {
  const file = { path: 'server.js', mode: 0o644, bytes: utf8('listen()') }
  const long = { path: `${'a'.repeat(90)}/start`, mode: 0o755, bytes: new Uint8Array(600) }
  return [packTar([]), packTar([file]), packTar([file, long])]
}

/** Certificates out of files that hold one in DER or several in PEM. */
function certificates(): Uint8Array[] {
  const files = seedsLike(/\.der$|\.pem$/)
  return smallest(
    files.flatMap((bytes) => (bytes[0] === 0x30 ? [bytes] : certificatesOfPem(fromUtf8(bytes)))),
  )
}

/** CRLs out of collateral, where they stand in hexadecimal. */
function crls(): Uint8Array[] {
  const found = seedsLike(/collateral\.json$/).flatMap((bytes) => {
    const { root_ca_crl: root, pck_crl: pck } = JSON.parse(fromUtf8(bytes)) as Record<string, string>
    return [root, pck].flatMap((text) =>
      text !== undefined && /^(?:[0-9a-f]{2})+$/.test(text) ? [fromHex(text)] : [],
    )
  })
  return smallest(found)
}

/** As from a network: fields are cut in two. */
function inParts(bytes: Uint8Array): Uint8Array[] {
  const cut = bytes.length >> 1
  return [bytes.subarray(0, 3), bytes.subarray(3, cut), bytes.subarray(Math.max(3, cut))]
}

function requests(): Uint8Array[] {
  const head = {
    method: 'POST',
    scheme: 'https',
    authority: 'relay.example',
    path: '/v1/chat/completions',
    fields: [
      ['content-type', 'application/json'],
      ['accept', '*/*'],
    ] as const,
  }
  const content = [utf8('{"messages":[]}')]
  return [
    concat(...encodeRequest(head)),
    concat(...encodeRequest(head, { content, trailers: [['a', 'b']] })),
    concat(...encodeRequest({ ...head, authority: '', fields: [['host', 'a']] }, { content })),
  ]
}

function responses(): Uint8Array[] {
  const head = { status: 200, fields: [['content-type', 'text/plain']] as const }
  return [
    concat(...encodeResponse(head, { content: [utf8('hello')], trailers: [['sotto-receipt', 'AAAA']] })),
    concat(...encodeResponse({ status: 404, fields: [] })),
  ]
}

function keyLists(): Uint8Array[] {
  const key = parseKeyConfig(fakeKeyConfig(7, new Uint8Array(32).fill(9)))
  return [encodeKeyConfigs([key]), encodeKeyConfigs([key, { ...key, keyId: 8 }])]
}

async function sealedHeaders(): Promise<Uint8Array[]> {
  fixKeys()
  const { sealed } = sealArtifact({
    contentKey: new Uint8Array(32).fill(1),
    plaintextBytes: 5,
    source: [utf8('hello')],
    metadata: 'text/plain',
    id: '0'.repeat(32),
  })
  for await (const header of sealed) return [header]
  return []
}

function tilePaths(): Uint8Array[] {
  return [
    tilePath({ level: 0, index: 0, width: 256 }),
    tilePath({ level: 1, index: 1_234_067, width: 17 }),
    entryBundlePath(1234, 256),
    entryBundlePath(1, 3),
  ].map(utf8)
}
