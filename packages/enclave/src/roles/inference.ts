import { snpHardware } from '@sotto/serve/tee-snp'
import { startRole } from '@sotto/serve/role'
import { runInference } from './run-inference.ts'

await startRole({
  name: 'inference',
  argv: process.argv,
  env: process.env,
  refuseSwap: true,
  run: (context) => runInference(context, snpHardware(), { sandbox: 'full' }),
})
