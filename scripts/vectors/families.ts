import { attestation } from './attestation.ts'
import { bhttp } from './bhttp.ts'
import type { VectorFamily } from './harness.ts'
import { hpke } from './hpke.ts'
import { mlkem } from './mlkem.ts'
import { ohttp } from './ohttp.ts'
import { tlog } from './tlog.ts'
import { wycheproof } from './wycheproof.ts'
import { xwing } from './xwing.ts'

/** Every family that `npm run vectors` runs. A new one is a file beside this one and a line here. */
export const families: readonly VectorFamily[] = [
  hpke,
  xwing,
  mlkem,
  wycheproof,
  bhttp,
  ohttp,
  tlog,
  attestation,
]
