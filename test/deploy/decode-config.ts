import { type Decoder, parseStrictJson } from '@sotto/serve/config'
import { logConfig } from '../../packages/edge/src/log/config.ts'
import { registryConfig } from '../../packages/edge/src/registry/config.ts'
import { relayConfig } from '../../packages/edge/src/relay/config.ts'
import { roomsConfig } from '../../packages/edge/src/rooms/config.ts'
import { witnessConfig } from '../../packages/edge/src/witness/config.ts'
import { inferenceConfig } from '../../packages/enclave/src/roles/config.ts'
import { roomConfig } from '../../packages/enclave/src/roles/room-config.ts'
import { decodeKmsConfig } from '../../packages/kms/src/config/index.ts'

/** What every role reads its configuration with. */
const DECODERS: Readonly<Record<string, Decoder<unknown>>> = {
  log: logConfig,
  witness: witnessConfig,
  kms: decodeKmsConfig,
  registry: registryConfig,
  inference: inferenceConfig,
  relay: relayConfig,
  rooms: roomsConfig,
  room: roomConfig,
}

/** Reads a configuration as its role does; `inference-2` is an enclave, too. @throws what the role would end with */
export function decodeConfig(role: string, text: string): unknown {
  return DECODERS[role.replace(/-\d$/, '')]!(parseStrictJson(text), 'config')
}
