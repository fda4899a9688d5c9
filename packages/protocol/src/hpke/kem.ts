import { utf8 } from '../bytes/index.ts'
import { DhKem } from './dhkem.ts'
import { unsupported } from './errors.ts'
import { HybridKem } from './hybrid-kem.ts'
import { HPKE_KEM } from './ids.ts'
import type { HpkeKem } from './kem-types.ts'
import { MlKemKem } from './ml-kem.ts'

const KEMS: readonly HpkeKem[] = [
  new DhKem({
    id: HPKE_KEM.DHKEM_P256,
    name: 'DHKEM(P-256, HKDF-SHA256)',
    group: 'P-256',
    hash: 'sha256',
    secretLength: 32,
  }),
  new DhKem({
    id: HPKE_KEM.DHKEM_P384,
    name: 'DHKEM(P-384, HKDF-SHA384)',
    group: 'P-384',
    hash: 'sha384',
    secretLength: 48,
  }),
  new DhKem({
    id: HPKE_KEM.DHKEM_P521,
    name: 'DHKEM(P-521, HKDF-SHA512)',
    group: 'P-521',
    hash: 'sha512',
    secretLength: 64,
  }),
  new DhKem({
    id: HPKE_KEM.DHKEM_X25519,
    name: 'DHKEM(X25519, HKDF-SHA256)',
    group: 'X25519',
    hash: 'sha256',
    secretLength: 32,
  }),
  new DhKem({
    id: HPKE_KEM.DHKEM_X448,
    name: 'DHKEM(X448, HKDF-SHA512)',
    group: 'X448',
    hash: 'sha512',
    secretLength: 64,
  }),
  new MlKemKem(HPKE_KEM.ML_KEM_512, 'ML-KEM-512'),
  new MlKemKem(HPKE_KEM.ML_KEM_768, 'ML-KEM-768'),
  new MlKemKem(HPKE_KEM.ML_KEM_1024, 'ML-KEM-1024'),
  new HybridKem({
    id: HPKE_KEM.MLKEM768_P256,
    name: 'MLKEM768-P256',
    mlKem: 'ML-KEM-768',
    group: 'P-256',
    label: utf8('MLKEM768-P256'),
    groupSeedLength: 128,
    randomnessLength: 128,
  }),
  new HybridKem({
    id: HPKE_KEM.MLKEM1024_P384,
    name: 'MLKEM1024-P384',
    mlKem: 'ML-KEM-1024',
    group: 'P-384',
    label: utf8('MLKEM1024-P384'),
    groupSeedLength: 48,
    randomnessLength: 80,
  }),
  new HybridKem({
    id: HPKE_KEM.X_WING,
    name: 'MLKEM768-X25519',
    mlKem: 'ML-KEM-768',
    group: 'X25519',
    // The label draws a wing: draft-connolly-cfrg-xwing-kem Section 5.3.
    label: utf8('\\.//^\\'),
    groupSeedLength: 32,
    randomnessLength: 64,
  }),
]

/** KEM of an identifier. @throws `HPKE_UNSUPPORTED` */
export function kemById(id: number): HpkeKem {
  const kem = findKem(id)
  if (kem === undefined) throw unsupported('KEM', id)
  return kem
}

/** KEM of an identifier, undefined for one that is not implemented. */
export function findKem(id: number): HpkeKem | undefined {
  return KEMS.find((one) => one.id === id)
}
