import { fromHex } from '@sotto/protocol/bytes'
import { encodeKeyConfigs, parseKeyConfigs } from '@sotto/protocol/ohttp'
import {
  expectEqual,
  expectRefused,
  isRefusalExpected,
  perFile,
  unknownShape,
  type VectorFamily,
} from './harness.ts'
import { exchangeCases } from './ohttp-exchange.ts'
import { checkMessage } from './ohttp-message.ts'

/** Oblivious HTTP: key configurations, whole exchanges in both framings, and single messages, good and bad. */
export const ohttp: VectorFamily = perFile('transport/ohttp', function* (file) {
  const vectors: unknown = JSON.parse(file.text)
  if (!Array.isArray(vectors)) return yield unknownShape('a file that is no list of vectors')
  for (const [index, vector] of vectors.entries()) {
    const title = `${index}: ${vector?.name ?? vector?.why}`
    if (typeof vector?.encapsulatedRequest === 'string') yield* exchangeCases(title, vector)
    else if (typeof vector?.skR === 'string' && typeof vector?.bytes === 'string') {
      yield [title, () => checkMessage(vector)]
    } else if (typeof vector?.bytes === 'string' && typeof vector?.expect === 'string') {
      yield [title, () => checkKeyConfigs(vector)]
    } else yield unknownShape(`vector ${index} of ${file.name}`)
  }
})

function checkKeyConfigs(v: { bytes: string; expect: string; configs?: number; why: string }): void {
  if (isRefusalExpected(v.expect))
    return expectRefused(v.why, () => parseKeyConfigs(fromHex(v.bytes)), 'OHTTP_KEY_CONFIG')
  const configs = parseKeyConfigs(fromHex(v.bytes))
  expectEqual('configurations', configs.length, v.configs)
  // Nothing of a configuration is lost; the ones of an unknown KEM are.
  if (configs.length > 0) expectEqual('parsed again', parseKeyConfigs(encodeKeyConfigs(configs)), configs)
}
