import { fromHex } from '@sotto/protocol/bytes'
import { HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { expectHex, expectRefused, perFile, unknownShape, type VectorFamily } from './harness.ts'

interface XWingVector {
  seed: string
  eseed: string
  ss: string
  sk: string
  pk: string
  ct: string
}

/** X-Wing: key from seed, encapsulation from seed, decapsulation. */
export const xwing: VectorFamily = perFile('transport/xwing', function* (file) {
  const vectors: unknown = JSON.parse(file.text)
  if (!Array.isArray(vectors)) return yield unknownShape('a file that is no list of X-Wing vectors')
  for (const [index, value] of vectors.entries()) {
    const v = value as XWingVector
    if (['seed', 'eseed', 'ss', 'sk', 'pk', 'ct'].some((field) => typeof value?.[field] !== 'string')) {
      yield unknownShape(`vector ${index} of ${file.name}`)
      continue
    }
    const kem = kemById(HPKE_KEM.X_WING)
    yield [
      `${index}: key pair`,
      () => {
        const key = kem.importPrivate(fromHex(v.seed))
        expectHex('sk', key.export(), v.sk)
        expectHex('pk', key.publicKey, v.pk)
      },
    ]
    yield [
      `${index}: encapsulate`,
      () => {
        const recipient = kem.importPublic(fromHex(v.pk))
        const eseed = fromHex(v.eseed)
        const { enc, sharedSecret } = recipient.encap({ ikmE: eseed })
        expectHex('ct', enc, v.ct)
        expectHex('ss', sharedSecret, v.ss)
      },
    ]
    yield [
      `${index}: decapsulate`,
      () => {
        const key = kem.importPrivate(fromHex(v.sk))
        expectHex('ss', key.decap(fromHex(v.ct)), v.ss)
        expectRefused('short ct', () => key.decap(fromHex(v.ct).subarray(1)), 'CRYPTO_BAD_KEY')
      },
    ]
  }
})
