import type { NitroPolicy } from '../../nitro/index.ts'
import type { Meaning, Members, MeaningsOf } from '../meaning.ts'

/** Registers 0 to 31; image, application and signing certificate say which program runs. */
const PCRS: Members = /* @__PURE__ */ Object.fromEntries(
  Array.from({ length: 32 }, (_, index): [string, Meaning] => [
    `${index}`,
    {
      is: 'allow',
      what: `PCR${index}`,
      absent: 'any',
      ...([0, 8].includes(index) && { pins: 'program' as const }),
    },
  ]),
)

/** What members of a policy for Nitro enclaves mean. */
export const NITRO_MEANINGS: MeaningsOf<NitroPolicy> = {
  allowDebug: {
    is: 'permit',
    what: 'enclaves in debug mode, whose console the instance can read',
    code: 'debug',
  },
  pcrs: { is: 'parts', what: 'register', members: PCRS, pins: 'program' },
  userData: { is: 'allow', what: 'user_data', absent: 'any' },
  nonces: { is: 'allow', what: 'nonce', absent: 'any' },
  publicKeys: { is: 'allow', what: 'public_key', absent: 'any' },
  maxAgeSeconds: { is: 'ceiling', what: 'documents with an age', unit: 'seconds' },
}
