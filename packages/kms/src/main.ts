import { snpHardware } from '@sotto/serve/tee-snp'
import { startRole } from '@sotto/serve/role'
import { runKms } from './run.ts'

await startRole({
  name: 'kms',
  argv: process.argv,
  env: process.env,
  refuseSwap: true,
  run: (context) => runKms(context, snpHardware()),
})
