import type { BhttpErrorCode } from './bhttp/index.ts'
import type { BytesErrorCode } from './bytes/index.ts'
import type { CryptoErrorCode } from './crypto-backend/errors.ts'
import type { DsseErrorCode } from './dsse/index.ts'
import type { HpkeErrorCode } from './hpke/index.ts'
import type { JcsErrorCode } from './jcs/index.ts'
import type { KeyReleaseErrorCode } from './keyrelease/index.ts'
import type { MeasurementErrorCode } from './measurement/index.ts'
import type { MerkleErrorCode } from './merkle/index.ts'
import type { NoteErrorCode } from './note/index.ts'
import type { OhttpErrorCode } from './ohttp/index.ts'
import type { SealedErrorCode } from './sealed/index.ts'

/** Every code that this package throws in a `SottoError`. Each folder adds its own union here. */
export type ProtocolErrorCode =
  | BhttpErrorCode
  | BytesErrorCode
  | CryptoErrorCode
  | DsseErrorCode
  | HpkeErrorCode
  | JcsErrorCode
  | KeyReleaseErrorCode
  | MeasurementErrorCode
  | MerkleErrorCode
  | NoteErrorCode
  | OhttpErrorCode
  | SealedErrorCode
