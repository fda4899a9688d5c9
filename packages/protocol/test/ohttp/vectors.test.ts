import { ohttp } from '../../../../scripts/vectors/ohttp.ts'
import { describeVectors } from '../../../../scripts/vectors/testing.ts'

describeVectors(ohttp)
