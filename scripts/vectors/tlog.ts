import { TLOG_FOLDER, tlogCases } from '@sotto/testkit/vectors'
import { perFile, type VectorFamily } from './harness.ts'

/** RFC 6962 inclusion and consistency proofs. They are no transport, so a set of transport vectors may lack them. */
export const tlog: VectorFamily = {
  ...perFile(TLOG_FOLDER, (file) => tlogCases(file.text)),
  isOptional: true,
}
