import { afterEach, describe, expect, it } from 'vitest'
import { equalBytes, fromUtf8, toHex } from '@sotto/protocol/bytes'
import { certificatesOfPem, parseCertificate, parseOcspResponse } from '@sotto/protocol/x509'
import {
  kdsVcekPath,
  recordedIntelAnswers,
  rimAnswer,
  startVendorServer,
  type VendorAnswer,
  type VendorServer,
} from '@sotto/testkit/vendor-services'
import { verifyFamily } from '@sotto/verifier/appraisal'
import { parseEndorsementKey, SNP_PRODUCTS } from '@sotto/verifier/snp'
import {
  collateralNeeds,
  fetchCollateral,
  type FetchCollateralOptions,
  type FetchedCollateral,
} from '../../src/collateral/index.ts'
import { present, type Vector, vectorsOf } from './vectors.ts'

let server: VendorServer | undefined
afterEach(() => server?.close())

/** Fetches what a vector's evidence needs from vendors that give these answers at its own time. */
async function fetchFrom(
  vector: Vector,
  answers: [string, VendorAnswer][],
  options: FetchCollateralOptions = {},
): Promise<FetchedCollateral> {
  server = await startVendorServer(answers)
  const { family, evidence } = vector.recognised!
  const given = family === 'nvidia' ? vector.recognised!.collateral : {}
  return fetchCollateral(collateralNeeds({ family, evidence, collateral: given }), {
    mirrors: server.mirrors,
    now: () => vector.at,
    attempts: 1,
    ...options,
  })
}

const intelVectors = vectorsOf('tdx', 'sgx').filter(
  ({ recognised, expect: expected }) => recognised !== undefined && 'fmspc' in expected,
)

describe.skipIf(!present)('real quotes (skipped: SOTTO_VECTORS has no attestation)', () => {
  it.each(intelVectors)(
    '$id names its platform and its authority',
    ({ recognised, expect: expected, family }) => {
      const needs = collateralNeeds({ ...recognised!, collateral: {} })
      expect(needs.map(({ kind }) => kind)).toEqual([
        'intel-tcb-info',
        'intel-qe-identity',
        'intel-pck-crl',
        'intel-root-crl',
      ])
      expect(needs[0]).toMatchObject({ fmspc: expected['fmspc'], tee: family })
      expect(expected['pck_issuer']).toBe(
        `Intel SGX PCK ${(needs[2] as { ca: string }).ca === 'platform' ? 'Platform' : 'Processor'} CA`,
      )
    },
  )

  const isComplete = ({ pieces, expect: expected, id }: Vector): boolean => {
    const bundle = pieces['collateral.json']
    return (
      bundle !== undefined &&
      'collateral' in expected &&
      !id.includes('__') &&
      fromUtf8(bundle).includes('"pck_crl_issuer_chain":"-')
    )
  }
  it.each(intelVectors.filter(isComplete))(
    '$id gets the same verdict with what the fetcher brings in the shape in which Intel sent it',
    async (vector) => {
      const needs = collateralNeeds({ ...vector.recognised!, collateral: {} })
      const { ca } = needs[2] as { ca: 'processor' | 'platform' }
      const { tee, fmspc } = needs[0] as { tee: 'sgx' | 'tdx'; fmspc: string }
      const { pieces, unmet } = await fetchFrom(
        vector,
        recordedIntelAnswers(vector.pieces['collateral.json']!, tee, fmspc, ca),
      )
      expect(unmet).toEqual([])
      const { family, evidence, collateral } = vector.recognised!
      const judge = (given: Record<string, Uint8Array>): unknown => {
        const { authentic, acceptable, reason, fields } = verifyFamily(family, {
          evidence,
          collateral: given,
          at: vector.at,
        })
        return { authentic, acceptable, reason, fields }
      }
      expect(judge(pieces)).toEqual(judge(collateral))
    },
  )
})

const snpVectors = vectorsOf('sev-snp').filter(
  ({ recognised, pieces, expect: expected }) =>
    recognised?.family === 'sev-snp' &&
    pieces['leaf.der'] !== undefined &&
    expected['signing_key'] === 'VCEK' &&
    'product' in expected,
)

describe.skipIf(!present)('real SNP reports (skipped: SOTTO_VECTORS has no attestation)', () => {
  it.each(snpVectors)(
    '$id gets the certificate of its chip from KDS, unless it is of another',
    async (vector) => {
      const { recognised, pieces, expect: expected } = vector
      const product = SNP_PRODUCTS.find((name) => name === expected['product'])!
      const path = kdsVcekPath(product, recognised!.evidence)
      const { met, unmet } = await fetchFrom(vector, [[path, { body: pieces['leaf.der']! }]])
      expect(server!.asked).toContain(`GET ${path}`)
      const { hwId } = parseEndorsementKey(parseCertificate(pieces['leaf.der']!))
      const isOwn = expected['chip_id'] !== undefined && String(expected['chip_id']).startsWith(toHex(hwId!))
      expect(met.map(({ what }) => what)).toHaveLength(isOwn ? 1 : 0)
      // Nobody recorded what else KDS says of them.
      expect(unmet.map(({ error }) => error.code)).toEqual(
        isOwn ? ['COLLATERAL_MISSING', 'COLLATERAL_MISSING'] : ['COLLATERAL_INVALID'],
      )
    },
  )
})

