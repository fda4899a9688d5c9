import { attestation } from './attestation.ts'
import { bhttp } from './bhttp.ts'
import { blindrsa } from './blindrsa.ts'
import { coseReceipts } from './cose-receipts.ts'
import type { VectorFamily } from './harness.ts'
import { hpke } from './hpke.ts'
import { mlkem } from './mlkem.ts'
import { ohttp } from './ohttp.ts'
import { oms } from './oms.ts'
import { privacy } from './privacy.ts'
import { privacypass } from './privacypass.ts'
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
  blindrsa,
  privacypass,
  tlog,
  coseReceipts,
  attestation,
  oms,
  privacy,
]
