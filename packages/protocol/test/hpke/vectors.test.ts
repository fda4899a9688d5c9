import { hpke } from '../../../../scripts/vectors/hpke.ts'
import { describeVectors } from '../../../../scripts/vectors/testing.ts'

describeVectors(hpke)
