import { fromHex } from '@sotto/protocol/bytes'
import type { FakeNitro } from '../nitro/index.ts'
import { encodePiece } from './encode.ts'
import type { FakeTee } from './types.ts'

/** An enclave of this cloud. Its image holds the configuration: no field of its own reports it. */
export function nitroTee(cloud: FakeNitro): FakeTee {
  return {
    platform: { name: 'nitro', allOf: [{ family: 'nitro' }] },
    pins: ({ measurement }) => ({ family: 'nitro', pcrs: { 0: [measurement] } }),
    evidence: ({ measurement }, binding) => [
      encodePiece(
        'nitro',
        cloud.document({ pcrs: { 0: fromHex(measurement) }, fields: { user_data: binding } }),
      ),
    ],
  }
}
