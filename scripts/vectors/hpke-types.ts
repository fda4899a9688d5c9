import { fromHex } from '@sotto/protocol/bytes'

/** Fields of one vector of RFC 9180 Appendix A and of draft-ietf-hpke-pq, all hexadecimal. */
export interface HpkeVector {
  mode: number
  kem_id: number
  kdf_id: number
  aead_id: number
  info: string
  ikmR?: string
  ikmE?: string
  ikmS?: string
  skRm: string
  skEm?: string
  skSm?: string
  pkRm: string
  pkEm?: string
  pkSm?: string
  psk?: string
  psk_id?: string
  enc: string
  shared_secret: string
  suite_id?: string
  key_schedule_context?: string
  secret?: string
  key: string
  base_nonce: string
  exporter_secret: string
  encryptions: HpkeEncryption[]
  exports: HpkeExport[]
}

export interface HpkeEncryption {
  aad: string
  ct: string
  nonce: string
  pt: string
}

export interface HpkeExport {
  exporter_context: string
  L: number
  exported_value: string
}

/** What both sides agree on besides the keys. */
export function binding(v: HpkeVector): { info: Uint8Array; psk?: Uint8Array; pskId?: Uint8Array } {
  return {
    info: fromHex(v.info),
    ...(v.psk === undefined ? {} : { psk: fromHex(v.psk) }),
    ...(v.psk_id === undefined ? {} : { pskId: fromHex(v.psk_id) }),
  }
}
