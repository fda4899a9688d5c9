import type { BhttpErrorCode } from './bhttp/index.ts'
import type { BytesErrorCode } from './bytes/index.ts'
import type { CryptoErrorCode } from './crypto-backend/errors.ts'
import type { HpkeErrorCode } from './hpke/index.ts'

/** Every code that this package throws in a `SottoError`. Each folder adds its own union here. */
export type ProtocolErrorCode = BytesErrorCode | CryptoErrorCode | BhttpErrorCode | HpkeErrorCode
