import { decodeCbor } from '@sotto/protocol/cbor'
import { parseCoseSign1 } from '@sotto/protocol/cose'
import { SottoError } from '@sotto/protocol/errors'
import { parseJwks, parseJws } from '@sotto/protocol/jose'
import { parseCertificate, parseCrl, parseOcspResponse, certificatesOfPem } from '@sotto/protocol/x509'
import { fromHex, fromUtf8 } from '@sotto/protocol/bytes'
import { parseEventLog } from '@sotto/verifier/event-log'
import { parseXml } from '@sotto/verifier/xmldsig'
import { seedsLike } from './seeds.ts'
import type { Target } from './targets.ts'

/** Parsers by themselves, so that mutations reach behind the first check of a verifier. */
export const parserTargets: readonly Target[] = [
  parser('x509 certificate', /\.der$|\.pem$/, (bytes) => parseCertificate(bytes), certificates),
  parser('x509 crl', /collateral\.json$/, (bytes) => parseCrl(bytes), crls),
  parser('x509 ocsp', /ocsp.*\.der$/, (bytes) => parseOcspResponse(bytes)),
  parser('pem', /\.pem$/, (bytes) => certificatesOfPem(fromUtf8(bytes))),
  parser('cbor', /\.cbor$|\.cose$/, (bytes) => decodeCbor(bytes)),
  parser('cose', /\.cbor$|\.cose$/, (bytes) => parseCoseSign1(bytes)),
  parser('jws', /\.jwt$/, (bytes) => parseJws(fromUtf8(bytes))),
  parser('jwks', /jwks.*\.json$/, (bytes) => parseJwks(bytes)),
  parser('event log', /ccel\.bin$/, (bytes) => parseEventLog(bytes)),
  parser('xml', /rim.*\.xml$/, (bytes) => parseXml(bytes)),
]

/** A parser may answer or refuse with one of our errors. Anything else is a crash. */
function parser(
  name: string,
  files: RegExp,
  parse: (bytes: Uint8Array) => unknown,
  split: (seeds: Uint8Array[]) => Uint8Array[] = (seeds) => seeds,
): Target {
  return {
    name,
    seeds: () => split(seedsLike(files)),
    run(input) {
      try {
        parse(input)
      } catch (error) {
        if (!(error instanceof SottoError)) throw error
      }
    },
  }
}

/** Certificates out of files that hold one in DER or several in PEM. */
function certificates(files: Uint8Array[]): Uint8Array[] {
  return files.flatMap((bytes) => (bytes[0] === 0x30 ? [bytes] : certificatesOfPem(fromUtf8(bytes))))
}

/** CRLs out of collateral, where they stand in hexadecimal. */
function crls(files: Uint8Array[]): Uint8Array[] {
  return files.flatMap((bytes) => {
    const { root_ca_crl: root, pck_crl: pck } = JSON.parse(fromUtf8(bytes)) as Record<string, string>
    return [root, pck].flatMap((text) =>
      text !== undefined && /^(?:[0-9a-f]{2})+$/.test(text) ? [fromHex(text)] : [],
    )
  })
}
