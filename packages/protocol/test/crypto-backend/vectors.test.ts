import { mlkem } from '../../../../scripts/vectors/mlkem.ts'
import { wycheproof } from '../../../../scripts/vectors/wycheproof.ts'
import { xwing } from '../../../../scripts/vectors/xwing.ts'
import { describeVectors } from '../../../../scripts/vectors/testing.ts'

describeVectors(mlkem)
describeVectors(wycheproof)
describeVectors(xwing)
