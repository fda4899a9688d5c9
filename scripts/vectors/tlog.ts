import { TLOG_FOLDER, tlogCases } from '@sotto/testkit/vectors'
import { perFile, type VectorFamily } from './harness.ts'

/** RFC 6962 inclusion and consistency proofs. */
export const tlog: VectorFamily = perFile(TLOG_FOLDER, (file) => tlogCases(file.text))