const nvidiaVectors = vectorsOf('nvidia').filter(
  ({ recognised, expect: expected, id }) =>
    recognised?.family === 'nvidia' && 'rim_compare' in expected && !id.includes('__'),
)

describe.skipIf(!present)('real NVIDIA devices (skipped: SOTTO_VECTORS has no attestation)', () => {
  it.each(nvidiaVectors)(
    '$id names its reference measurements and the certificates whose status counts',
    async (vector) => {
      const { recognised, pieces } = vector
      const needs = collateralNeeds(recognised!)
      const ids = needs.flatMap((need) => (need.kind === 'nvidia-rim' ? [need.id] : []))
      const rims = Object.values(pieces).filter((piece) => piece[0] === 0x3c)
      expect(ids).toHaveLength(rims.length)
      const chain = Object.values(pieces).find((piece) => piece[0] === 0x2d)!
      const certificates = certificatesOfPem(fromUtf8(chain)).map((der) => parseCertificate(der))
      const asked = needs.flatMap((need) => (need.kind === 'nvidia-ocsp' ? [need.certificate] : []))
      expect(asked.map(({ der }) => toHex(der))).toEqual(
        certificates.slice(1, -1).map(({ der }) => toHex(der)),
      )
    },
  )

  const recorded = nvidiaVectors.filter(({ pieces }) => ocspPieces(pieces).length > 0)
  it.each(recorded)('$id gets recorded answers, each at its own time', async (vector) => {
    const responses = ocspPieces(vector.pieces)
    const answer: VendorAnswer = {
      headers: { 'content-type': 'application/ocsp-response' },
      body: (request) =>
        responses.find((der) =>
          parseOcspResponse(der).responses.some(({ serialNumber }) => contains(request, serialNumber)),
        ) ?? Uint8Array.of(0),
    }
    const rims = Object.values(vector.pieces).filter((piece) => piece[0] === 0x3c)
    const ids = collateralNeeds(vector.recognised!).flatMap((need) =>
      need.kind === 'nvidia-rim' ? [need.id] : [],
    )
    const answers = ids.map((id): [string, VendorAnswer] => [
      `nvidiaRim/v1/rim/${id}`,
      rimAnswer(
        id,
        rims.find((rim) => fromUtf8(rim).includes(`colloquialVersion="${versionOf(id)}"`))!,
      ),
    ])
    const { met, unmet } = await fetchFrom(vector, [['nvidiaOcsp/', answer], ...answers], {
      requireOcspNonce: false,
    })
    const kinds = met.map(({ what }) => what.split(' ').slice(0, 2).join(' '))
    expect(kinds.filter((kind) => kind === 'the reference')).toHaveLength(ids.length)
    expect(kinds.filter((kind) => kind === 'the status')).toHaveLength(3)
    // The responses about manifests were recorded on another day.
    expect(new Set(unmet.map(({ error }) => error.code))).toEqual(new Set(['COLLATERAL_EXPIRED']))
    // Recorded without a nonce: not good enough for an answer that is asked for now.
    server!.close()
    const strict = await fetchFrom(vector, [['nvidiaOcsp/', answer], ...answers])
    expect(strict.met).toHaveLength(ids.length)
  })
})

const azureVectors = vectorsOf('azure-cvm').filter(
  ({ recognised, pieces }) => recognised !== undefined && 'evidence.json' in pieces,
)

describe.skipIf(!present)('real Azure confidential VMs (skipped: SOTTO_VECTORS has no attestation)', () => {
  it.each(azureVectors)('$id needs what its hardware report needs', ({ recognised, id }) => {
    const kinds = collateralNeeds({ ...recognised!, collateral: {} }).map(({ kind }) => kind)
    expect(kinds).toEqual(
      id.includes('tdx')
        ? ['intel-tcb-info', 'intel-qe-identity', 'intel-pck-crl', 'intel-root-crl']
        : ['amd-chain', 'amd-crl'],
    )
  })
})

function ocspPieces(pieces: Record<string, Uint8Array>): Uint8Array[] {
  return Object.values(pieces).filter((piece) => {
    try {
      return parseOcspResponse(piece).responses.length > 0
    } catch {
      return false
    }
  })
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let i = 0; i + part.length <= bytes.length; i++)
    if (equalBytes(bytes.subarray(i, i + part.length), part)) return true
  return false
}

/** Version at the end of a name, as manifests write it. */
function versionOf(id: string): string {
  const last = id.split('_').at(-1)!
  return last.includes('.') ? last : last.match(/../g)!.join('.')
}
