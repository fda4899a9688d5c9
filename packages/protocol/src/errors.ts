import type { AzureDialectErrorCode } from './azure-dialect/index.ts'
import type { BhttpErrorCode } from './bhttp/index.ts'
import type { BytesErrorCode } from './bytes/index.ts'
import type { CborErrorCode } from './cbor/index.ts'
import type { CoseErrorCode } from './cose/index.ts'
import type { CryptoErrorCode } from './crypto-backend/errors.ts'
import type { CustodyErrorCode } from './custody/index.ts'
import type { DsseErrorCode } from './dsse/index.ts'
import type { GovernanceErrorCode } from './governance/index.ts'
import type { HpkeErrorCode } from './hpke/index.ts'
import type { JcsErrorCode } from './jcs/index.ts'
import type { JoseErrorCode } from './jose/index.ts'
import type { KeyReleaseErrorCode } from './keyrelease/index.ts'
import type { MeasurementErrorCode } from './measurement/index.ts'
import type { MerkleErrorCode } from './merkle/index.ts'
import type { ModelManifestErrorCode } from './model-manifest/index.ts'
import type { NoteErrorCode } from './note/index.ts'
import type { OhttpErrorCode } from './ohttp/index.ts'
import type { OmsErrorCode } from './oms/index.ts'
import type { OnnxErrorCode } from './onnx/index.ts'
import type { PrivacyErrorCode } from './privacy/index.ts'
import type { SealedErrorCode } from './sealed/index.ts'
import type { SealedModelErrorCode } from './sealed-models/index.ts'
import type { TarErrorCode } from './tar/index.ts'
import type { TokenErrorCode } from './tokens/index.ts'
import type { GraphErrorCode } from './train-graph/index.ts'
import type { TrainingErrorCode } from './training/index.ts'
import type { X509ErrorCode } from './x509/index.ts'

/** Every code that this package throws in a `SottoError`. Each folder adds its own union here. */
export type ProtocolErrorCode =
  | AzureDialectErrorCode
  | BhttpErrorCode
  | BytesErrorCode
  | CborErrorCode
  | CoseErrorCode
  | CryptoErrorCode
  | CustodyErrorCode
  | DsseErrorCode
  | GovernanceErrorCode
  | HpkeErrorCode
  | JcsErrorCode
  | JoseErrorCode
  | KeyReleaseErrorCode
  | MeasurementErrorCode
  | MerkleErrorCode
  | ModelManifestErrorCode
  | NoteErrorCode
  | OhttpErrorCode
  | OmsErrorCode
  | OnnxErrorCode
  | PrivacyErrorCode
  | SealedErrorCode
  | SealedModelErrorCode
  | TarErrorCode
  | TokenErrorCode
  | GraphErrorCode
  | TrainingErrorCode
  | X509ErrorCode
