import { oms } from '../../../../scripts/vectors/oms.ts'
import { describeVectors } from '../../../../scripts/vectors/testing.ts'

describeVectors(oms)
