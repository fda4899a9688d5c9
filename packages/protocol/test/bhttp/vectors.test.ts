import { bhttp } from '../../../../scripts/vectors/bhttp.ts'
import { describeVectors } from '../../../../scripts/vectors/testing.ts'

describeVectors(bhttp)
