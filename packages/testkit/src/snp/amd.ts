import { KEY_USAGE } from '@sotto/protocol/x509'
import { SNP_PRODUCTS, type SnpProduct, type SnpRoots } from '@sotto/verifier/snp'
import { type FakeIdentity, fakeRoot } from '../x509/index.ts'
import { type FakeChip, fakeChip, type FakeChipOptions } from './chip.ts'

/** An AMD of one's own: roots, intermediates and chips. For tests: nobody may pin it anywhere else. */
export interface FakeAmd {
  roots: SnpRoots
  ark(product: SnpProduct): FakeIdentity
  /** ASK for VCEK, ASVK for VLEK. */
  issuer(product: SnpProduct, kind: 'VCEK' | 'VLEK'): FakeIdentity
  chip(options?: FakeChipOptions): FakeChip
  /** An ASK that may sign lists too, as none of AMD's may, and a chip under it. */
  listing(): { ask: FakeIdentity; chip: FakeChip }
}

const NAMES: Record<SnpProduct, string> = { milan: 'Milan', genoa: 'Genoa', turin: 'Turin' }

/**
 * Makes a fake AMD. Its keys are P-384 where AMD's are RSA: pinned is the certificate.
 *
 * @param uvmRoot SHA-256 of the root of a fake Microsoft, hexadecimal; none by default
 */
export function fakeAmd(uvmRoot = ''): FakeAmd {
  const arks = byProduct((product) => fakeRoot({ commonName: `ARK-${NAMES[product]}`, curve: 'P-384' }))
  const issue = (product: SnpProduct, kind: string, keyUsage = KEY_USAGE.keyCertSign): FakeIdentity =>
    arks[product].issue({
      commonName: `SEV-${kind}${NAMES[product]}`,
      ca: true,
      pathLength: 0,
      keyUsage,
    })
  const issuers = {
    VCEK: byProduct((product) => issue(product, '')),
    VLEK: byProduct((product) => issue(product, 'VLEK-')),
  }
  return {
    roots: { arks: byProduct((product) => arks[product].certificate), uvmRoot },
    ark: (product) => arks[product],
    issuer: (product, kind) => issuers[kind][product],
    chip(options = {}) {
      const { product = 'milan', kind = 'VCEK' } = options
      return fakeChip(arks[product], issuers[kind][product], options)
    },
    listing() {
      const ask = issue('milan', '', KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign)
      return { ask, chip: fakeChip(arks.milan, ask, {}) }
    },
  }
}

function byProduct<T>(make: (product: SnpProduct) => T): Record<SnpProduct, T> {
  return Object.fromEntries(SNP_PRODUCTS.map((product) => [product, make(product)])) as Record<SnpProduct, T>
}
